#include "core/socket_user.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "core/accounts.h"
#include "core/errors.h"

namespace pushmail {

Result<SocketUser> socket_user(int fd) {
  ucred other{};
  socklen_t size = sizeof other;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &other, &size) != 0) return fail_os(core_os, errno);
  // Of a socket that was never connected the kernel says nobody: user -1. A process of another PID namespace has no number here, and a
  // user.
  if (other.uid == static_cast<uid_t>(-1)) return fail_os(core_os, ENOTCONN);
  return SocketUser{.process = other.pid, .user = other.uid, .group = other.gid};
}

Result<std::vector<gid_t>> socket_groups(int fd) {
  PM_TRY(const SocketUser other, socket_user(fd));
  std::vector<gid_t> groups(64);
  auto size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
  int failed = ::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size);
  // He has more than most; now the size is known.
  if (failed != 0 && errno == ERANGE) {
    groups.resize(size / sizeof(gid_t));
    failed = ::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size);
  }
  if (failed != 0) return fail_os(core_os, errno);
  groups.resize(size / sizeof(gid_t));
  groups.push_back(other.group);
  return groups;
}

Result<ExpectedUser> ExpectedUser::of(const char* account) {
  PM_TRY(const auto found, find_user(account));
  return ExpectedUser(found ? std::optional(found->user) : std::nullopt);
}

bool ExpectedUser::includes(uid_t user) const { return user == 0 || user == ::geteuid() || user == account_; }

}  // namespace pushmail
