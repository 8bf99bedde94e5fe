// The command line of the three services: few options, each answered by name when it is wrong.
#pragma once

#include <expected>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace pushmail {

/// `0.1.0`: of this build, the same for every program.
[[nodiscard]] std::string_view program_version();

/// `--NAME WORD` or `--NAME=WORD`.
struct OptionRow {
  std::string_view name;   // without the hyphens
  std::string_view value;  // what stands for it in the usage
};

struct ProgramOptions {
  std::filesystem::path root{};  // --root; empty: /
  std::map<std::string, std::string, std::less<>> others{};
};

/// Why a program does not go on from here.
struct OptionsEnd {
  int exit_code = 0;   // 0: --version or --help, whose answer is `text`; 64: a wrong command line
  std::string text{};  // whole lines
};

/// `--root DIR`, `--version`, `--help` and the rows of `more`; every option at most once.
[[nodiscard]] std::expected<ProgramOptions, OptionsEnd> read_program_options(std::string_view program, std::span<char* const> arguments,
                                                                             std::span<const OptionRow> more = {});

}  // namespace pushmail
