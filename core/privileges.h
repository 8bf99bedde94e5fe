// What a program of ours gives up once it has opened what it needs: root, if root started it, and every capability.
//
// Came from: the three mains. A program that root starts becomes an account of its own (core/accounts.h) and refuses to run where this
// machine has none: what talks to strangers is never root, and never a user whom others share. Whoever else starts it stays who he is.
#pragma once

#include <expected>
#include <filesystem>
#include <optional>
#include <string>

#include "core/accounts.h"
#include "core/result.h"

namespace pushmail {

inline constexpr int exit_no_account = 67;  // sysexits.h: EX_NOUSER

struct NoAccount {
  std::string text;
  int exit_code = exit_no_account;
};
/// Whom this process becomes; nothing: it is not root's, and stays who it is. NoAccount: there is no such account (67), or nobody knows
/// (71). Ask before anything is opened.
[[nodiscard]] std::expected<std::optional<Account>, NoAccount> account_to_become(const char* name);

/// Every thread of this process, for good, with the account's groups: root's capabilities go with it. core.account with errno.
[[nodiscard]] Result<void> become(const char* name, const Account& account);
/// The rights of `account` until act_as_root(): what is read again later, by a program that has become it, is read the first time by the
/// same rights, so that a start does not promise what a reload refuses. From the only thread. core.account with errno, after which a start
/// has ended.
[[nodiscard]] Result<void> act_as(const char* name, const Account& account);
[[nodiscard]] Result<void> act_as_root();
/// What a service manager gave this thread, and those that it starts from now on; none gets any by an exec. core.os with errno.
[[nodiscard]] Result<void> give_up_capabilities();

/// A folder and all that is in it. core.account, core.folder with errno.
[[nodiscard]] Result<void> give_folder(const std::filesystem::path& folder, const Account& account);
/// The folder in which both planes make their sockets, and neither may take the other's away: root's, of the group that they share, and
/// sticky, as conf/package/tmpfiles.conf makes it. Nothing where this process is not root.
[[nodiscard]] Result<void> share_run_folder(const std::filesystem::path& folder);
/// The folder in which each plane has those of its own: who knows their names may pass. A release whose planes both were root's made it
/// for root alone. Nothing where this process is not root.
[[nodiscard]] Result<void> share_state_folder(const std::filesystem::path& folder);

}  // namespace pushmail
