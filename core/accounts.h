// Users and groups of this machine. An account database that cannot be read is not one without the account.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "core/result.h"

namespace pushmail {

// As conf/package/sysusers.conf has them.
inline constexpr const char* data_plane_user = "pushmail-dp";
inline constexpr const char* control_plane_user = "pushmail-cp";
inline constexpr const char* fetcher_user = "pushmail-fetch";
inline constexpr const char* shared_group = "pushmail";   // of both planes: the handoff socket, passwords of peers
inline constexpr const char* api_group = "pushmail-api";  // of who may reach the API's socket

struct Account {
  uid_t user = 0;
  gid_t group = 0;
};
/// Nothing: there is no such user. core.account with errno: nobody knows. Before the first thread, or from one thread only.
[[nodiscard]] Result<std::optional<Account>> find_user(const char* name);
[[nodiscard]] Result<std::optional<gid_t>> find_group(const char* name);
/// Empty: nobody has this number, or the database cannot be read.
[[nodiscard]] std::string name_of_user(uid_t user);
[[nodiscard]] std::string name_of_group(gid_t group);

}  // namespace pushmail
