// What an expression may cost, before Hyperscan sees it. Not for use outside this folder and its tests.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/result.h"

namespace pushmail::scan {

inline constexpr std::size_t expression_weight_max = 4000;  // characters after all repeats are written out
inline constexpr std::size_t expression_depth_max = 16;     // groups in groups
inline constexpr std::size_t set_weight_max = 1'000'000;    // of all expressions of a set

/// About how many characters the expression has when `x{3}` is written as `xxx`: what its automaton grows with. It need not be a
/// correct expression: the syntax is Hyperscan's to check. Linear, no recursion; fails above the limits.
[[nodiscard]] Result<std::size_t> expression_weight(std::string_view expression);

/// Whether the expression speaks of characters beyond ASCII, so that it has to be compiled for UTF-8.
[[nodiscard]] bool is_wide_expression(std::string_view expression);

}  // namespace pushmail::scan
