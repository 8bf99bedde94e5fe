// MMS PDUs in. Tolerances: unknown and repeated headers, text headers, wrong part counts, parts with any of their names missing,
// transfer-coded parts, a start that names no part (README.md). Headers beyond the limit end the reading: values are small, but each
// costs memory.
#include <algorithm>

#include "codec/mime/message.h"
#include "codec/mms/errors.h"
#include "codec/mms/fields.h"
#include "codec/wap/multipart.h"
#include "codec/wap/numbers.h"
#include "core/limits.h"

namespace pushmail::mms {

namespace {

constexpr std::uint8_t first_token = 0x80;   // address present, absolute, add, messages
constexpr std::uint8_t second_token = 0x81;  // insert address, relative, remove, bytes
constexpr std::uint8_t yes = 0x80;
constexpr std::uint8_t content_type_code = 0x84;
constexpr std::size_t recipient_count_max = limits::smtp_recipient_count_max;
constexpr std::size_t header_count_max = limits::mime_field_count_max;

std::string_view without_brackets(std::string_view id) {
  if (id.starts_with('<') && id.ends_with('>')) return id.substr(1, id.size() - 2);
  return id;
}

/// UTF-8 of a text in its charset; words of RFC 2047 inside are decoded, as phones put them there with any charset or none.
std::string_view decode_string(const wap::EncodedString& text, Arena& arena) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  const std::string_view charset = wap::charset_name(text.charset);
  std::string_view utf8 = charset.empty() ? mime::decode_header(text_of(text.octets), arena) : mime::to_utf8(text.octets, charset, arena);
  if (utf8.starts_with(byte_order_mark)) utf8.remove_prefix(byte_order_mark.size());  // no part of the text (OMA-MMS-CONF 1.2 §7)
  return utf8.contains('=') && utf8.contains("=?") ? mime::decode_header(utf8, arena) : utf8;
}

/// A value of each type of the members. Each reads one value and nothing behind it.

Result<std::string> read_string(wap::Reader& reader, Arena& arena) {
  PM_TRY(const wap::EncodedString text, reader.encoded_string());
  return std::string(decode_string(text, arena));
}

Result<std::uint8_t> read_octet(wap::Reader& reader) {
  const std::size_t begin = reader.offset();
  PM_TRY(const std::uint8_t octet, reader.octet());
  if (octet < 0x80) return fail(mms_bad_field, begin);
  return octet;
}

Result<bool> read_yes_no(wap::Reader& reader) {
  PM_TRY(const std::uint8_t octet, read_octet(reader));
  return octet == yes;
}

Result<TimeValue> read_time(wap::Reader& reader) {
  const std::size_t begin = reader.offset();
  PM_TRY(wap::Reader value, reader.counted());
  PM_TRY(const std::uint8_t token, value.octet());
  if (token != first_token && token != second_token) return fail(mms_bad_field, begin);
  PM_TRY(const std::uint64_t seconds, value.integer());
  return TimeValue{.kind = token == first_token ? TimeValue::Kind::absolute : TimeValue::Kind::relative, .seconds = seconds};
}

Result<From> read_from(wap::Reader& reader, Arena& arena) {
  PM_TRY(wap::Reader value, reader.counted());
  PM_TRY(const std::uint8_t token, value.octet());
  if (token == second_token) return From{.kind = From::Kind::insert, .address = {}};
  PM_TRY(std::string address, read_string(value, arena));
  return From{.kind = From::Kind::address, .address = std::move(address)};
}

Result<std::string> read_message_class(wap::Reader& reader) {
  if (reader.peek() < 0x80) {
    PM_TRY(const std::string_view text, reader.text());
    return std::string(text);
  }
  PM_TRY(const std::uint8_t code, reader.octet());
  // A class without a name in the table is treated as the default.
  const std::string_view name = message_class_name(code);
  return std::string(name.empty() ? message_class_name(0x80) : name);
}

Result<PreviousSender> read_previous_sender(wap::Reader& reader, Arena& arena) {
  PM_TRY(wap::Reader value, reader.counted());
  PM_TRY(const std::uint64_t number, value.integer());
  PM_TRY(std::string address, read_string(value, arena));
  return PreviousSender{.number = number, .address = std::move(address)};
}

Result<PreviousDate> read_previous_date(wap::Reader& reader) {
  PM_TRY(wap::Reader value, reader.counted());
  PM_TRY(const std::uint64_t number, value.integer());
  PM_TRY(const std::uint64_t seconds, value.integer());
  return PreviousDate{.number = number, .seconds = seconds};
}

Result<MmFlag> read_mm_flag(wap::Reader& reader, Arena& arena) {
  const std::size_t begin = reader.offset();
  PM_TRY(wap::Reader value, reader.counted());
  PM_TRY(const std::uint8_t token, value.octet());
  if (token < static_cast<std::uint8_t>(MmFlag::Action::add) || token > static_cast<std::uint8_t>(MmFlag::Action::filter))
    return fail(mms_bad_field, begin);
  PM_TRY(std::string keyword, read_string(value, arena));
  return MmFlag{.action = static_cast<MmFlag::Action>(token), .keyword = std::move(keyword)};
}

Result<MboxSize> read_mbox_size(wap::Reader& reader) {
  const std::size_t begin = reader.offset();
  PM_TRY(wap::Reader value, reader.counted());
  PM_TRY(const std::uint8_t token, value.octet());
  if (token != first_token && token != second_token) return fail(mms_bad_field, begin);
  PM_TRY(const std::uint64_t size, value.integer());
  return MboxSize{.unit = static_cast<MboxSize::Unit>(token), .size = size};
}

Result<ElementDescriptor> read_element(wap::Reader& reader, Arena& arena) {
  PM_TRY(wap::Reader value, reader.counted());
  PM_TRY(const std::string_view reference, value.text());
  ElementDescriptor element{.reference = std::string(reference), .parameters = {}};
  for (const wap::Parameter& parameter : wap::read_parameters(value, arena)) {
    element.parameters.push_back({.name = std::string(parameter.name), .value = std::string(parameter.value)});
  }
  return element;
}

/// Peers that do not know the counted form write the bare value (OMA-MMS-ENC 1.3 §7.3.10): it is about the first message.
Result<CountedText> read_counted(wap::Reader& reader, bool encoded, Arena& arena) {
  const bool bare = reader.peek() > 31;
  CountedText out{.number = 0, .text = {}};
  wap::Reader value = reader;
  if (!bare) {
    PM_TRY(value, reader.counted());
    PM_TRY(out.number, value.integer());
  }
  wap::Reader& from = bare ? reader : value;
  if (encoded) {
    PM_TRY(out.text, read_string(from, arena));
  } else {
    PM_TRY(const std::string_view text, from.text());
    out.text = text;
  }
  return out;
}

/// Into the member for values of this type. Of a header that may stand once, the first counts.
template <class Value>
Result<void> put(const Field& field, Result<Value> value, Pdu& pdu) {
  if (!value) return std::unexpected(value.error());
  std::visit(
      [&](auto member) {
        if constexpr (std::is_same_v<decltype(member), std::vector<Value> Pdu::*>) {
          (pdu.*member).push_back(std::move(*value));
        } else if constexpr (std::is_same_v<decltype(member), std::optional<Value> Pdu::*>) {
          if (!(pdu.*member)) pdu.*member = std::move(*value);
        } else if constexpr (std::is_same_v<decltype(member), Value Pdu::*>) {
          if ((pdu.*member).empty()) pdu.*member = std::move(*value);
        }
      },
      field.member);
  return {};
}

Result<std::string> read_text(wap::Reader& reader, bool is_message_id) {
  PM_TRY(const std::string_view text, reader.text());
  return std::string(is_message_id ? without_brackets(text) : text);
}

Result<void> read_field(const Field& field, wap::Reader& reader, Pdu& pdu) {
  constexpr std::uint8_t message_id_code = 0x8B;
  Arena& arena = pdu.content.arena;
  switch (field.kind) {
    case FieldKind::message_type: {
      // The first one has been read; another changes nothing.
      const auto octet = read_octet(reader);
      if (!octet) return std::unexpected(octet.error());
      return {};
    }
    case FieldKind::version: {
      const auto value = reader.integer();
      if (!value) return std::unexpected(value.error());
      if (pdu.version == 0) pdu.version = static_cast<std::uint8_t>(*value & 0x7F);
      return {};
    }
    case FieldKind::octet:
      return put(field, read_octet(reader), pdu);
    case FieldKind::yes_no:
      return put(field, read_yes_no(reader), pdu);
    // Either kind of integer is read for either.
    case FieldKind::long_integer:
    case FieldKind::integer:
      return put(field, reader.integer(), pdu);
    case FieldKind::time:
      return put(field, read_time(reader), pdu);
    case FieldKind::from:
      return put(field, read_from(reader, arena), pdu);
    case FieldKind::text:
      return put(field, read_text(reader, field.code == message_id_code), pdu);
    case FieldKind::encoded:
      return put(field, read_string(reader, arena), pdu);
    case FieldKind::message_class:
      return put(field, read_message_class(reader), pdu);
    case FieldKind::previous_sender:
      return put(field, read_previous_sender(reader, arena), pdu);
    case FieldKind::previous_date:
      return put(field, read_previous_date(reader), pdu);
    case FieldKind::mm_flag:
      return put(field, read_mm_flag(reader, arena), pdu);
    case FieldKind::mbox_size:
      return put(field, read_mbox_size(reader), pdu);
    case FieldKind::element:
      return put(field, read_element(reader, arena), pdu);
    case FieldKind::counted_text:
      return put(field, read_counted(reader, false, arena), pdu);
    case FieldKind::counted_encoded:
      return put(field, read_counted(reader, true, arena), pdu);
    case FieldKind::content:
    case FieldKind::name_only:
      break;
  }
  return reader.skip_value();
}

bool is_multipart(std::string_view media_type) {
  return media_type.starts_with("application/vnd.wap.multipart.") || media_type.starts_with("multipart/");
}

/// Data as sent, or decoded into the arena where a phone says that it coded it.
ByteView decode_data(const wap::Entry& entry, MultimediaMessage& message) {
  mime::Part coded;
  if (entry.transfer_encoding == "base64") coded.coding = mime::TransferCoding::base64;
  if (entry.transfer_encoding == "quoted-printable") coded.coding = mime::TransferCoding::quoted_printable;
  if (coded.coding == mime::TransferCoding::identity) return entry.data;
  coded.body = entry.data;
  return mime::decode_body(coded, message.arena);
}

MultimediaPart read_part(const wap::Entry& entry, MultimediaMessage& message) {
  const std::string_view name = entry.type.parameter("name");
  const std::string_view file_name = entry.type.parameter("filename");
  return {.media_type = entry.type.media_type,
          .charset = wap::lower(entry.type.parameter("charset"), message.arena),
          .name = mime::decode_header(!name.empty()        ? name
                                      : !file_name.empty() ? file_name
                                                           : entry.file_name,
                                      message.arena),
          .content_id = entry.content_id,
          .content_location = entry.content_location,
          .data = decode_data(entry, message)};
}

Result<void> read_parts(wap::Reader& reader, MultimediaMessage& message) {
  PM_TRY(const auto entries, wap::read_multipart(reader, message.arena));
  message.parts.reserve(message.parts.size() + entries.size());
  for (const wap::Entry& entry : entries) message.parts.push_back(read_part(entry, message));
  return {};
}

/// `start` names the presentation; where it does not, the first SMIL part is it.
std::size_t find_presentation(const MultimediaMessage& message, std::string_view start) {
  const auto is_smil = [](const MultimediaPart& part) { return part.media_type == "application/smil"; };
  const auto named = std::ranges::find_if(message.parts, [&](const MultimediaPart& part) {
    return is_smil(part) && !start.empty() && (part.content_id == start || part.content_location == start);
  });
  const auto found = named != message.parts.end() ? named : std::ranges::find_if(message.parts, is_smil);
  return found == message.parts.end() ? MultimediaMessage::no_presentation : static_cast<std::size_t>(found - message.parts.begin());
}

Result<void> read_content(wap::Reader& reader, MultimediaMessage& message) {
  auto type = wap::read_content_type(reader, message.arena);
  if (!type) return std::unexpected(type.error());
  if (is_multipart(type->media_type)) {
    if (const auto read = read_parts(reader, message); !read) return read;
  } else {
    const wap::Entry alone{
        .type = *type, .content_id = {}, .content_location = {}, .file_name = {}, .transfer_encoding = {}, .data = reader.rest()};
    message.parts.push_back(read_part(alone, message));
  }
  std::string_view start = type->parameter("start");
  if (ascii_starts_with_nocase(start, "cid:")) start.remove_prefix(4);
  message.presentation = find_presentation(message, without_brackets(start));
  return {};
}

bool is_mandatory(const PduRow& row, std::uint8_t code) {
  constexpr std::uint8_t message_type_code = 0x8C;
  if (code == message_type_code) return true;
  const auto field = std::ranges::find(row.fields, code, &PduField::code);
  return field != row.fields.end() && field->need == Need::mandatory;
}

Result<void> read_headers(wap::Reader& reader, const PduRow& row, Pdu& pdu) {
  for (std::size_t count = 0; !reader.at_end(); ++count) {
    const std::size_t begin = reader.offset();
    if (count == header_count_max) return fail(mms_too_many_headers, begin);
    const std::uint8_t code = reader.peek();
    if (code < 0x80) {
      // A text header: name and value (OMA-MMS-ENC 1.2 §7.1, application headers).
      if (code < 0x20) return fail(mms_bad_field, begin);
      if (const auto name = reader.text(); !name) return std::unexpected(name.error());
      if (const auto value = reader.text(); !value) return std::unexpected(value.error());
      continue;
    }
    [[maybe_unused]] const auto taken = reader.octet();
    if (code == content_type_code) {
      pdu.has_content = true;
      return read_content(reader, pdu.content);
    }
    const Field* field = field_of(code, row.form);
    const wap::Reader value = reader;
    const auto done = field != nullptr ? read_field(*field, reader, pdu) : reader.skip_value();
    if (!done) {
      if (field == nullptr || is_mandatory(row, code)) return std::unexpected(done.error());
      // A header that the PDU can do without costs that header alone. Where it ends its form says (WAP-230 §8.4.1.2); when not even that,
      // nothing behind it can be found.
      reader = value;
      if (!reader.skip_value()) return std::unexpected(done.error());
    }
    if (pdu.to.size() + pdu.cc.size() + pdu.bcc.size() > recipient_count_max) return fail(mms_too_many_recipients, begin);
  }
  return {};
}

}  // namespace

Result<void> read_multipart(ByteView body, MultimediaMessage& message) {
  wap::Reader reader(body);
  return read_parts(reader, message);
}

Result<Pdu> decode(ByteView bytes) {
  // The type comes first, and says what the rest must hold.
  const PduRow* row = bytes.size() >= 2 && bytes[0] == 0x8C ? row_of(bytes[1]) : nullptr;
  if (row == nullptr) return fail(mms_unknown_type);
  Result<Pdu> out;
  Pdu& pdu = *out;
  pdu.type = row->type;
  pdu.version = 0;
  wap::Reader reader(bytes.subspan(2), 2);
  if (const auto done = read_headers(reader, *row, pdu); !done) return std::unexpected(done.error());
  pdu.content.subject = pdu.subject;
  if (missing_field(pdu, *row, Strictness::reading) != nullptr) return fail(mms_missing_field, bytes.size());
  return out;
}

}  // namespace pushmail::mms
