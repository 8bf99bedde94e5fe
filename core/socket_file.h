// The name of a UNIX socket in the run folder.
#pragma once

#include <filesystem>

namespace pushmail {

/// Removes what a killed predecessor left, or our own at the end. That there is none is no news; that it stays is logged, and bind() says
/// EADDRINUSE then.
void remove_socket_file(const std::filesystem::path& socket);

}  // namespace pushmail
