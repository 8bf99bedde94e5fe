// Long web addresses, which are for programs and not for people: in the text their site is left, and the whole stands behind it. Not for
// use outside this folder.
//
// Came from: body_text.cpp, a text as it will be shown. Goes to: the text of the MM.
#pragma once

#include <cstddef>
#include <string_view>

#include "core/arena.h"

namespace pushmail::convert {

struct ShortLinks {
  std::string_view text;      // in the arena when anything was shortened
  std::size_t shortened = 0;  // addresses
};
/// `Shop (https://click.example/f/Ab9...)` becomes `Shop (click.example)`, and `Shop: https://click.example/f/Ab9...` behind the text.
/// Addresses of at most 80 bytes stay; each long one is gathered once, at most 30 and none of more than 2,000 bytes. Linear.
[[nodiscard]] ShortLinks shorten_links(std::string_view utf8, Arena& arena);

}  // namespace pushmail::convert
