// PDUs of every kind, with any of their fields and values, from a seed; for round trips and for judges that are not ours.
#pragma once

#include <array>
#include <random>
#include <string>

#include "codec/mms/fields.h"

namespace pushmail::mms {

/// What it makes can be written: what its kind must have is there, and nothing is newer than its version.
class Generator {
 public:
  /// `number_bits`: how long numbers get. Other readers do not go to 64.
  explicit Generator(std::uint32_t seed, unsigned number_bits = 64) : dice_(seed), number_bits_(number_bits) {}

  /// How often an optional field is set, in hundredths.
  Pdu make(const PduRow& row, unsigned set_share = 50) {
    Pdu pdu;
    pdu.type = row.type;
    pdu.version = static_cast<std::uint8_t>(row.since + roll(static_cast<std::size_t>(version_1_3 - row.since) + 1));
    return fill(std::move(pdu), row, set_share);
  }
  /// Every field of its kind.
  Pdu make_full(const PduRow& row) {
    Pdu pdu;
    pdu.type = row.type;
    pdu.version = version_1_3;
    return fill(std::move(pdu), row, 100);
  }

 private:
  static constexpr std::array<std::uint8_t, 4> descriptor{0x8C, 0x93, 0x8D, 0x92};

  Pdu fill(Pdu pdu, const PduRow& row, unsigned set_share) {
    for (const PduField& wanted : row.fields) {
      const Field& field = *field_of(wanted.code, row.form);
      const bool needed = wanted.need != Need::optional && (wanted.need != Need::recipient || wanted.code == 0x97);
      if (field.since > pdu.version || (!needed && roll(100) >= set_share)) continue;
      if (field.kind == FieldKind::content) {
        set_content(pdu);
      } else {
        set(pdu, field);
      }
    }
    pdu.content.subject = pdu.subject;
    return pdu;
  }

  void set(Pdu& pdu, const Field& field) {
    std::visit(
        [&](auto member) {
          if constexpr (!std::is_same_v<decltype(member), std::monostate>) set_member(pdu.*member, field, pdu.version);
        },
        field.member);
  }
  template <class Value>
  void set_member(std::optional<Value>& member, const Field& field, std::uint8_t version) {
    Value value{};
    set_value(value, field, version);
    member = std::move(value);
  }
  template <class Value>
  void set_member(std::vector<Value>& member, const Field& field, std::uint8_t version) {
    for (std::size_t left = 1 + roll(3); left > 0; --left) set_value(member.emplace_back(), field, version);
  }
  void set_member(std::string& member, const Field& field, std::uint8_t version) { set_value(member, field, version); }

  void set_value(std::string& value, const Field& field, std::uint8_t /*version*/) {
    if (field.kind == FieldKind::message_class) {
      const std::string_view name = message_class_name(static_cast<std::uint8_t>(0x80 + roll(5)));
      value = name.empty() ? "x-" + std::to_string(roll(100)) : std::string(name);
    } else {
      value = field.kind == FieldKind::text ? address() : words();
    }
  }
  void set_value(std::uint8_t& value, const Field& field, std::uint8_t version) {
    const auto values = values_of(field.code);
    if (values.empty()) {
      value = static_cast<std::uint8_t>(0x81 + roll(0x3F));  // X-Mms-Attributes: a field
      return;
    }
    const FieldValue* chosen = &values[roll(values.size())];
    while (chosen->since > version) chosen = &values[roll(values.size())];
    value = chosen->value;
  }
  void set_value(bool& value, const Field& /*field*/, std::uint8_t /*version*/) { value = roll(2) == 0; }
  void set_value(std::uint64_t& value, const Field& /*field*/, std::uint8_t /*version*/) { value = number(); }
  void set_value(TimeValue& value, const Field& /*field*/, std::uint8_t /*version*/) {
    value = {.kind = roll(2) == 0 ? TimeValue::Kind::absolute : TimeValue::Kind::relative, .seconds = number()};
  }
  void set_value(From& value, const Field& /*field*/, std::uint8_t /*version*/) {
    if (roll(3) != 0) value = {.kind = From::Kind::address, .address = address()};
  }
  void set_value(PreviousSender& value, const Field& /*field*/, std::uint8_t /*version*/) {
    value = {.number = number(), .address = words()};
  }
  void set_value(PreviousDate& value, const Field& /*field*/, std::uint8_t /*version*/) {
    value = {.number = number(), .seconds = number()};
  }
  void set_value(MmFlag& value, const Field& /*field*/, std::uint8_t /*version*/) {
    value = {.action = static_cast<MmFlag::Action>(0x80 + roll(3)), .keyword = words()};
  }
  void set_value(MboxSize& value, const Field& /*field*/, std::uint8_t /*version*/) {
    value = {.unit = static_cast<MboxSize::Unit>(0x80 + roll(2)), .size = number()};
  }
  void set_value(ElementDescriptor& value, const Field& /*field*/, std::uint8_t /*version*/) {
    value.reference = address();
    value.parameters.push_back({.name = "type", .value = std::string(media_type())});
    if (roll(2) == 0) value.parameters.push_back({.name = "x-other", .value = address()});
    if (roll(2) == 0) value.parameters.push_back({.name = "size", .value = std::to_string(number())});
  }
  void set_value(CountedText& value, const Field& field, std::uint8_t /*version*/) {
    value = {.number = number(), .text = field.kind == FieldKind::counted_text ? address() : words()};
  }

  void set_content(Pdu& pdu) {
    pdu.has_content = true;
    MultimediaMessage& content = pdu.content;
    for (std::size_t left = roll(5); left > 0; --left) {
      Bytes& data = content.owned.emplace_back(roll(300));
      for (auto& byte : data) byte = static_cast<std::uint8_t>(roll(256));
      const std::string number_text = std::to_string(left);
      const bool is_text = roll(3) == 0;
      content.parts.push_back({.media_type = is_text ? "text/plain" : media_type(),
                               .charset = is_text ? charset() : std::string_view{},
                               .name = roll(3) == 0 ? std::string_view{} : content.arena.copy(words() + number_text),
                               .content_id = roll(3) == 0 ? std::string_view{} : content.arena.copy("id" + number_text),
                               .content_location = roll(3) == 0 ? std::string_view{} : content.arena.copy(address() + number_text),
                               .data = data});
      // What judges look into must be what it is called.
      if (content.parts.back().media_type == "application/vnd.wap.mms-message") content.parts.back().data = ByteView(descriptor);
    }
    if (content.parts.empty() || roll(2) == 0) return;
    content.presentation = roll(content.parts.size());
    content.parts[content.presentation].media_type = "application/smil";
    content.parts[content.presentation].charset = "utf-8";
    content.parts[content.presentation].data = bytes_of("<smil/>");
  }

  std::string words() {
    static constexpr std::array<std::string_view, 10> choices{"a",
                                                              "Gr\u00fc\u00dfe",
                                                              "x y",
                                                              "+15550100002/TYPE=PLMN",
                                                              "Joe <joe@example.com>",
                                                              "\u65e5\u672c",
                                                              "\u00c9t\u00e9",
                                                              "\"quoted\"",
                                                              "J\u00f6rg <j@example.com>",
                                                              "long, longer, longest: more than the thirty octets of a short length"};
    return std::string(choices[roll(choices.size())]);
  }
  std::string address() {
    static constexpr std::array<std::string_view, 7> choices{
        "+15550100002/TYPE=PLMN",
        "joe@example.com",
        "http://mmsc/m?1",
        "500017",
        "10.0.0.1/TYPE=IPv4",
        "\"q",
        "http://mmsc.example.net/a/path/that/is/longer/than/thirty/octets?and=a&query=as-well"};
    return std::string(choices[roll(choices.size())]);
  }
  std::string_view media_type() {
    static constexpr std::array<std::string_view, 7> choices{"image/tiff",
                                                             "audio/amr",
                                                             "video/3gpp",
                                                             "application/vnd.wap.mms-message",
                                                             "text/x-vcard",
                                                             "text/calendar",
                                                             "application/octet-stream"};
    return choices[roll(choices.size())];
  }
  std::string_view charset() {
    static constexpr std::array<std::string_view, 4> choices{"utf-8", "us-ascii", "utf-16be", "x-none"};
    return choices[roll(choices.size())];
  }
  /// Of every length, the short ones as often as the long ones.
  std::uint64_t number() { return ((std::uint64_t{dice_()} << 32) | dice_()) >> (64 - number_bits_ + roll(number_bits_)); }
  std::size_t roll(std::size_t sides) { return dice_() % sides; }

  std::mt19937 dice_;
  unsigned number_bits_;
};

}  // namespace pushmail::mms
