// Passwords pass through all of our processes: none of them leaves them behind in a core file, or shows them to a debugger of its user.
#pragma once

#include "core/result.h"

namespace pushmail {

/// No core file, and no ptrace but by root. To be called after a change of user, which takes the second back. core_os: one of them was
/// refused.
[[nodiscard]] Result<void> keep_secrets();

}  // namespace pushmail
