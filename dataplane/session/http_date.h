// Dates of HTTP (RFC 9110 §5.6.7): written in one form, read in three.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/clock.h"

namespace pushmail::http {

/// IMF-fixdate: `Sun, 06 Nov 1994 08:49:37 GMT`.
[[nodiscard]] std::string format_date(Timestamp at);
/// All three forms; `now` says which century a year of two digits is of. The day of the week is not compared with the date.
[[nodiscard]] std::optional<Timestamp> parse_date(std::string_view text, Timestamp now);

/// Retry-After (RFC 9110 §10.2.3), a count of seconds or a date: how long to wait, from nothing to a day. A date counts from `date`, the
/// answer's own Date, where there is one: whose clock is wrong does not matter then; else from `now`. A date more than a day ahead says
/// nothing, like one that cannot be read.
[[nodiscard]] std::optional<Duration> parse_retry_after(std::string_view value, std::string_view date, Timestamp now);

}  // namespace pushmail::http
