#include "core/privileges.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "core/errors.h"
#include "core/start_error.h"

namespace pushmail {

std::expected<std::optional<Account>, NoAccount> account_to_become(const char* name) {
  if (::geteuid() != 0) return std::nullopt;
  const auto account = find_user(name);
  if (!account) return std::unexpected(NoAccount{cannot_be_read(std::string("the account ") + name, account.error().os).text, exit_system});
  if (!*account) {
    return std::unexpected(NoAccount{.text = std::string("started by root, and there is no account ") + name +
                                             " to change to: make it (systemd-sysusers, conf/install), or start this as another user"});
  }
  return **account;
}

Result<void> become(const char* name, const Account& account) {
  if (::initgroups(name, account.group) != 0) return fail_os(core_account, errno);
  if (::setresgid(account.group, account.group, account.group) != 0) return fail_os(core_account, errno);
  if (::setresuid(account.user, account.user, account.user) != 0) return fail_os(core_account, errno);
  // An account that is root by another name, or a kernel that let us back: either would be found out too late.
  if (::setuid(0) == 0) return fail_os(core_account, EPERM);
  return {};
}

Result<void> act_as(const char* name, const Account& account) {
  if (::initgroups(name, account.group) == 0 && ::setegid(account.group) == 0 && ::seteuid(account.user) == 0) return {};
  return fail_os(core_account, errno);
}

Result<void> act_as_root() {
  // The groups of the start are none that root needs.
  if (::seteuid(0) != 0 || ::setegid(0) != 0 || ::setgroups(0, nullptr) != 0) return fail_os(core_account, errno);
  return {};
}

Result<void> give_up_capabilities() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_os(core_os, errno);
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> held{};
  if (::syscall(SYS_capget, &header, held.data()) != 0) return fail_os(core_os, errno);
  bool holds = false;
  for (const auto& part : held) holds = holds || part.effective != 0 || part.permitted != 0 || part.inheritable != 0;
  // A service without any may be denied the call.
  if (!holds) return {};
  // Those that an exec would hand on go with the permitted ones (capabilities(7), ambient set).
  held = {};
  if (::syscall(SYS_capset, &header, held.data()) != 0) return fail_os(core_os, errno);
  return {};
}

Result<void> give_folder(const std::filesystem::path& folder, const Account& account) {
  if (::chown(folder.c_str(), account.user, account.group) != 0) return fail_os(core_account, errno);
  std::error_code error;
  for (auto entry = std::filesystem::recursive_directory_iterator(folder, error);
       !error && entry != std::filesystem::recursive_directory_iterator(); entry.increment(error)) {
    if (::lchown(entry->path().c_str(), account.user, account.group) != 0) return fail_os(core_account, errno);
  }
  // What was not listed would still be root's, and refused to us when it is replaced.
  if (error) return fail_os(core_folder, error.value());
  return {};
}

Result<void> share_state_folder(const std::filesystem::path& folder) {
  constexpr mode_t pass = 0111;
  struct stat info{};
  if (::geteuid() != 0) return {};
  if (::stat(folder.c_str(), &info) != 0) return fail_os(core_folder, errno);
  if ((info.st_mode & pass) != pass && ::chmod(folder.c_str(), (info.st_mode | pass) & 07777) != 0) return fail_os(core_folder, errno);
  return {};
}

Result<void> share_run_folder(const std::filesystem::path& folder) {
  if (::geteuid() != 0) return {};
  PM_TRY(const auto group, find_group(shared_group));
  if (!group) return {};
  if (::chown(folder.c_str(), 0, *group) != 0 || ::chmod(folder.c_str(), 01775) != 0) return fail_os(core_account, errno);
  return {};
}

}  // namespace pushmail
