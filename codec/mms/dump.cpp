// MMS PDUs for people: the same tables, one line a header.
#include <fmt/format.h>

#include "codec/mms/fields.h"

namespace pushmail::mms {

namespace {

std::string value_text(const Field& field, const Pdu& pdu) {
  switch (field.kind) {
    case FieldKind::message_type: return std::string(name_of(pdu.type));
    case FieldKind::version: return fmt::format("{}.{}", pdu.version >> 4, pdu.version & 0x0F);
    case FieldKind::from: return pdu.from->kind == From::Kind::insert ? "(insert address)" : pdu.from->address;
    case FieldKind::octet: return fmt::format("{:#x}", (pdu.*std::get<std::optional<std::uint8_t> Pdu::*>(field.member)).value());
    case FieldKind::yes_no: return (pdu.*std::get<std::optional<bool> Pdu::*>(field.member)).value() ? "yes" : "no";
    case FieldKind::number: return fmt::format("{}", (pdu.*std::get<std::optional<std::uint64_t> Pdu::*>(field.member)).value());
    case FieldKind::time: {
      const TimeValue time = (pdu.*std::get<std::optional<TimeValue> Pdu::*>(field.member)).value();
      return fmt::format("{}{} s", time.kind == TimeValue::Kind::relative ? "+" : "@", time.seconds);
    }
    case FieldKind::content: return fmt::format("{} parts", pdu.content.parts.size());
    case FieldKind::text:
    case FieldKind::encoded:
    case FieldKind::message_class: break;
  }
  if (const auto* list = std::get_if<std::vector<std::string> Pdu::*>(&field.member)) return fmt::format("{}", fmt::join(pdu.**list, ", "));
  return pdu.*std::get<std::string Pdu::*>(field.member);
}

}  // namespace

std::string dump(const Pdu& pdu) {
  std::string out;
  const PduRow* row = row_of(static_cast<std::uint8_t>(pdu.type));
  if (row == nullptr) return out;
  for (const PduField& wanted : row->fields) {
    const Field& field = *field_of(wanted.code);
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
