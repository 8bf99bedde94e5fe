// Classes of ASCII characters and the numbers, hex and percent coding made of them: the one place where it says what a digit is. The
// classes take char, bytes and code points alike, and hold for no character beyond ASCII. Pure; bytes.h has the comparisons without case.
#pragma once

#include <algorithm>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/bytes.h"

namespace pushmail {

/// char, std::uint8_t, char32_t ...
template <class Char>
concept AnyCharacter = std::integral<Char> && !std::same_as<Char, bool>;

template <AnyCharacter Char>
[[nodiscard]] constexpr bool is_digit(Char c) {
  return c >= '0' && c <= '9';
}
template <AnyCharacter Char>
[[nodiscard]] constexpr bool is_letter(Char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
template <AnyCharacter Char>
[[nodiscard]] constexpr bool is_alphanumeric(Char c) {
  return is_digit(c) || is_letter(c);
}
/// Space and tab: WSP of RFC 5234 §B.1.
template <AnyCharacter Char>
[[nodiscard]] constexpr bool is_blank(Char c) {
  return c == ' ' || c == '\t';
}
/// Space, tab, CR and LF.
template <AnyCharacter Char>
[[nodiscard]] constexpr bool is_white(Char c) {
  return is_blank(c) || c == '\r' || c == '\n';
}
/// CTL of RFC 5234 §B.1: what is below a space, and DEL.
[[nodiscard]] constexpr bool is_control(char c) { return static_cast<std::uint8_t>(c) < 0x20 || c == 0x7F; }
[[nodiscard]] constexpr bool is_above_ascii(char c) { return static_cast<std::uint8_t>(c) >= 0x80; }

[[nodiscard]] constexpr bool is_ascii(std::string_view text) { return std::ranges::none_of(text, is_above_ascii); }
/// At least one digit, and nothing else.
[[nodiscard]] constexpr bool is_digits(std::string_view text) { return !text.empty() && std::ranges::all_of(text, is_digit<char>); }

inline constexpr std::string_view hex_digits = "0123456789abcdef";
inline constexpr std::string_view upper_hex_digits = "0123456789ABCDEF";

/// 0 to 15 of a hex digit in either case; -1 of anything else.
template <AnyCharacter Char>
[[nodiscard]] constexpr int hex_value(Char c) {
  if (is_digit(c)) return static_cast<int>(c) - '0';
  if (c >= 'a' && c <= 'f') return static_cast<int>(c) - 'a' + 10;
  if (c >= 'A' && c <= 'F') return static_cast<int>(c) - 'A' + 10;
  return -1;
}
template <AnyCharacter Char>
[[nodiscard]] constexpr bool is_hex_digit(Char c) {
  return hex_value(c) >= 0;
}
/// The byte whose two hex digits `text` starts with; nothing when it starts otherwise.
[[nodiscard]] constexpr std::optional<std::uint8_t> leading_hex_byte(std::string_view text) {
  if (text.size() < 2 || !is_hex_digit(text[0]) || !is_hex_digit(text[1])) return std::nullopt;
  return static_cast<std::uint8_t>(hex_value(text[0]) << 4 | hex_value(text[1]));
}

/// The number that all of `text` is; nothing for an empty text, a plus, blanks, or a number that has no room in the type. A minus is
/// read where the type has one.
template <std::integral Number>
[[nodiscard]] constexpr std::optional<Number> parse_number(std::string_view text, int base = 10) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, base);
  return error == std::errc{} && stop == end ? std::optional(number) : std::nullopt;
}

/// Every `%XX` as the byte it names (RFC 3986 §2.1); a percent sign without two hex digits stays what it is. `out` is a std::string or an
/// ArenaText.
template <class Text>
void append_percent_decoded(Text& out, std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (const auto byte = text[at] == '%' ? leading_hex_byte(text.substr(at + 1)) : std::nullopt) {
      out += static_cast<char>(*byte);
      at += 2;
    } else {
      out += text[at];
    }
  }
}
[[nodiscard]] std::string percent_decoded(std::string_view text);
/// Letters, digits, `-`, `_`, `.` as they are, every other byte as `%XX`.
[[nodiscard]] std::string percent_encoded(std::string_view text);

}  // namespace pushmail
