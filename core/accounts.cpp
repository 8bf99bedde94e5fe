#include "core/accounts.h"

#include <grp.h>
#include <pwd.h>

#include <cerrno>

#include "core/errors.h"

namespace pushmail {

namespace {

// What getpwnam(3) may leave in errno where there is no such entry.
bool says_absent(int error) { return error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM; }

}  // namespace

Result<std::optional<Account>> find_user(const char* name) {
  errno = 0;
  const passwd* found = ::getpwnam(name);
  if (found != nullptr) return Account{.user = found->pw_uid, .group = found->pw_gid};
  if (!says_absent(errno)) return fail_os(core_account, errno);
  return std::nullopt;
}

Result<std::optional<gid_t>> find_group(const char* name) {
  errno = 0;
  const group* found = ::getgrnam(name);
  if (found != nullptr) return found->gr_gid;
  if (!says_absent(errno)) return fail_os(core_account, errno);
  return std::nullopt;
}

std::string name_of_user(uid_t user) {
  const passwd* found = ::getpwuid(user);
  return found != nullptr ? found->pw_name : std::string();
}

std::string name_of_group(gid_t number) {
  const group* found = ::getgrgid(number);
  return found != nullptr ? found->gr_name : std::string();
}

}  // namespace pushmail
