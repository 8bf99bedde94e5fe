#include "dataplane/state_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "core/log.h"
#include "core/storage.h"

namespace pushmail {

Result<void> lock_state(const std::filesystem::path& folder) {
  // Never closed: the lock goes with the process.
  const int fd = ::open((folder / "lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
  if (fd < 0) return fail_os(state_file, errno);
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return {};
  const int error = errno;
  ::close(fd);
  return error == EWOULDBLOCK ? fail(state_in_use) : fail_os(state_file, error);
}

Result<HashKey> installation_secret(const std::filesystem::path& file) {
  HashKey secret;
  const auto found = read_file(system_storage(), file);
  if (found && found->size() == secret.size()) {
    std::copy_n(found->begin(), secret.size(), secret.begin());
    return secret;
  }
  // What cannot be read is not absent: a new secret would forget every message that was accepted under the old one.
  if (!found && found.error().os != ENOENT) return std::unexpected(found.error());
  if (found) log_error("secret_replaced").text("file", file.string());
  secret = new_hash_key();
  PM_TRY_VOID(replace_file(system_storage(), file, secret, 0600));
  return secret;
}

}  // namespace pushmail
