// The Date field of a mail as a time (RFC 5322 §3.3, with the obsolete two-digit years and zone names of §4.3).
#pragma once

#include <optional>
#include <string_view>

#include "core/clock.h"

namespace pushmail::mailbox {

/// Empty when it is not one; comments and what follows the zone are passed over.
[[nodiscard]] std::optional<Timestamp> parse_mail_date(std::string_view text);

}  // namespace pushmail::mailbox
