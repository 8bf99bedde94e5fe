// What convert itself can find broken; unreadable mail comes with the rows of codec/mime.
#pragma once

#include "core/result.h"

namespace pushmail::convert {

inline constexpr ErrorInfo convert_no_sender{"convert.no_sender", "a mail needs a sender address, and the route gave none", "RFC 5322 §3.6.2", Fault::us};
inline constexpr ErrorInfo convert_html_too_large{"convert.html_too_large", "the page is longer than 1 MiB without style and script; the rest is not read", "", Fault::peer};
inline constexpr ErrorInfo convert_html_too_deep{"convert.html_too_deep", "elements are nested too deep; the page is read without its markup", "", Fault::peer};
inline constexpr ErrorInfo convert_no_calendar{"convert.no_calendar", "no VCALENDAR stands in it", "RFC 5545 §3.4", Fault::peer};
inline constexpr ErrorInfo convert_calendar_empty{"convert.calendar_empty", "no event or task with a title or a start stands in it", "RFC 5545 §3.6", Fault::peer};

}  // namespace pushmail::convert
