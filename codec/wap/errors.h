// The rules that WSP-encoded values can break.
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

}  // namespace pushmail::wap
