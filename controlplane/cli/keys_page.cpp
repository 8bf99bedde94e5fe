#include "controlplane/cli/keys_page.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <iterator>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>

#include "controlplane/cli/config_view.h"
#include "core/config.h"

namespace pushmail::cli {

namespace {

constexpr std::string_view head =
    R"(# Keys

Every key of `/etc/pushmail/pushmail.toml` and `/etc/pushmail/conf.d/*.toml`, made from the table in code by `pushmailctl config describe`; a
test compares. `pushmailctl config explain KEY` says the same of one, `pushmailctl config show --effective` what is in force. Of a
list the default's entries are divided by blanks.
)";

struct Unit {
  std::string_view name;
  std::int64_t size;
};
// Largest first.
constexpr std::array size_units{Unit{"GiB", 1 << 30}, Unit{"MiB", 1 << 20}, Unit{"KiB", 1 << 10}, Unit{"B", 1}};
constexpr std::array duration_units{Unit{"d", day_ms}, Unit{"h", 3'600'000}, Unit{"min", 60'000}, Unit{"s", 1'000}, Unit{"ms", 1}};
constexpr std::array no_units{Unit{"", 1}};

std::string bounds_of(const ConfigKey& key) {
  std::string words;
  for (const char c : key.words) words += c == '|' ? std::string(", ") : std::string(1, c);
  if (!words.empty()) return words;
  if (key.least != no_least && key.most != no_most)
    return fmt::format("{} to {}", as_written(key.least, key.type), as_written(key.most, key.type));
  if (key.least != no_least) return fmt::format("{} or more", as_written(key.least, key.type));
  if (key.most != no_most) return fmt::format("{} or less", as_written(key.most, key.type));
  return {};
}

// What Markdown takes for a column or for HTML.
std::string escaped_cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|' || c == '<' || c == '*') out += '\\';
    out += c;
  }
  return out;
}

std::string type_of(const ConfigKey& key) {
  const std::string type = explained(key)["type"];
  // `config explain` lists the units.
  return type.substr(0, type.find(": "));
}

std::string default_cell(const ConfigKey& key) {
  if (key.default_value == "!") return "must be given";
  return key.default_value.empty() ? std::string() : fmt::format("`{}`", key.default_value);
}

}  // namespace

std::string as_written(std::int64_t value, KeyType type) {
  const std::span<const Unit> units = type == KeyType::size       ? std::span<const Unit>(size_units)
                                      : type == KeyType::duration ? std::span<const Unit>(duration_units)
                                                                  : std::span<const Unit>(no_units);
  for (const Unit& unit : units) {
    if (value % unit.size == 0) return fmt::format("{}{}", value / unit.size, unit.name);
  }
  return {};
}

std::string keys_page() {
  std::string out(head);
  std::string table = "none";
  for (const ConfigKey& key : config_keys()) {
    const std::size_t dot = key.path.rfind('.');
    std::string group = dot == std::string_view::npos ? std::string() : std::string(key.path.substr(0, dot));
    if (group.ends_with(".*")) group.replace(group.size() - 1, 1, "NAME");
    if (group != table) {
      fmt::format_to(std::back_inserter(out), "\n## {}\n\n| key | type | default | bounds | meaning |\n|---|---|---|---|---|\n",
                     group.empty() ? std::string("In front of all tables") : fmt::format("[{}]", group));
      table = group;
    }
    fmt::format_to(std::back_inserter(out), "| `{}` | {} | {} | {} | {} |\n",
                   dot == std::string_view::npos ? key.path : key.path.substr(dot + 1), type_of(key), default_cell(key), bounds_of(key),
                   escaped_cell(key.help));
  }
  return out;
}

}  // namespace pushmail::cli
