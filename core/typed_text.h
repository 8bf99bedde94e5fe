// Characters that a person types or pastes without seeing them, of any script. They are no part of a number, a code or an address.
#pragma once

namespace pushmail {

/// LF, CR, NEL, and the line and paragraph separators of Unicode.
[[nodiscard]] constexpr bool is_typed_line_end(char32_t c) { return c == '\n' || c == '\r' || c == 0x85 || c == 0x2028 || c == 0x2029; }

/// A blank of whatever width: the tab, no-break spaces, those of typesetters, the blank of Chinese and Japanese keyboards.
[[nodiscard]] constexpr bool is_typed_blank(char32_t c) {
  return c == ' ' || c == '\t' || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x202F || c == 0x205F || c == 0x3000;
}

/// NUL and other controls, soft hyphen, zero-width characters, marks of direction (UAX #9), variation selectors, a byte order mark.
[[nodiscard]] constexpr bool is_typed_unseen(char32_t c) {
  if (is_typed_blank(c) || is_typed_line_end(c)) return false;
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0xAD || c == 0x34F || c == 0x61C || c == 0x180E || (c >= 0x200B && c <= 0x200F) ||
         (c >= 0x202A && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || (c >= 0xFE00 && c <= 0xFE0F) || c == 0xFEFF;
}

}  // namespace pushmail
