// Values of attributes, numbers and signs.
#include "codec/convert/html_words.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/utf8.h"

namespace pushmail::convert {

std::optional<unsigned> number_of(std::string_view text) {
  text = ascii_trim(text);
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() ? std::optional<unsigned>(number) : std::nullopt;
}

bool is_file_name(std::string_view text) {
  if (text.find(' ') != std::string_view::npos) return false;
  for (const std::string_view ending : {".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".bmp"}) {
    if (text.size() > ending.size() && ascii_equal_nocase(text.substr(text.size() - ending.size()), ending)) return true;
  }
  return false;
}

Sign sign_at(std::string_view utf8, SignFont font) {
  struct Row {
    char32_t letter;
    std::string_view utf8;
  };
  constexpr auto wingdings = std::to_array<Row>({{'J', "\u263A"},
                                                 {'K', "\U0001F610"},
                                                 {'L', "\u2639"},
                                                 {0xE0, "\u2192"},
                                                 {0xDF, "\u2190"},
                                                 {0xE8, "\u2192"},
                                                 {0xFC, "\u2713"},
                                                 {0xFB, "\u2717"},
                                                 {0xA7, "-"},
                                                 {0xD8, "-"},
                                                 {0xB7, "-"},
                                                 {'n', "-"},
                                                 {'l', "-"},
                                                 {'q', "-"},
                                                 {'v', "-"},
                                                 {0xA8, "-"},
                                                 {0xF0, "\u2192"},
                                                 {'(', "\u260E"},
                                                 {'*', "\u2709"}});
  const CodePoint character = code_point_at(utf8);
  const std::size_t size = std::min<std::size_t>(std::max<std::size_t>(character.size, 1), utf8.size());
  // A page writes the font's own places, or those that Unicode keeps for private use.
  const bool is_private = character.value >= 0xF000 && character.value <= 0xF0FF;
  if (!is_private && character.value >= 0x800) return {utf8.substr(0, size), size};
  const char32_t letter = is_private ? character.value & 0xFFU : character.value;
  if (font == SignFont::wingdings) {
    const auto* const row = std::find_if(wingdings.begin(), wingdings.end(), [&](const Row& each) { return each.letter == letter; });
    if (row != wingdings.end()) return {row->utf8, size};
  }
  if (is_private && letter == 0xB7) return {"-", size};  // the bullet of Symbol
  return {utf8.substr(0, size), size};
}

std::string written_address(std::string_view address) {
  std::string out;
  for (const char c : address.substr(0, address.find_first_of("<>\""))) {
    if (c == ' ')
      out += "%20";
    else if (static_cast<unsigned char>(c) > 0x20 && c != 0x7F)
      out += c;
  }
  return out;
}

std::string number_words(unsigned number, char numbering) {
  const bool is_letter = numbering == 'a' || numbering == 'A';
  const bool is_roman = numbering == 'i' || numbering == 'I';
  std::string out;
  if (is_letter && number >= 1 && number <= 26 * 26) {
    for (; number > 0; number = (number - 1) / 26)
      out.insert(out.begin(), static_cast<char>(static_cast<unsigned char>(numbering) + (number - 1) % 26));
    return out;
  }
  if (!is_roman || number < 1 || number > 399) return std::to_string(number);
  struct Numeral {
    unsigned value;
    std::string_view lower;
  };
  constexpr auto numerals =
      std::to_array<Numeral>({{100, "c"}, {90, "xc"}, {50, "l"}, {40, "xl"}, {10, "x"}, {9, "ix"}, {5, "v"}, {4, "iv"}, {1, "i"}});
  for (const Numeral& numeral : numerals) {
    for (; number >= numeral.value; number -= numeral.value) out += numeral.lower;
  }
  if (numbering == 'I') std::transform(out.begin(), out.end(), out.begin(), [](char c) { return static_cast<char>(c - 'a' + 'A'); });
  return out;
}

}  // namespace pushmail::convert
