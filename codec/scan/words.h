// What a word is: classes of characters, folding of case, and the words of a text. Not for use outside this folder and its tests.
//
// Letters and digits make words; a mark that is none of both ends them. Each character of a script that is written without blanks
// (Han, kana, Thai, Lao, Khmer, Myanmar) is a word by itself. Folding maps one character to one of the same size in UTF-8, so a
// folded text has the offsets of the text: ASCII, Latin, Greek, Cyrillic and Armenian letters, and nothing else.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "codec/scan/rule.h"

namespace pushmail::scan {

enum class CharClass : std::uint8_t { other, space, letter, solo };

/// A character and its bytes. A byte that is no UTF-8 is a character of one byte, U+FFFD, class other.
struct Character {
  char32_t value = 0;
  std::uint32_t size = 1;
};
/// The character that starts at `at`, which must be inside.
[[nodiscard]] Character character_at(std::string_view text, std::size_t at);
/// The character that ends before `end`, which is not 0.
[[nodiscard]] Character character_before(std::string_view text, std::size_t end);

[[nodiscard]] CharClass class_of(char32_t character);
[[nodiscard]] char32_t fold(char32_t character);
[[nodiscard]] std::string folded(std::string_view text);

/// A word of a text; offsets and sizes in bytes.
struct Word {
  std::size_t from = 0;
  std::size_t size = 0;
};
/// The words of `text`, in order, by the slow and plain way.
[[nodiscard]] std::vector<Word> words_of(std::string_view text);

/// The row that says why `pattern` cannot be a word or phrase; null when it can. Every expression passes.
[[nodiscard]] const ErrorInfo* check_plain(Kind kind, std::string_view pattern);

}  // namespace pushmail::scan
