#include "controlplane/fetcher/privileges.h"

#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "core/errors.h"
#include "core/keep_secrets.h"
#include "core/privileges.h"

namespace pushmail::mailbox {

std::string give_up_privileges(const std::optional<pushmail::Account>& account) {
  if (account) {
    if (setgroups(0, nullptr) != 0) return "setgroups";
    if (setresgid(account->group, account->group, account->group) != 0) return "setresgid";
    if (setresuid(account->user, account->user, account->user) != 0) return "setresuid";
    if (setuid(0) == 0) return "root came back";
  }
  if (!keep_secrets()) return "keep_secrets";
  if (!give_up_capabilities()) return "capabilities";
  return {};
}

Result<bool> is_bound_to(const std::filesystem::path& store) {
  // A folder that is not there, or that this user cannot reach, gives nothing away.
  if (geteuid() == 0) return false;
  struct stat status{};
  if (::stat(store.c_str(), &status) == 0) return status.st_uid == geteuid();
  if (errno == ENOENT || errno == ENOTDIR || errno == EACCES) return false;
  return fail_os(core_folder, errno);
}

}  // namespace pushmail::mailbox
