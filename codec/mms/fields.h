// The header fields of MMS PDUs as a table: code, name, value type, and the member of Pdu that holds it (OMA-MMS-ENC 1.2 §7.2, Table 12).
//
// Came from: pdu.h. Goes to: encode.cpp, decode.cpp, dump.cpp, which walk it.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "codec/mms/pdu.h"

namespace pushmail::mms {

/// How a value is written (OMA-MMS-ENC 1.2 §7.2). The member's type says the rest.
enum class FieldKind : std::uint8_t { message_type, version, text, encoded, octet, yes_no, number, time, from, message_class, content };

struct Field {
  std::uint8_t code;                     // as on the wire, top bit set
  std::string_view name;
  FieldKind kind;
  std::variant<std::monostate, std::string Pdu::*, std::vector<std::string> Pdu::*, std::optional<std::uint8_t> Pdu::*, std::optional<std::uint64_t> Pdu::*,
               std::optional<bool> Pdu::*, std::optional<TimeValue> Pdu::*>
      member;
};

[[nodiscard]] std::span<const Field> fields();
/// Null when the code is not in the table.
[[nodiscard]] const Field* field_of(std::uint8_t code);

/// One PDU: its headers in the order we write them. A header is mandatory, or written when it has a value.
struct PduField {
  std::uint8_t code;
  enum class Need : std::uint8_t { mandatory, optional } need = Need::optional;
};
struct PduRow {
  MessageType type;
  std::string_view name;
  std::span<const PduField> fields;
};
[[nodiscard]] const PduRow* row_of(std::uint8_t message_type);

/// Whether `pdu` holds a value for the field.
[[nodiscard]] bool is_set(const Pdu& pdu, const Field& field);

/// `Personal` for 0x80; empty for another number.
[[nodiscard]] std::string_view message_class_name(std::uint8_t code);
[[nodiscard]] std::optional<std::uint8_t> message_class_code(std::string_view name);

}  // namespace pushmail::mms
