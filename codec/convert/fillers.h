// Characters that fill a line and say nothing: campaign tools stretch preview lines with hundreds of them. Not for use outside this folder.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/arena.h"
#include "core/bytes.h"

namespace pushmail::convert {

enum class Filler : std::uint8_t {
  none,
  space,    // as wide as a blank, or about
  nothing,  // never seen
  joiner,   // never seen either, but has a meaning between letters (Persian) and pictures (emoji)
};
struct FillerAt {
  std::size_t size = 0;  // bytes
  Filler kind = Filler::none;
};
/// What a UTF-8 text starts with, when that is beyond ASCII.
[[nodiscard]] constexpr FillerAt filler_at(std::string_view utf8) {
  const auto byte = [&](std::size_t i) -> unsigned { return i < utf8.size() ? static_cast<unsigned char>(utf8[i]) : 0U; };
  switch (byte(0)) {
    case 0xC2:
      if (byte(1) == 0xA0) return {2, Filler::space};    // no-break spaces are padding in mail
      if (byte(1) == 0xAD) return {2, Filler::nothing};  // soft hyphen
      break;
    case 0xCD:
      if (byte(1) == 0x8F) return {2, Filler::nothing};  // grapheme joiner
      break;
    case 0xE2:
      if (byte(1) == 0x80 && byte(2) >= 0x80 && byte(2) <= 0x8A) return {3, Filler::space};  // widths of typesetters
      if (byte(1) == 0x80 && byte(2) == 0xAF) return {3, Filler::space};                     // narrow no-break space
      if (byte(1) == 0x80 && byte(2) == 0x8B) return {3, Filler::nothing};                   // zero width space
      if (byte(1) == 0x80 && (byte(2) == 0x8C || byte(2) == 0x8D)) return {3, Filler::joiner};
      if (byte(1) == 0x81 && byte(2) == 0xA0) return {3, Filler::nothing};  // word joiner
      if (byte(1) == 0xA0 && byte(2) == 0x80) return {3, Filler::space};    // Braille without dots
      break;
    case 0xEF:
      if (byte(1) == 0xBB && byte(2) == 0xBF) return {3, Filler::nothing};  // byte order mark
      break;
    default:
      break;
  }
  return {};
}

/// A text (UTF-8, LF) without what is never seen, and each run of blanks with such in it as one blank, or none at the end of a line. The
/// text itself when there is nothing to take out, else in the arena. Linear.
[[nodiscard]] std::string_view without_fillers(std::string_view utf8, Arena& arena);

}  // namespace pushmail::convert
