// Values of attributes, numbers and signs.
#include "codec/convert/html_words.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace pushmail::convert {

std::optional<unsigned> number_of(std::string_view text) {
  text = ascii_trim(text);
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() ? std::optional<unsigned>(number) : std::nullopt;
}

std::string content_id_of(std::string_view address) {
  std::string out;
  out.reserve(address.size());
  for (std::size_t at = 0; at < address.size(); ++at) {
    unsigned char byte = 0;
    const char* const digits = address.data() + at + 1;
    if (address[at] == '%' && address.size() - at >= 3 && std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      out += static_cast<char>(byte);
      at += 2;
    } else {
      out += address[at];
    }
  }
  return out;
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
    unsigned letter;
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
  const auto byte = [&](std::size_t i) -> unsigned { return i < utf8.size() ? static_cast<unsigned char>(utf8[i]) : 0U; };
  unsigned letter = byte(0);
  std::size_t size = letter < 0x80 ? 1 : letter < 0xE0 ? 2 : letter < 0xF0 ? 3 : 4;
  size = std::min(size, utf8.size());
  const bool is_private = size == 3 && letter == 0xEF && byte(1) >= 0x80 && byte(1) <= 0x83;
  if (size == 2)
    letter = (letter & 0x1F) << 6 | (byte(1) & 0x3F);
  else if (is_private)
    letter = (byte(1) & 0x03) << 6 | (byte(2) & 0x3F);
  else if (size > 1)
    return {utf8.substr(0, size), size};
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
    for (; number > 0; number = (number - 1) / 26) out.insert(out.begin(), static_cast<char>(numbering + (number - 1) % 26));
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
