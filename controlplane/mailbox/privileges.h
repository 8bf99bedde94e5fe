// What the fetcher gives up before it talks to anybody (design 8a.15): it needs no right but that of its open socket.
#pragma once

#include <string>

namespace pushmail::mailbox {

/// No core dumps, no ptrace (passwords are in memory), no new privileges; as root also another user: pushmail-fetch where it exists,
/// else nobody. Empty when all of it worked; otherwise what did not.
[[nodiscard]] std::string give_up_privileges();

}  // namespace pushmail::mailbox
