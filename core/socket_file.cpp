#include "core/socket_file.h"

#include <unistd.h>

#include <cerrno>

#include "core/log.h"

namespace pushmail {

void remove_socket_file(const std::filesystem::path& socket) {
  if (::unlink(socket.c_str()) != 0 && errno != ENOENT) log_warning("socket_not_removed").text("socket", socket.native()).os_error(errno);
}

}  // namespace pushmail
