// The status table of TS 23.140 §10.2, and which code answers which broken rule.
#include <algorithm>
#include <array>

#include "codec/mm7/errors.h"
#include "codec/mm7/message.h"

namespace pushmail::mm7 {

namespace {

struct StatusRow {
  int code;
  std::string_view text;
};
constexpr auto status_rows = std::to_array<StatusRow>({
    {1000, "Success"},
    {1100, "Partial success"},
    {2000, "Client error"},
    {2001, "Operation restricted"},
    {2002, "Address Error"},
    {2003, "Address Not Found"},
    {2004, "Multimedia content refused"},
    {2005, "Message ID Not found"},
    {2006, "LinkedID not found"},
    {2007, "Message format corrupt"},
    {2008, "Application ID not found"},
    {2009, "Reply Application ID not found"},
    {3000, "Server Error"},
    {3001, "Not Possible"},
    {3002, "Message rejected"},
    {3003, "Multiple addresses not supported"},
    {3004, "Application Addressing not supported"},
    {4000, "General service error"},
    {4001, "Improper identification"},
    {4002, "Unsupported version"},
    {4003, "Unsupported operation"},
    {4004, "Validation error"},
    {4005, "Service error"},
    {4006, "Service unavailable"},
    {4007, "Service denied"},
    {4008, "Application denied"},
});

struct ErrorRow {
  const ErrorInfo* rule;
  int code;
};
constexpr std::array error_rows{
    ErrorRow{&mm7_no_soap_part, 4004},    ErrorRow{&mm7_bad_xml, 4004},         ErrorRow{&mm7_doctype, 4004},
    ErrorRow{&mm7_xml_too_large, 4004},   ErrorRow{&mm7_xml_too_deep, 4004},    ErrorRow{&mm7_xml_attributes, 4004},
    ErrorRow{&mm7_xml_encoding, 4004},    ErrorRow{&mm7_must_understand, 4003},
    ErrorRow{&mm7_no_message, 4004},      ErrorRow{&mm7_unknown_message, 4003}, ErrorRow{&mm7_missing_element, 4004},
    ErrorRow{&mm7_bad_address, 2002},     ErrorRow{&mm7_two_senders, 2002},
        ErrorRow{&mm7_no_content, 2004},
};

}  // namespace

std::string_view status_text(int code) {
  const auto row = std::ranges::find(status_rows, code, &StatusRow::code);
  if (row != status_rows.end()) return row->text;
  // An unknown code means what its class means; a code of no class is a server's error.
  const int family = code / 1000 >= 1 && code / 1000 <= 4 ? code / 1000 * 1000 : 3000;
  return std::ranges::find(status_rows, family, &StatusRow::code)->text;
}

Status status_of(const Error& error) {
  const auto row = std::ranges::find(error_rows, error.info, &ErrorRow::rule);
  // A rule that is not ours is the MIME layer's: the body could not be taken apart.
  const int code = row != error_rows.end() ? row->code : 2007;
  return {.code = code, .text = std::string(status_text(code)), .details = std::string(error.info->text)};
}

}  // namespace pushmail::mm7
