#include "controlplane/store/store_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "controlplane/store/errors.h"

namespace pushmail {

Result<StoreLock> StoreLock::take(const std::filesystem::path& folder) {
  const int file = ::open((folder / "lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return fail_os(store_open, errno);
  StoreLock lock(file);
  if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return fail(store_in_use);
    return fail_os(store_open, errno);
  }
  // Made by root, the control plane's own user could not open it.
  struct stat owner{};
  const bool is_given = ::geteuid() != 0 || (::stat(folder.c_str(), &owner) == 0 && ::fchown(file, owner.st_uid, owner.st_gid) == 0);
  if (!is_given) return fail_os(store_open, errno);
  return lock;
}

StoreLock::StoreLock(StoreLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}

StoreLock::~StoreLock() {
  if (file_ >= 0) ::close(file_);
}

}  // namespace pushmail
