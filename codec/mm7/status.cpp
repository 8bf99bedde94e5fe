// The status table of TS 23.140 §10.2 with what each code does to an item, and which code answers which broken rule.
#include <algorithm>
#include <array>

#include "codec/mm7/errors.h"
#include "codec/mm7/message.h"
#include "codec/mm7/status.h"
#include "core/transition_table.h"

namespace pushmail::mm7 {

namespace {

constexpr auto status_rows = std::to_array<StatusRow>({
    {1000, StatusClass::success, "Success"},
    {1100, StatusClass::success, "Partial success"},
    {2000, StatusClass::permanent, "Client error"},
    {2001, StatusClass::temporary, "Operation restricted"},
    {2002, StatusClass::permanent, "Address Error"},
    {2003, StatusClass::permanent, "Address Not Found"},
    {2004, StatusClass::permanent, "Multimedia content refused"},
    {2005, StatusClass::permanent, "Message ID Not found"},
    {2006, StatusClass::permanent, "LinkedID not found"},
    {2007, StatusClass::permanent, "Message format corrupt"},
    {2008, StatusClass::permanent, "Application ID not found"},
    {2009, StatusClass::permanent, "Reply Application ID not found"},
    {3000, StatusClass::temporary, "Server Error"},
    {3001, StatusClass::permanent, "Not Possible"},
    {3002, StatusClass::permanent, "Message rejected"},
    {3003, StatusClass::permanent, "Multiple addresses not supported"},
    {3004, StatusClass::permanent, "Application Addressing not supported"},
    {4000, StatusClass::temporary, "General service error"},
    {4001, StatusClass::peer_trouble, "Improper identification"},
    // The peer says 2001, 4002 and 4003 of everything or of this item: the item waits, the others go on.
    {4002, StatusClass::temporary, "Unsupported version"},
    {4003, StatusClass::temporary, "Unsupported operation"},
    {4004, StatusClass::permanent, "Validation error"},
    {4005, StatusClass::permanent, "Service error"},
    {4006, StatusClass::temporary, "Service unavailable"},
    {4007, StatusClass::peer_trouble, "Service denied"},
    {4008, StatusClass::permanent, "Application denied"},
});
static_assert(no_key_twice(status_rows, [](const StatusRow& row) { return row.code; }));

struct ErrorRow {
  const ErrorInfo* rule;
  int code;
};
constexpr std::array error_rows{
    ErrorRow{&mm7_no_soap_part, 4004},    ErrorRow{&mm7_bad_xml, 4004},         ErrorRow{&mm7_doctype, 4004},
    ErrorRow{&mm7_xml_too_large, 4004},   ErrorRow{&mm7_xml_too_deep, 4004},    ErrorRow{&mm7_xml_attributes, 4004},
    ErrorRow{&mm7_xml_encoding, 4004},    ErrorRow{&mm7_must_understand, 4003}, ErrorRow{&mm7_no_message, 4004},
    ErrorRow{&mm7_unknown_message, 4003}, ErrorRow{&mm7_missing_element, 4004}, ErrorRow{&mm7_bad_address, 2002},
    ErrorRow{&mm7_two_senders, 2002},     ErrorRow{&mm7_no_content, 2004},
};

/// An unknown code means what its thousand means; a code of no class is a server's error, as is a Fault without a code.
const StatusRow& row_of(int code) {
  const auto row = std::ranges::find(status_rows, code, &StatusRow::code);
  if (row != status_rows.end()) return *row;
  const int family = code / 1000 >= 1 && code / 1000 <= 4 ? code / 1000 * 1000 : 3000;
  return *std::ranges::find(status_rows, family, &StatusRow::code);
}

}  // namespace

std::span<const StatusRow> status_table() { return status_rows; }

std::string_view status_text(int code) { return row_of(code).text; }

StatusClass status_class(int code) { return row_of(code).meaning; }

Status status_of(const Error& error) {
  const auto row = std::ranges::find(error_rows, error.info, &ErrorRow::rule);
  // A rule that is not ours is the MIME layer's: the body could not be taken apart.
  const int code = row != error_rows.end() ? row->code : 2007;
  return {.code = code, .text = std::string(status_text(code)), .details = std::string(error.info->text)};
}

}  // namespace pushmail::mm7
