#include "controlplane/fetcher/privileges.h"

#include <grp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "core/accounts.h"
#include "core/keep_secrets.h"

namespace pushmail::mailbox {

namespace {

// Debian's nobody and nogroup (base-passwd), for a machine without an account database.
constexpr uid_t nobody_uid = 65534;
constexpr gid_t nogroup_gid = 65534;

}  // namespace

std::string give_up_privileges() {
  if (geteuid() == 0) {
    uid_t user = nobody_uid;
    gid_t group = nogroup_gid;
    for (const char* name : {"pushmail-fetch", "nobody"}) {
      const auto account = find_user(name);
      if (!account) return "getpwnam";
      if (!*account) continue;
      user = (*account)->user;
      group = (*account)->group;
      break;
    }
    if (setgroups(0, nullptr) != 0) return "setgroups";
    if (setresgid(group, group, group) != 0) return "setresgid";
    if (setresuid(user, user, user) != 0) return "setresuid";
    if (setuid(0) == 0) return "root came back";
  }
  if (!keep_secrets()) return "keep_secrets";
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return "PR_SET_NO_NEW_PRIVS";
  return {};
}

bool is_bound_to(const std::filesystem::path& store) {
  // A folder that is not there, or that this user cannot reach, gives nothing away.
  if (geteuid() == 0) return false;
  struct stat status{};
  if (::stat(store.c_str(), &status) == 0) return status.st_uid == geteuid();
  return errno != ENOENT && errno != ENOTDIR && errno != EACCES;
}

}  // namespace pushmail::mailbox
