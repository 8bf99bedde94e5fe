// What is wrong with a command line that CLI11 refused, in words of our own: the unknown word or option, and the one that was meant.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace pushmail::cli {

/// Nothing: every word is known, and something else is wrong (CLI11 says what).
[[nodiscard]] std::optional<std::string> wrong_word(CLI::App& app, const std::vector<std::string>& arguments);

}  // namespace pushmail::cli
