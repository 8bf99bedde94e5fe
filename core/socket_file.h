// The name of a UNIX socket in the run folder.
#pragma once

#include <filesystem>

#include "core/result.h"

namespace pushmail {

/// Removes what a killed predecessor left, or our own at the end. That there is none is no news; that it stays is logged, and bind() says
/// EADDRINUSE then.
void remove_socket_file(const std::filesystem::path& socket);
/// Its members may connect; nothing changes where this machine has no such group, or the file is its already. core.account with errno.
[[nodiscard]] Result<void> give_to_group(const std::filesystem::path& socket, const char* group);

}  // namespace pushmail
