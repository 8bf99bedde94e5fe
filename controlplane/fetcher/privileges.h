// What the fetcher gives up before it talks to anybody (docs/design.md, Who may do what): it needs no right but that of its open socket.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "core/accounts.h"
#include "core/result.h"

namespace pushmail::mailbox {

/// No core dumps, no ptrace (passwords are in memory), no new privileges; as root also the user `account` (core/privileges.h), in no other
/// group. Empty when all of it worked; otherwise what did not.
[[nodiscard]] std::string give_up_privileges(const std::optional<pushmail::Account>& account);

/// Whether this process runs as a user, not root, to whom `store` belongs. Such a fetcher could read every password in it, and only
/// root can become somebody else, so it must not run. Root may: give_up_privileges() makes it another. core.folder with errno: nobody
/// knows, and then it must not run either.
[[nodiscard]] Result<bool> is_bound_to(const std::filesystem::path& store);

}  // namespace pushmail::mailbox
