#include "core/socket_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "core/accounts.h"
#include "core/errors.h"
#include "core/log.h"

namespace pushmail {

void remove_socket_file(const std::filesystem::path& socket) {
  if (::unlink(socket.c_str()) != 0 && errno != ENOENT) log_warning("socket_not_removed").text("socket", socket.native()).os_error(errno);
}

Result<void> give_to_group(const std::filesystem::path& socket, const char* group) {
  PM_TRY(const auto number, find_group(group));
  if (!number) return {};
  struct stat info{};
  if (::stat(socket.c_str(), &info) != 0) return fail_os(core_account, errno);
  // A service whose first group it is may be denied the call altogether, and needs it not.
  if (info.st_gid == *number) return {};
  if (::chown(socket.c_str(), static_cast<uid_t>(-1), *number) != 0) return fail_os(core_account, errno);
  return {};
}

}  // namespace pushmail
