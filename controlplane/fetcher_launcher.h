// Starts fetchers for a control plane that root started, and that is root no more: neither of the two may become the other's user.
//
//   control plane, still root --- socket file, fork, exec ---> launcher: pushmail-fetch for good
//   control plane, pushmail-cp --- a connection for each fetcher ---> launcher --- fork, exec, descriptor 3 ---> pushmail-fetcher
//
// What a service manager does for a socket unit with Accept=yes. The exec leaves nothing of the control plane's memory, which has passwords
// in it. The launcher ends with the control plane, and a fetcher with its connection. One that is killed is not started again, since nobody
// is left who could: fetchers that end are missed then, status says so, and a restart mends it.
#pragma once

#include <sys/types.h>

#include <expected>
#include <filesystem>

#include "core/accounts.h"
#include "core/start_error.h"

namespace pushmail {

/// What a launcher starts, and as whom it may be asked.
struct LauncherOptions {
  std::filesystem::path program{};  // pushmail-fetcher
  std::filesystem::path root{};     // for its --root; empty: none
};

/// Makes the socket, of mode 0600 and `control_plane`'s, and starts this program again as the launcher behind it. As root, before the first
/// thread. Returns a descriptor, the caller's, that is readable when the launcher has ended.
[[nodiscard]] std::expected<int, StartError> start_fetcher_launcher(const std::filesystem::path& socket, const LauncherOptions& options,
                                                                    const Account& control_plane);

/// The launcher: descriptor 3 listens, and only root and `client` may ask. Returns an exit code, when it cannot begin.
[[nodiscard]] int launch_fetchers(const LauncherOptions& options, uid_t client);

}  // namespace pushmail
