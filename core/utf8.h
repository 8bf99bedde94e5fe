// UTF-8 (RFC 3629): one decoder, one encoder, one cut. Leads C2 to F4, no overlong form, no surrogate, nothing above U+10FFFF (§3, §4).
// Whole texts are checked and repaired by the vector kernels of codec/simd (utf8_valid_prefix), which a test compares with this. Pure.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace pushmail {

/// What stands for bytes that are no character.
inline constexpr char32_t replacement_character = 0xFFFD;

/// The second to fourth byte of a character.
[[nodiscard]] constexpr bool is_continuation(char c) { return (static_cast<std::uint8_t>(c) & 0xC0U) == 0x80U; }

struct CodePoint {
  char32_t value = replacement_character;
  std::size_t size = 0;  // bytes, 1 to 4; 0: no character starts here

  [[nodiscard]] constexpr explicit operator bool() const { return size != 0; }
};

/// The character that starts at `at`.
[[nodiscard]] constexpr CodePoint code_point_at(std::string_view text, std::size_t at = 0) {
  if (at >= text.size()) return {};
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[at + i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return {.value = lead, .size = 1};
  const std::size_t size = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  if (size == 0 || size > text.size() - at) return {};
  char32_t value = lead & (0x7FU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if (!is_continuation(text[at + i])) return {};
    value = value << 6U | (byte(i) & 0x3FU);
  }
  constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
  if (value < least[size] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return {};
  return {.value = value, .size = size};
}

/// The first character of `rest`, which is not empty and loses it; nothing for a byte that begins none, which `rest` loses too.
[[nodiscard]] constexpr std::optional<char32_t> take_code_point(std::string_view& rest) {
  const CodePoint found = code_point_at(rest);
  rest.remove_prefix(found ? found.size : 1);
  return found ? std::optional(found.value) : std::nullopt;
}

/// Bytes of the character that starts at `at`, which is inside; 1 for a byte that begins none.
[[nodiscard]] constexpr std::size_t character_size(std::string_view text, std::size_t at) {
  const CodePoint found = code_point_at(text, at);
  return found ? found.size : 1;
}

/// One character as bytes.
struct Utf8Character {
  std::array<char, 4> bytes{};
  std::size_t size = 0;

  [[nodiscard]] constexpr std::string_view view() const { return {bytes.data(), size}; }
};

/// A surrogate, or a number above U+10FFFF, becomes the replacement character.
[[nodiscard]] constexpr Utf8Character utf8_of(char32_t c) {
  if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) c = replacement_character;
  const auto lead = [c](unsigned mark, unsigned shift) { return static_cast<char>(static_cast<std::uint8_t>(mark | c >> shift)); };
  const auto tail = [c](unsigned shift) { return static_cast<char>(static_cast<std::uint8_t>(0x80U | (c >> shift & 0x3FU))); };
  if (c < 0x80) return {.bytes = {lead(0, 0)}, .size = 1};
  if (c < 0x800) return {.bytes = {lead(0xC0, 6), tail(0)}, .size = 2};
  if (c < 0x10000) return {.bytes = {lead(0xE0, 12), tail(6), tail(0)}, .size = 3};
  return {.bytes = {lead(0xF0, 18), tail(12), tail(6), tail(0)}, .size = 4};
}

/// At most `size_max` bytes of `text`, and no part of a character at the end. Where it is no UTF-8, any place is as good.
[[nodiscard]] constexpr std::string_view cut_utf8(std::string_view text, std::size_t size_max) {
  if (text.size() <= size_max) return text;
  constexpr std::size_t continuation_count_max = 3;
  for (std::size_t back = 0; back <= std::min(continuation_count_max, size_max); ++back) {
    if (!is_continuation(text[size_max - back])) return text.substr(0, size_max - back);
  }
  return text.substr(0, size_max);
}

/// How many characters valid UTF-8 has. Counted in bytes at first, which a compiler does sixteen at a time.
[[nodiscard]] constexpr std::size_t code_point_count(std::string_view text) {
  constexpr std::size_t block = 240;  // of which each may be one
  std::size_t count = 0;
  for (std::size_t start = 0; start < text.size(); start += block) {
    std::uint8_t in_block = 0;
    for (const char c : text.substr(start, block)) in_block = static_cast<std::uint8_t>(in_block + (is_continuation(c) ? 0 : 1));
    count += in_block;
  }
  return count;
}

}  // namespace pushmail
