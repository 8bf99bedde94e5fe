// What the fetcher gives up before it talks to anybody (docs/design.md, Who may do what): it needs no right but that of its open socket.
#pragma once

#include <filesystem>
#include <string>

namespace pushmail::mailbox {

/// No core dumps, no ptrace (passwords are in memory), no new privileges; as root also another user: pushmail-fetch where it exists,
/// else nobody. Empty when all of it worked; otherwise what did not.
[[nodiscard]] std::string give_up_privileges();

/// Whether this process runs as a user, not root, to whom `store` belongs. Such a fetcher could read every password in it, and only
/// root can become somebody else, so it must not run. Root may: give_up_privileges() makes it another.
[[nodiscard]] bool is_bound_to(const std::filesystem::path& store);

}  // namespace pushmail::mailbox
