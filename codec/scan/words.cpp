#include "codec/scan/words.h"

#include <algorithm>
#include <array>

#include "core/ascii.h"
#include "core/utf8.h"

namespace pushmail::scan {

namespace {

struct Range {
  char32_t first, last;
};

// Marks beyond ASCII that make no words: punctuation, symbols, private use, in order. Every other character from U+0080 on is a
// letter (marks that combine, joiners and digits of other scripts among them), so a script added to Unicode later has words too.
constexpr std::array<Range, 44> marks{
    {{0x80, 0x9F},     {0xA1, 0xA9},     {0xAB, 0xAC},     {0xAE, 0xB4},     {0xB6, 0xB9},     {0xBB, 0xBF},     {0xD7, 0xD7},
     {0xF7, 0xF7},     {0x2C2, 0x2C5},   {0x2D2, 0x2DF},   {0x37E, 0x37E},   {0x387, 0x387},   {0x55A, 0x55F},   {0x589, 0x58A},
     {0x5BE, 0x5BE},   {0x5C0, 0x5C0},   {0x5C3, 0x5C3},   {0x5F3, 0x5F4},   {0x60C, 0x60D},   {0x61B, 0x61B},   {0x61E, 0x61F},
     {0x66A, 0x66D},   {0x6D4, 0x6D4},   {0x964, 0x965},   {0xE3F, 0xE3F},   {0x200B, 0x200B}, {0x200E, 0x2027}, {0x202A, 0x2070},
     {0x2074, 0x209F}, {0x20A0, 0x20CF}, {0x2100, 0x2BFF}, {0x2E00, 0x2E7F}, {0x3001, 0x3004}, {0x3008, 0x3020}, {0x3030, 0x303F},
     {0x30FB, 0x30FB}, {0xD800, 0xF8FF}, {0xFE10, 0xFE1F}, {0xFE30, 0xFE6F}, {0xFEFF, 0xFF0F}, {0xFF1A, 0xFF20}, {0xFF3B, 0xFF40},
     {0xFF5B, 0xFF65}, {0xFFE0, 0xFFFF}}};
constexpr Range pictographs{0x1F000, 0x1FAFF};

// Written without blanks between words.
constexpr std::array<Range, 11> solos{{{0xE01, 0xEFF},
                                       {0x1000, 0x109F},
                                       {0x1780, 0x17FF},
                                       {0x2E80, 0x2FDF},
                                       {0x3005, 0x3007},
                                       {0x3021, 0x302F},
                                       {0x3040, 0x30FF},
                                       {0x3400, 0x4DBF},
                                       {0x4E00, 0x9FFF},
                                       {0xF900, 0xFAFF},
                                       {0x20000, 0x3FFFF}}};

template <std::size_t Count>
bool is_in(const std::array<Range, Count>& ranges, char32_t character) {
  const auto after =
      std::upper_bound(ranges.begin(), ranges.end(), character, [](char32_t c, const Range& range) { return c < range.first; });
  return after != ranges.begin() && character <= std::prev(after)->last;
}

bool is_space(char32_t character) {
  return character == 0x20 || (character >= 0x09 && character <= 0x0D) || character == 0xA0 ||
         (character >= 0x2000 && character <= 0x200A) || character == 0x2028 || character == 0x2029 || character == 0x3000;
}

}  // namespace

Character character_at(std::string_view text, std::size_t at) {
  const CodePoint found = code_point_at(text, at);
  return found ? Character{.value = found.value, .size = static_cast<std::uint32_t>(found.size)}
               : Character{.value = replacement_character, .size = 1};
}

Character character_before(std::string_view text, std::size_t end) {
  // The lead is at most three bytes before the last byte; a character from there must end here, or the last byte is a broken one.
  for (std::size_t size = 1; size <= 4 && size <= end; ++size) {
    if (is_continuation(text[end - size])) continue;
    const Character character = character_at(text, end - size);
    if (character.size == size) return character;
    break;
  }
  return {.value = replacement_character, .size = 1};
}

CharClass class_of(char32_t character) {
  if (is_space(character)) return CharClass::space;
  if (character < 0x80) {
    return is_alphanumeric(character) ? CharClass::letter : CharClass::other;
  }
  if (is_in(marks, character) || (character >= pictographs.first && character <= pictographs.last)) return CharClass::other;
  return is_in(solos, character) ? CharClass::solo : CharClass::letter;
}

char32_t fold(char32_t c) {
  // Unicode's simple case folding (CaseFolding.txt, status C) where both letters have the same size in UTF-8.
  if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 0x20 : c;
  if (c < 0x100) return c >= 0xC0 && c <= 0xDE && c != 0xD7 ? c + 0x20 : c;
  const auto even_up = [&] { return c | 1U; };
  const auto odd_up = [&] { return c + (c & 1U); };
  if (c < 0x180) {
    if (c == 0x130 || c == 0x131 || c == 0x138 || c == 0x149 || c == 0x17F) return c;
    if (c == 0x178) return 0xFF;
    const bool capitals_are_odd = (c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E);
    return capitals_are_odd ? odd_up() : even_up();
  }
  if (c >= 0x1CD && c <= 0x1DC) return odd_up();
  if ((c >= 0x1DE && c <= 0x1EF) || (c >= 0x1F8 && c <= 0x21F) || (c >= 0x222 && c <= 0x233)) return even_up();
  if (c >= 0x386 && c <= 0x3AB) {
    if (c == 0x386) return 0x3AC;
    if (c >= 0x388 && c <= 0x38A) return c + 37;
    if (c == 0x38C) return 0x3CC;
    if (c == 0x38E || c == 0x38F) return c + 63;
    return c >= 0x391 && c != 0x3A2 ? c + 0x20 : c;
  }
  if (c == 0x3C2) return 0x3C3;  // final sigma
  if (c >= 0x400 && c <= 0x40F) return c + 0x50;
  if (c >= 0x410 && c <= 0x42F) return c + 0x20;
  if ((c >= 0x460 && c <= 0x481) || (c >= 0x48A && c <= 0x4BF) || (c >= 0x4D0 && c <= 0x52F)) return even_up();
  if (c >= 0x4C1 && c <= 0x4CE) return odd_up();
  if (c >= 0x531 && c <= 0x556) return c + 0x30;
  if ((c >= 0x1E00 && c <= 0x1E95) || (c >= 0x1EA0 && c <= 0x1EFF)) return even_up();
  return c;
}

std::string folded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Character character = character_at(text, at);
    if (character.value == 0xFFFD && character.size == 1) {
      out += text[at];
    } else {
      out += utf8_of(fold(character.value)).view();
    }
    at += character.size;
  }
  return out;
}

std::vector<Word> words_of(std::string_view text) {
  std::vector<Word> words;
  bool open = false;
  for (std::size_t at = 0; at < text.size();) {
    const Character character = character_at(text, at);
    const CharClass kind = class_of(character.value);
    if (kind == CharClass::letter) {
      if (!open) words.push_back({.from = at, .size = 0});
      words.back().size += character.size;
    } else if (kind == CharClass::solo) {
      words.push_back({.from = at, .size = character.size});
    }
    open = kind == CharClass::letter;
    at += character.size;
  }
  return words;
}

}  // namespace pushmail::scan
