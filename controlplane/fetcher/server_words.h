// What a mail server says, as it is shown and logged.
#pragma once

#include <string>
#include <string_view>

#include "core/utf8.h"

namespace pushmail::mailbox {

/// Its characters in whatever script, `size_max` bytes at most; `?` for what is none, and for controls, also those that turn the direction
/// of writing.
[[nodiscard]] inline std::string server_words(std::string_view said, std::size_t size_max) {
  std::string_view rest = cut_utf8(said, size_max);
  std::string words;
  words.reserve(rest.size());
  while (!rest.empty()) {
    const std::string_view at = rest;
    const auto c = take_code_point(rest);
    const bool is_control = !c || *c < 0x20 || (*c >= 0x7F && *c < 0xA0);
    const bool turns = c && (*c == 0x200E || *c == 0x200F || (*c >= 0x2028 && *c <= 0x202E) || (*c >= 0x2066 && *c <= 0x2069));
    if (is_control || turns)
      words += '?';
    else
      words += at.substr(0, at.size() - rest.size());
  }
  return words;
}

}  // namespace pushmail::mailbox
