// `pushmailctl completion bash|zsh`: the words and options after each word, from the same declarations that read the command line.
#pragma once

#include <ostream>

namespace CLI {
class App;
}

namespace pushmail::cli {

enum class Shell { bash, zsh };
/// A script for the shell's folder of completions.
void print_completion(const CLI::App& app, Shell shell, std::ostream& out);

}  // namespace pushmail::cli
