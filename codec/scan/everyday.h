// Words that stand in mail every day, to guess what a rule's words cost an expression engine. Not for use outside this folder.
#pragma once

#include <string_view>

namespace pushmail::scan {

/// Whether `word`, folded, is one.
[[nodiscard]] bool is_everyday(std::string_view word);

}  // namespace pushmail::scan
