// The Date of a mail.
#pragma once

#include <optional>
#include <string_view>

#include "core/clock.h"

namespace pushmail::mime {

/// A date-time of RFC 5322 §3.3, with the obsolete forms of §4.3: two-digit years, zone names, comments behind it. The day of the week is
/// not looked at. Nothing when it is none.
[[nodiscard]] std::optional<Timestamp> parse_date(std::string_view value);

}  // namespace pushmail::mime
