// MMS PDUs for people: the same tables, one line a header.
#include <fmt/format.h>

#include "codec/mms/fields.h"

namespace pushmail::mms {

namespace {

/// One value in words; a number that has a name is that name with the number.
class ValueWords {
 public:
  explicit ValueWords(const Field& field) : field_(field) {}

  std::string operator()(const std::string& text) const { return text; }
  std::string operator()(std::uint8_t octet) const {
    const Field* named = field_.code == attributes_code ? field_of(octet) : nullptr;
    const std::string_view name = named != nullptr ? named->name : value_name(field_.code, octet);
    return name.empty() ? fmt::format("{:#x}", octet) : fmt::format("{} ({:#x})", name, octet);
  }
  std::string operator()(bool flag) const { return flag ? "yes" : "no"; }
  std::string operator()(std::uint64_t number) const { return fmt::format("{}", number); }
  std::string operator()(const TimeValue& time) const {
    return fmt::format("{}{} s", time.kind == TimeValue::Kind::relative ? "+" : "@", time.seconds);
  }
  std::string operator()(const From& from) const { return from.kind == From::Kind::insert ? "(insert address)" : from.address; }
  std::string operator()(const PreviousSender& sender) const { return fmt::format("{}: {}", sender.number, sender.address); }
  std::string operator()(const PreviousDate& date) const { return fmt::format("{}: @{} s", date.number, date.seconds); }
  std::string operator()(const MmFlag& flag) const {
    const std::string_view action = flag.action == MmFlag::Action::add      ? "add"
                                    : flag.action == MmFlag::Action::remove ? "remove"
                                                                            : "filter";
    return fmt::format("{} {}", action, flag.keyword);
  }
  std::string operator()(const MboxSize& size) const {
    return fmt::format("{} {}", size.size, size.unit == MboxSize::Unit::messages ? "messages" : "bytes");
  }
  std::string operator()(const ElementDescriptor& element) const {
    std::string out = element.reference;
    for (const ElementDescriptor::Parameter& parameter : element.parameters) out += fmt::format("; {}={}", parameter.name, parameter.value);
    return out;
  }
  std::string operator()(const CountedText& text) const { return fmt::format("{}: {}", text.number, text.text); }

 private:
  static constexpr std::uint8_t attributes_code = 0xA8;
  const Field& field_;
};

std::string value_text(const Field& field, const Pdu& pdu) {
  if (field.kind == FieldKind::message_type) return std::string(name_of(pdu.type));
  if (field.kind == FieldKind::version) return fmt::format("{}.{}", pdu.version >> 4, pdu.version & 0x0F);
  if (field.kind == FieldKind::content) return fmt::format("{} parts", pdu.content.parts.size());
  std::string out;
  const auto add = [&](const auto& value) { out += (out.empty() ? "" : ", ") + ValueWords(field)(value); };
  std::visit(
      [&](auto member) {
        if constexpr (std::is_same_v<decltype(member), std::monostate>) {
          return;
        } else if constexpr (requires { (pdu.*member).has_value(); }) {
          add((pdu.*member).value());
        } else if constexpr (std::is_same_v<decltype(member), std::string Pdu::*>) {
          add(pdu.*member);
        } else {
          for (const auto& value : pdu.*member) add(value);
        }
      },
      field.member);
  return out;
}

}  // namespace

std::string dump(const Pdu& pdu) {
  std::string out;
  const PduRow* row = row_of(static_cast<std::uint8_t>(pdu.type));
  if (row == nullptr) return out;
  for (const PduField& wanted : row->fields) {
    const Field& field = *field_of(wanted.code, row->form);
    if (is_set(pdu, field)) out += fmt::format("{}: {}\n", field.name, value_text(field, pdu));
  }
  for (std::size_t i = 0; i < pdu.content.parts.size(); ++i) {
    const MultimediaPart& part = pdu.content.parts[i];
    out += fmt::format("part {}{}: {} {} <{}> {} bytes\n", i + 1, i == pdu.content.presentation ? " (presentation)" : "", part.media_type,
                       part.name.empty() ? part.content_location : part.name, part.content_id, part.data.size());
  }
  return out;
}

}  // namespace pushmail::mms
