// MMS PDUs in. Tolerances: unknown and repeated headers, text headers, wrong part counts, parts with any of their names missing,
// transfer-coded parts, a start that names no part (README.md).
#include <algorithm>

#include "codec/mime/message.h"
#include "codec/mms/errors.h"
#include "codec/mms/fields.h"
#include "codec/wap/multipart.h"
#include "codec/wap/numbers.h"
#include "core/limits.h"

namespace pushmail::mms {

namespace {

constexpr std::uint8_t from_insert = 0x81;
constexpr std::uint8_t absolute_token = 0x80;
constexpr std::uint8_t yes = 0x80;
constexpr std::size_t recipient_count_max = limits::smtp_recipient_count_max;
constexpr std::uint8_t content_type_code = 0x84;

std::string_view without_brackets(std::string_view id) {
  if (id.starts_with('<') && id.ends_with('>')) return id.substr(1, id.size() - 2);
  return id;
}

/// UTF-8 of a text in its charset; words of RFC 2047 inside are decoded, as phones put them there with any charset or none.
std::string decode_string(const wap::EncodedString& text) {
  const std::string_view charset = wap::charset_name(text.charset);
  if (charset.empty()) return mime::decode_header(text_of(text.octets));
  std::string utf8 = mime::to_utf8(text.octets, charset);
  return utf8.contains("=?") ? mime::decode_header(utf8) : utf8;
}

Result<TimeValue> read_time(wap::Reader& reader) {
  const std::size_t begin = reader.offset();
  PM_TRY(wap::Reader value, reader.counted());
  PM_TRY(const std::uint8_t token, value.octet());
  if (token != absolute_token && token != absolute_token + 1) return fail(mms_bad_field, begin);
  PM_TRY(const std::uint64_t seconds, value.integer());
  return TimeValue{.kind = token == absolute_token ? TimeValue::Kind::absolute : TimeValue::Kind::relative, .seconds = seconds};
}

Result<From> read_from(wap::Reader& reader) {
  PM_TRY(wap::Reader value, reader.counted());
  PM_TRY(const std::uint8_t token, value.octet());
  if (token == from_insert) return From{.kind = From::Kind::insert, .address = {}};
  PM_TRY(const wap::EncodedString text, value.encoded_string());
  return From{.kind = From::Kind::address, .address = decode_string(text)};
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

void put_text(const Field& field, std::string text, Pdu& pdu) {
  if (const auto* member = std::get_if<std::string Pdu::*>(&field.member)) {
    if ((pdu.**member).empty()) pdu.**member = std::move(text);
  } else if (const auto* list = std::get_if<std::vector<std::string> Pdu::*>(&field.member)) {
    (pdu.**list).push_back(std::move(text));
  }
}

/// Reads one value into its member. Of a header that may stand once, the first counts.
Result<void> read_field(const Field& field, wap::Reader& reader, Pdu& pdu) {
  const std::size_t begin = reader.offset();
  switch (field.kind) {
    case FieldKind::message_type:
    case FieldKind::octet: {
      auto octet = reader.octet();
      if (!octet) return std::unexpected(octet.error());
      if (*octet < 0x80) return fail(mms_bad_field, begin);
      if (const auto* member = std::get_if<std::optional<std::uint8_t> Pdu::*>(&field.member); member != nullptr && !(pdu.**member)) pdu.**member = *octet;
      return {};
    }
    case FieldKind::version: {
      const auto value = reader.integer();
      if (!value) return std::unexpected(value.error());
      pdu.version = static_cast<std::uint8_t>(*value & 0x7F);
      return {};
    }
    case FieldKind::yes_no: {
      const auto octet = reader.octet();
      if (!octet) return std::unexpected(octet.error());
      if (*octet < 0x80) return fail(mms_bad_field, begin);
      pdu.*std::get<std::optional<bool> Pdu::*>(field.member) = *octet == yes;
      return {};
    }
    case FieldKind::number: {
      const auto value = reader.integer();
      if (!value) return std::unexpected(value.error());
      pdu.*std::get<std::optional<std::uint64_t> Pdu::*>(field.member) = *value;
      return {};
    }
    case FieldKind::time: {
      const auto value = read_time(reader);
      if (!value) return std::unexpected(value.error());
      pdu.*std::get<std::optional<TimeValue> Pdu::*>(field.member) = *value;
      return {};
    }
    case FieldKind::from: {
      auto value = read_from(reader);
      if (!value) return std::unexpected(value.error());
      pdu.from = std::move(*value);
      return {};
    }
    case FieldKind::text: {
      const auto value = reader.text();
      if (!value) return std::unexpected(value.error());
      put_text(field, std::string(field.code == 0x8B ? without_brackets(*value) : *value), pdu);
      return {};
    }
    case FieldKind::encoded: {
      const auto value = reader.encoded_string();
      if (!value) return std::unexpected(value.error());
      put_text(field, decode_string(*value), pdu);
      if (pdu.to.size() + pdu.cc.size() + pdu.bcc.size() > recipient_count_max) return fail(mms_too_many_recipients, begin);
      return {};
    }
    case FieldKind::message_class: {
      auto value = read_message_class(reader);
      if (!value) return std::unexpected(value.error());
      put_text(field, std::move(*value), pdu);
      return {};
    }
    case FieldKind::content: break;
  }
  return {};
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
          .name = mime::decode_header(!name.empty() ? name : !file_name.empty() ? file_name : entry.file_name, message.arena),
          .content_id = entry.content_id,
          .content_location = entry.content_location,
          .data = decode_data(entry, message)};
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

Result<MultimediaMessage> read_content(wap::Reader& reader) {
  MultimediaMessage message;
  PM_TRY(const wap::ContentType type, wap::read_content_type(reader, message.arena));
  const wap::Entry alone{.type = type, .content_id = {}, .content_location = {}, .file_name = {}, .transfer_encoding = {}, .data = reader.rest()};
  std::span<const wap::Entry> entries(&alone, 1);
  if (is_multipart(type.media_type)) {
    PM_TRY(entries, wap::read_multipart(reader, message.arena));
  }
  message.parts.reserve(entries.size());
  for (const wap::Entry& entry : entries) message.parts.push_back(read_part(entry, message));
  std::string_view start = type.parameter("start");
  if (ascii_starts_with_nocase(start, "cid:")) start.remove_prefix(4);
  message.presentation = find_presentation(message, without_brackets(start));
  return message;
}

Result<void> read_headers(wap::Reader& reader, Pdu& pdu) {
  while (!reader.at_end()) {
    const std::size_t begin = reader.offset();
    const std::uint8_t first = reader.peek();
    if (first < 0x80) {
      // A text header: name and value (OMA-MMS-ENC 1.2 §7.1, application headers).
      if (first < 0x20) return fail(mms_bad_field, begin);
      if (const auto name = reader.text(); !name) return std::unexpected(name.error());
      if (const auto value = reader.text(); !value) return std::unexpected(value.error());
      continue;
    }
    const auto code = reader.octet();
    if (*code == content_type_code) {
      auto content = read_content(reader);
      if (!content) return std::unexpected(content.error());
      pdu.content = std::move(*content);
      pdu.has_content = true;
      return {};
    }
    const Field* field = field_of(*code);
    const auto done = field != nullptr ? read_field(*field, reader, pdu) : reader.skip_value();
    if (!done) return std::unexpected(done.error());
  }
  return {};
}

}  // namespace

Result<Pdu> decode(ByteView bytes) {
  // The type comes first, and says what the rest must hold.
  const PduRow* row = bytes.size() >= 2 && bytes[0] == 0x8C ? row_of(bytes[1]) : nullptr;
  if (row == nullptr) return fail(mms_unknown_type);
  Pdu pdu;
  pdu.type = row->type;
  pdu.version = 0;
  wap::Reader reader(bytes.subspan(2), 2);
  if (const auto done = read_headers(reader, pdu); !done) return std::unexpected(done.error());
  pdu.content.subject = pdu.subject;
  for (const PduField& wanted : row->fields) {
    const Field* field = field_of(wanted.code);
    const bool missing = wanted.need == PduField::Need::mandatory && (!is_set(pdu, *field) || (field->kind == FieldKind::version && pdu.version == 0));
    if (missing) return fail(mms_missing_field, bytes.size());
  }
  if ((pdu.type == MessageType::send_req || pdu.type == MessageType::forward_req) && pdu.to.empty() && pdu.cc.empty() && pdu.bcc.empty()) return fail(mms_missing_field, bytes.size());
  return pdu;
}

}  // namespace pushmail::mms
