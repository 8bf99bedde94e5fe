// The Date field of a mail as a time (RFC 5322 §3.3, with the obsolete two-digit years and zone names of §4.3), and IMAP's INTERNALDATE.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/clock.h"

namespace pushmail::mailbox {

/// Empty when it is not one; comments and what follows the zone are passed over.
[[nodiscard]] std::optional<Timestamp> parse_mail_date(std::string_view text);

/// `17-Jul-1996 02:44:25 -0700` (RFC 3501 §9, date-time without its quotes); empty when it is none, or before 1970.
[[nodiscard]] std::optional<Timestamp> parse_internal_date(std::string_view text);
/// The same form, in UTC.
[[nodiscard]] std::string format_internal_date(Timestamp at);

}  // namespace pushmail::mailbox
