// The rules that WSP-encoded values and phone numbers can break.
#pragma once

#include "core/result.h"

namespace pushmail::wap {

inline constexpr ErrorInfo wsp_truncated{"wsp.truncated", "a value runs past the end of the data", "WAP-230 §8.4.2"};
inline constexpr ErrorInfo wsp_bad_uintvar{"wsp.bad_uintvar", "a uintvar has more than five octets or more than 32 bits", "WAP-230 §8.1.2"};
inline constexpr ErrorInfo wsp_bad_integer{"wsp.bad_integer", "an integer is neither short nor of 1 to 8 octets", "WAP-230 §8.4.2.3"};
inline constexpr ErrorInfo wsp_bad_length{"wsp.bad_length", "a value-length was expected", "WAP-230 §8.4.2.2"};
inline constexpr ErrorInfo wsp_bad_text{"wsp.bad_text", "a text has no terminating NUL", "WAP-230 §8.4.2.1"};
inline constexpr ErrorInfo wsp_bad_type{"wsp.bad_type", "a media type is neither a known code nor text", "WAP-230 §8.4.2.24"};
inline constexpr ErrorInfo wsp_too_many_parts{"wsp.too_many_parts", "the multipart has more entries than the limit", ""};
inline constexpr ErrorInfo number_bad_text{"number.bad_text", "there are other characters than those of a phone number", "ITU-T E.164 §6"};
inline constexpr ErrorInfo number_short_code{"number.short_code", "this is a short code, and no phone's number", ""};
inline constexpr ErrorInfo number_national{
    "number.national", "the number is a national one, and numbering.country_code is not set: write it with + and country code",
    "ITU-T E.164 §6"};
inline constexpr ErrorInfo number_no_reading{
    "number.no_reading", "the number is none by the keys of [numbering]: write it with + and country code", "ITU-T E.164 §6"};
inline constexpr ErrorInfo number_ambiguous{
    "number.ambiguous",
    "by the keys of [numbering] the number may be a national and an international one: write it with + and country code", "ITU-T E.164 §6"};
inline constexpr ErrorInfo push_bad_type{"push.bad_type", "the PDU is not a push", "WAP-230 §8.2.4.1"};
inline constexpr ErrorInfo wbxml_unknown_document{"wbxml.unknown_document", "the document is none of the notices that we know",
                                                  "WAP-192 §5.5"};
inline constexpr ErrorInfo wbxml_bad_token{"wbxml.bad_token", "a token cannot stand where it is", "WAP-192 §5.8"};
inline constexpr ErrorInfo wbxml_bad_date{"wbxml.bad_date", "a date is not 4 to 7 octets of decimal digits", "WAP-167 §8.2.2"};
inline constexpr ErrorInfo wbxml_too_deep{"wbxml.too_deep", "elements are nested deeper than the limit", ""};
inline constexpr ErrorInfo wbxml_too_long{"wbxml.too_long", "a text of the string table makes a value longer than the limit", ""};

}  // namespace pushmail::wap
