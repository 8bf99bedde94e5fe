// Where a text may be cut: between what people see as characters, words, sentences and paragraphs. Not for use outside this folder.
#pragma once

#include <span>
#include <string_view>

#include "core/arena.h"

namespace pushmail::convert {

/// The last place at or before `at` that parts no character from its accents, no emoji from its parts and no flag (UAX #29 §3.1.1, the
/// rules GB9, GB9a, GB11, GB12; Hangul by GB6-GB8). A heap of marks longer than any script writes is cut between two of them.
[[nodiscard]] std::size_t grapheme_floor(std::string_view utf8, std::size_t at);

struct SplitLimits {
  std::size_t size_max = 0;   // bytes of one piece
  std::size_t count_max = 1;  // pieces; a text that needs more gets longer ones
};
/// Views of `utf8` in order, listed in the arena, none empty, white space at their ends left out: cut at paragraphs, else lines, sentences,
/// words, and only then inside a word. A piece is at least half full unless a paragraph ends there. Linear.
[[nodiscard]] std::span<const std::string_view> split_text(std::string_view utf8, const SplitLimits& limits, Arena& arena);

}  // namespace pushmail::convert
