// What a weaker processor would run, on this one: for measurements and tests. Programs that serve take the best.
#pragma once

#include <string_view>

namespace pushmail::simd {

/// active() is the row of all_supported() that has this name, as `avx2`. Once, before anything asks for active() and before threads start;
/// false when it is too late, or when this processor has no such row.
[[nodiscard]] bool choose(std::string_view name);

}  // namespace pushmail::simd
