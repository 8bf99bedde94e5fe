#include "core/program_options.h"

#include <fmt/format.h>

#include <optional>
#include <utility>
#include <vector>

#include "core/nearest_word.h"

namespace pushmail {

namespace {

constexpr int exit_usage = 64;  // sysexits.h: EX_USAGE
constexpr OptionRow root_option{"root", "DIR"};

std::string usage(std::string_view program, std::span<const OptionRow> rows) {
  std::string text = fmt::format("usage: {}", program);
  for (const OptionRow& row : rows) text += fmt::format(" [--{} {}]", row.name, row.value);
  return text + " [--version]\n";
}

}  // namespace

std::string_view program_version() { return PUSHMAIL_VERSION; }

std::expected<ProgramOptions, OptionsEnd> read_program_options(std::string_view program, std::span<char* const> arguments,
                                                               std::span<const OptionRow> more) {
  std::vector<OptionRow> rows{root_option};
  rows.insert(rows.end(), more.begin(), more.end());
  const auto wrong = [&](const std::string& why) {
    return std::unexpected(OptionsEnd{exit_usage, fmt::format("{}: {}\n{}", program, why, usage(program, rows))});
  };
  ProgramOptions options;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string_view argument(arguments[i]);
    if (argument == "--version") return std::unexpected(OptionsEnd{0, fmt::format("{} {}\n", program, program_version())});
    if (argument == "--help" || argument == "-h") return std::unexpected(OptionsEnd{0, usage(program, rows)});
    if (!argument.starts_with("--")) return wrong(fmt::format("\"{}\" is no option", argument));
    const std::size_t equals = argument.find('=');
    const std::string_view name = argument.substr(2, equals == std::string_view::npos ? equals : equals - 2);
    NearestWord nearest(name);
    bool known = false;
    for (const OptionRow& row : rows) {
      known = known || row.name == name;
      nearest.offer(fmt::format("--{}", row.name), slips(name, row.name));
    }
    if (!known) return wrong(fmt::format("unknown option --{}{}", name, nearest.suggestion()));
    std::optional<std::string> value;
    if (equals != std::string_view::npos) {
      value = argument.substr(equals + 1);
    } else if (i + 1 < arguments.size()) {
      value = arguments[++i];
    }
    if (!value || value->empty()) return wrong(fmt::format("--{} needs a value", name));
    if (!options.others.emplace(name, *value).second) return wrong(fmt::format("--{} is given twice", name));
  }
  if (const auto root = options.others.find("root"); root != options.others.end()) {
    options.root = root->second;
    options.others.erase(root);
  }
  return options;
}

}  // namespace pushmail
