// Notifications to a service manager: this program is ready, stops, or lives (sd_notify(3), without its library).
#pragma once

#include <string_view>

#include "core/result.h"

namespace pushmail {

namespace service {
inline constexpr std::string_view ready = "READY=1";
inline constexpr std::string_view stopping = "STOPPING=1";
inline constexpr std::string_view alive = "WATCHDOG=1";
}  // namespace service

/// One datagram to the socket that $NOTIFY_SOCKET names, a path or an abstract address (@); nothing where there is none. Never blocks: what
/// the manager has no room for is an error, and the next one says the same.
[[nodiscard]] Result<void> notify_service_manager(std::string_view state);

}  // namespace pushmail
