// What a row of the table of keys says.
#pragma once

#include <cstdint>
#include <string_view>

namespace pushmail {

inline constexpr std::int64_t no_least = INT64_MIN;
inline constexpr std::int64_t no_most = INT64_MAX;
inline constexpr std::int64_t day_ms = 86'400'000;

enum class KeyType : std::uint8_t { text, flag, number, size, duration, endpoint, word, text_list, network_list };

[[nodiscard]] constexpr bool is_list(KeyType type) { return type == KeyType::text_list || type == KeyType::network_list; }

/// Whether `word` is one of those that `words` lists by `|`.
[[nodiscard]] constexpr bool is_word_of(std::string_view word, std::string_view words) {
  while (!words.empty()) {
    const std::size_t bar = words.find('|');
    if (words.substr(0, bar) == word) return true;
    if (bar == std::string_view::npos) return false;
    words.remove_prefix(bar + 1);
  }
  return false;
}

/// When a running program takes a changed value: at SIGHUP and `pushmailctl reload`, or when it is started again.
enum class Taken : std::uint8_t { at_restart, at_reload };

/// One key. In `path`, `peer.*.url` stands for every [peer.NAME]. `words` lists what a word may be, by `|`. A list's default is divided by
/// blanks.
struct ConfigKey {
  std::string_view path{};
  KeyType type = KeyType::text;
  std::string_view default_value{};  // as it would stand in the file, without quotes; `!` = must be given
  std::string_view words{};
  std::int64_t least = no_least;  // numbers, bytes, or milliseconds
  std::int64_t most = no_most;
  std::string_view help{};
  Taken taken = Taken::at_restart;
};

}  // namespace pushmail
