// Text that was broken into lines for a screen of 80 columns, and does not say so (format=flowed does). A phone breaks lines itself, and
// each of these would leave a stump. Not for use outside this folder.
#pragma once

#include <string_view>

#include "core/arena.h"

namespace pushmail::convert {

/// Paragraphs as one line each: a line is joined with the one before when its first word had no room there. Lists, quotes, tables,
/// indented lines and lines that end early (verse, addresses, code) stay. Never longer; the text itself when nothing is joined. Linear.
[[nodiscard]] std::string_view rejoin_wrapped(std::string_view utf8, Arena& arena);

}  // namespace pushmail::convert
