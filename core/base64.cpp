#include "core/base64.h"

#include <array>
#include <cstdint>

namespace pushmail {

namespace {

constexpr std::array<int, 256> letter_values = [] {
  std::array<int, 256> table{};
  table.fill(-1);
  for (std::size_t i = 0; i < base64_letters.size(); ++i) table[static_cast<std::uint8_t>(base64_letters[i])] = static_cast<int>(i);
  return table;
}();

}  // namespace

std::string base64_encoded(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : bytes) {
    bits = bits << 8U | static_cast<std::uint8_t>(c);
    for (held += 8; held >= 6; held -= 6) out += base64_letters[bits >> (held - 6) & 63U];
  }
  if (held > 0) out += base64_letters[bits << (6 - held) & 63U];
  while (out.size() % 4 != 0) out += '=';
  return out;
}

std::optional<std::string> base64_decoded(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  const std::size_t letters = text.find_last_not_of('=') + 1;
  if (text.size() - letters > 2) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text.substr(0, letters)) {
    const int value = letter_values[static_cast<std::uint8_t>(c)];
    if (value < 0) return std::nullopt;
    bits = bits << 6U | static_cast<std::uint32_t>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out += static_cast<char>(bits >> held & 0xFFU);
  }
  return out;
}

}  // namespace pushmail
