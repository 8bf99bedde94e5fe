// Users and groups of this machine. An account database that cannot be read is not one without the account.
#pragma once

#include <sys/types.h>

#include <optional>

#include "core/result.h"

namespace pushmail {

struct Account {
  uid_t user = 0;
  gid_t group = 0;
};
/// Nothing: there is no such user. core.account with errno: nobody knows. Before the first thread, or from one thread only.
[[nodiscard]] Result<std::optional<Account>> find_user(const char* name);
[[nodiscard]] Result<std::optional<gid_t>> find_group(const char* name);

}  // namespace pushmail
