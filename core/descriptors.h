// How many files and sockets this process may have open at once (RLIMIT_NOFILE).
#pragma once

#include <cstdint>

namespace pushmail {

/// Raises the soft limit, which is a default for programs that use select(), to the hard one, and logs it: a warning when it is below
/// `wanted`. The result is the limit from now on. Call after log_start().
std::uint64_t raise_descriptor_limit(std::uint64_t wanted);

}  // namespace pushmail
