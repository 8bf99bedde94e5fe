#include "controlplane/retrieve/instruction.h"

#include <array>

#include "core/bytes.h"

namespace pushmail::retrieve {

namespace {

constexpr std::size_t code_length_max = 4;
constexpr auto words = std::to_array<std::string_view>({"get", "read", "fetch", "reply"});

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

Instruction parse_instruction(std::string_view text) {
  // Quotes and full stops come from people and from helpful keyboards.
  constexpr std::string_view edges = " \t\r\n\"'.,!?#";
  const auto trim = [&] {
    const std::size_t first = text.find_first_not_of(edges);
    text = first == std::string_view::npos ? std::string_view() : text.substr(first, text.find_last_not_of(edges) - first + 1);
  };
  trim();
  for (const std::string_view word : words) {
    if (!ascii_starts_with_nocase(text, word)) continue;
    text.remove_prefix(word.size());
    trim();
    break;
  }
  if (text.empty() || text.size() > code_length_max) return {};
  for (const char c : text) {
    if (!is_digit(c)) return {};
  }
  return {Instruction::Kind::get, std::string(text)};
}

}  // namespace pushmail::retrieve
