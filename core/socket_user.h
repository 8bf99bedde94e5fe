// Who is at the other end of a UNIX socket, by the kernel's word (unix(7), SO_PEERCRED), and who may be.
#pragma once

#include <sys/types.h>

#include <optional>
#include <vector>

#include "core/result.h"

namespace pushmail {

struct SocketUser {
  pid_t process = 0;
  uid_t user = 0;
  gid_t group = 0;
};
/// Of a connected socket: who connected it, or who listened when it was. core.os with errno: it is no such socket.
[[nodiscard]] Result<SocketUser> socket_user(int fd);

/// The groups of who is there, his first one among them (SO_PEERGROUPS).
[[nodiscard]] Result<std::vector<gid_t>> socket_groups(int fd);

/// The users that one of our programs takes at the other end: root, its own, and the account of the program that belongs there.
class ExpectedUser {
 public:
  /// `account`: its name; where this machine has none, the first two are all. core.account: nobody knows. See find_user for threads.
  [[nodiscard]] static Result<ExpectedUser> of(const char* account);
  explicit ExpectedUser(std::optional<uid_t> account) : account_(account) {}
  [[nodiscard]] bool includes(uid_t user) const;

 private:
  std::optional<uid_t> account_;
};

}  // namespace pushmail
