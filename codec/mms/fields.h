// The header fields of MMS PDUs, their values, and the PDUs, as tables (OMA-MMS-ENC 1.2 §6, §7.2; 1.3 §6, §7.3).
//
// Came from: pdu.h. Goes to: encode.cpp, decode.cpp, dump.cpp, which walk them. What a PDU must hold is asked of one function, by both
// sides.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "codec/mms/pdu.h"

namespace pushmail::mms {

/// How a value is written. A member that is a list is written as one header for each of its entries.
enum class FieldKind : std::uint8_t {
  message_type,
  version,
  text,     // text-string
  encoded,  // encoded-string
  octet,    // one of values_of()
  yes_no,
  long_integer,
  integer,  // short where it fits
  time,
  from,
  message_class,
  content,
  previous_sender,  // the rest: a value-length, and the parts of the member's type in order
  previous_date,
  mm_flag,
  mbox_size,
  element,
  counted_text,
  counted_encoded,
  name_only,  // only ever a value of X-Mms-Attributes; as a header it is passed over
};

struct Field {
  std::uint8_t code;  // as on the wire, top bit set
  std::string_view name;
  std::uint8_t since;  // MMS version that has it first
  FieldKind kind;
  std::variant<std::monostate, std::string Pdu::*, std::vector<std::string> Pdu::*, std::optional<std::uint8_t> Pdu::*,
               std::vector<std::uint8_t> Pdu::*, std::optional<std::uint64_t> Pdu::*, std::optional<bool> Pdu::*,
               std::optional<TimeValue> Pdu::*, std::optional<From> Pdu::*, std::vector<PreviousSender> Pdu::*,
               std::vector<PreviousDate> Pdu::*, std::vector<MmFlag> Pdu::*, std::vector<MboxSize> Pdu::*,
               std::vector<ElementDescriptor> Pdu::*, std::vector<CountedText> Pdu::*>
      member;
};

/// Some headers have another form where a PDU is about several messages.
enum class FieldForm : std::uint8_t {
  single,
  listed,   // views and requests of deletion: Content-Location and MM-State may repeat
  counted,  // answers to deletions: Content-Location and Response-Text have a number, Response-Status repeats
};

/// All fields in their usual form, by code.
[[nodiscard]] std::span<const Field> fields();
/// Null when the code is not in the table.
[[nodiscard]] const Field* field_of(std::uint8_t code, FieldForm form = FieldForm::single);

enum class Need : std::uint8_t {
  optional,  // written when it has a value
  mandatory,
  recipient,        // one of those that have this need
  with_content,     // mandatory when the PDU has content
  with_success,     // mandatory when the Response-Status is Ok
  without_refusal,  // mandatory unless the Retrieve-Status says why there is nothing
};
struct PduField {
  std::uint8_t code;
  Need need = Need::optional;
};
/// One PDU: its headers in the order we write them.
struct PduRow {
  MessageType type;
  std::string_view name;
  std::uint8_t since;
  FieldForm form;
  std::span<const PduField> fields;
};
[[nodiscard]] std::span<const PduRow> pdus();
[[nodiscard]] const PduRow* row_of(std::uint8_t message_type);

/// Whether `pdu` holds a value for the field.
[[nodiscard]] bool is_set(const Pdu& pdu, const Field& field);

/// What we read may lack what depends on other values: peers forget it. What we write may not.
enum class Strictness : std::uint8_t { reading, writing };
/// The first field that `pdu` needs and does not have; null when there is none.
[[nodiscard]] const PduField* missing_field(const Pdu& pdu, const PduRow& row, Strictness strictness);

/// A value of an octet field that has a name.
struct FieldValue {
  std::uint8_t code;  // of the field
  std::uint8_t value;
  std::string_view name;
  std::uint8_t since;
};
[[nodiscard]] std::span<const FieldValue> values_of(std::uint8_t code);
/// Empty for a value without name.
[[nodiscard]] std::string_view value_name(std::uint8_t code, std::uint8_t value);

/// `Personal` for 0x80; empty for another number.
[[nodiscard]] std::string_view message_class_name(std::uint8_t code);
[[nodiscard]] std::optional<std::uint8_t> message_class_code(std::string_view name);

}  // namespace pushmail::mms
