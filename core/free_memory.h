// Whether memory can be had, asked before a message is taken or converted: then a shortage costs that message a temporary refusal, and not
// the process, whose allocations cannot fail one by one.
#pragma once

#include <cstddef>

namespace pushmail {

/// Free memory that is kept for everything else.
inline constexpr std::size_t memory_kept = 4 * 1024 * 1024;  // bytes

/// Whether `size` bytes beside memory_kept could be allocated just now. Sees what limits the process (RLIMIT_AS, commit limits); a control
/// group's limit shows only when memory is used.
[[nodiscard]] bool has_free_memory(std::size_t size);

}  // namespace pushmail
