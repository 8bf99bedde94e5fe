// Words and phrases matched the slow and obvious way: the oracle of the hash tables. Shares only class_of, fold and character_at.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "codec/scan/plain.h"
#include "codec/scan/words.h"

namespace pushmail::scan::naive {

inline std::vector<char32_t> characters_of(std::string_view text) {
  std::vector<char32_t> out;
  for (std::size_t at = 0; at < text.size();) {
    const Character character = character_at(text, at);
    // A broken byte is a noncharacter: no letter, and nothing that a test's pattern holds.
    out.push_back(character.size == 1 && character.value == 0xFFFD ? 0xFFFEU : character.value);
    at += character.size;
  }
  return out;
}

inline bool same(char32_t a, char32_t b, Case letter_case) { return letter_case == Case::matters ? a == b : fold(a) == fold(b); }

// Tries every start; at each walks pattern and text together.
inline bool matches(const Rule& rule, std::string_view utf8) {
  const std::vector<char32_t> text = characters_of(utf8);
  std::vector<char32_t> pattern = characters_of(rule.pattern);
  const auto space = [](char32_t c) { return class_of(c) == CharClass::space; };
  const auto letter = [](char32_t c) { return class_of(c) == CharClass::letter; };
  while (!pattern.empty() && space(pattern.back())) pattern.pop_back();
  while (!pattern.empty() && space(pattern.front())) pattern.erase(pattern.begin());
  for (std::size_t start = 0; start < text.size(); ++start) {
    if (start > 0 && letter(text[start - 1]) && letter(text[start])) continue;
    std::size_t at = start;
    std::size_t p = 0;
    bool good = true;
    while (good && p < pattern.size()) {
      if (space(pattern[p])) {
        std::size_t blanks = 0;
        while (at < text.size() && space(text[at])) ++at, ++blanks;
        while (p < pattern.size() && space(pattern[p])) ++p;
        good = blanks >= 1 && blanks <= blank_run_max;
      } else {
        good = at < text.size() && same(text[at], pattern[p], rule.letter_case);
        ++at, ++p;
      }
    }
    if (good && !(at < text.size() && letter(text[at - 1]) && letter(text[at]))) return true;
  }
  return false;
}

}  // namespace pushmail::scan::naive
