#include "controlplane/notify/foreign.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "controlplane/notify/instruction_words.h"
#include "controlplane/notify/reading.h"
#include "core/ascii.h"
#include "core/utf8.h"

namespace pushmail::notify {

namespace {

// ---- characters -------------------------------------------------------------------------------------------------------------------

struct Range {
  char32_t first;
  char32_t last;
};

// What a terminal or a phone might obey, or shows as nothing: C0, DEL and C1, soft hyphen, bidirectional marks and isolates (UAX #9),
// zero-width characters, variation and tag characters. ZWNJ and ZWJ (U+200C, U+200D) stay: Persian and Indic words need them.
constexpr auto harmful = std::to_array<Range>({
    {0x00, 0x1F},
    {0x7F, 0x9F},
    {0xAD, 0xAD},
    {0x034F, 0x034F},
    {0x061C, 0x061C},
    {0x115F, 0x1160},
    {0x17B4, 0x17B5},
    {0x180B, 0x180F},
    {0x200B, 0x200B},
    {0x200E, 0x200F},
    {0x202A, 0x202E},
    {0x2060, 0x206F},
    {0x3164, 0x3164},
    {0xFE00, 0xFE0E},
    {0xFEFF, 0xFEFF},
    {0xFFA0, 0xFFA0},
    {0xFFF0, 0xFFFB},
    {0xE0000, 0xE0FFF},
});
constexpr auto spaces = std::to_array<Range>({
    {'\t', '\r'},
    {' ', ' '},
    {0x85, 0x85},
    {0xA0, 0xA0},
    {0x1680, 0x1680},
    {0x2000, 0x200A},
    {0x2028, 0x2029},
    {0x202F, 0x202F},
    {0x205F, 0x205F},
    {0x3000, 0x3000},
});
// Whatever looks like a double quote: it must not end our quotation.
constexpr auto double_quotes = std::to_array<Range>({
    {'"', '"'},
    {0xAB, 0xAB},
    {0xBB, 0xBB},
    {0x02BA, 0x02BA},
    {0x02DD, 0x02DD},
    {0x02EE, 0x02EE},
    {0x05F4, 0x05F4},
    {0x201C, 0x201F},
    {0x2033, 0x2037},
    {0x275D, 0x275E},
    {0x276E, 0x276F},
    {0x300A, 0x300F},
    {0x301D, 0x301F},
    {0xFF02, 0xFF02},
    {0x1F676, 0x1F678},
});

template <std::size_t N>
bool is_in(const std::array<Range, N>& ranges, char32_t c) {
  return std::ranges::any_of(ranges, [c](const Range& range) { return c >= range.first && c <= range.last; });
}

bool is_word_letter(char32_t c) {
  return latin_of(c) != '\0' || (c >= 0xC0 && numeral_of(c).empty() && !is_in(double_quotes, c) && (c < 0x2000 || c > 0x2BFF));
}

using Characters = std::vector<char32_t>;

std::string spelled_out(const Characters& characters) {
  std::string text;
  for (const char32_t c : characters) text += utf8_of(c).view();
  return text;
}

Characters clean_characters(std::string_view utf8, std::size_t length_max) {
  Characters text;
  bool space = false;
  while (!utf8.empty()) {
    const auto c = take_code_point(utf8);
    if (!c) continue;
    if (is_in(spaces, *c)) {
      space = !text.empty();
    } else if (!is_in(harmful, *c)) {
      if (text.size() + (space ? 2 : 1) > length_max) {
        text.insert(text.end(), 3, U'.');
        return text;
      }
      if (space) text.push_back(' ');
      space = false;
      text.push_back(*c);
    }
  }
  return text;
}

// ---- instructions -----------------------------------------------------------------------------------------------------------------

// What only our own sentences say. A test reads every sentence of texts.h through this table.
constexpr auto our_phrases = std::to_array<std::string_view>({
    "mail from",
    "to get it",
    "more wait",
    "unverified sender",
    "too large for your phone",
    "stays in your mailbox",
    "still in your mailbox",
    "be sent to your phone",
    "your mail to",
    "was not delivered",
    "was not sent",
    "names no recipient",
    "with the code",
    "has the code",
    "with its code",
    "no longer valid",
    "sent to you already",
    "not understood",
    "waits for you",
    "push mail is suspended",
    "registered for push mail",
    "contact your operator",
});

// A run of letters or of digits; everything else stands between tokens.
struct Token {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool is_number = false;
  std::string reading{};    // as a person reads it: Latin small letters (`?` for others), or ASCII digits
  std::u32string native{};  // of letters: folded, in their own script
};

// The digits that the character at `i` stands for.
std::string digits_at(const Characters& text, std::size_t i) {
  const auto is_ideographic = [&](std::size_t at) { return at < text.size() && is_ideographic_numeral(text[at]); };
  if (is_ideographic(i) && (is_ideographic(i + 1) || (i > 0 && is_ideographic(i - 1)))) return "0";
  return numeral_of(text[i]);
}

// `1O` and `l7`: letters that a hurried reader takes for digits, right beside digits.
bool looks_like_digits(const Token& token) {
  return !token.is_number && token.reading.size() <= 3 && token.reading.find_first_not_of("oil") == std::string::npos;
}

std::vector<Token> tokens_of(const Characters& text) {
  std::vector<Token> tokens;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char32_t c = text[i];
    const bool follows = !tokens.empty() && tokens.back().end == i;
    // ZWNJ, ZWJ and what stands upon a letter do not divide a word, and nobody reads them.
    if (follows && (c == 0x200C || c == 0x200D || folded(c) == 0)) {
      ++tokens.back().end;
      continue;
    }
    const std::string digits = digits_at(text, i);
    if (digits.empty() && !is_word_letter(c)) continue;
    const bool goes_on = follows && tokens.back().is_number == !digits.empty();
    if (!goes_on) tokens.push_back({.begin = i, .end = i, .is_number = !digits.empty()});
    Token& token = tokens.back();
    token.end = i + 1;
    token.reading += digits;
    if (!digits.empty()) continue;
    const char latin = latin_of(c) != '\0' ? latin_of(c) : latin_of(folded(c));
    token.reading += latin == '\0' ? '?' : latin;
    token.native += folded(c);
  }
  std::vector<Token> joined;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const bool beside_digits = (i > 0 && tokens[i - 1].is_number && tokens[i - 1].end == tokens[i].begin) ||
                               (i + 1 < tokens.size() && tokens[i + 1].is_number && tokens[i].end == tokens[i + 1].begin);
    Token token = tokens[i];
    if (beside_digits && looks_like_digits(token)) token.is_number = true;
    if (!joined.empty() && token.is_number && joined.back().is_number && joined.back().end == token.begin) {
      joined.back().end = token.end;
      joined.back().reading += token.reading;
    } else {
      joined.push_back(std::move(token));
    }
  }
  return joined;
}

struct FoldedWord {
  std::u32string native;
  std::string reading;  // empty: no word in Latin letters
  const InstructionWord* row;
};
const std::vector<FoldedWord>& folded_words() {
  static const std::vector<FoldedWord> words = [] {
    std::vector<FoldedWord> made;
    for (const InstructionWord& row : instruction_words) {
      FoldedWord word{.native = {}, .reading = {}, .row = &row};
      for (const char32_t c : row.word) {
        if (const char32_t plain = folded(c); plain != 0) word.native += plain;
        if (c < 0x80) word.reading += static_cast<char>(c);
      }
      if (word.reading.size() != row.word.size()) word.reading.clear();
      made.push_back(std::move(word));
    }
    return made;
  }();
  return words;
}

template <typename Text>
bool matches(const Text& token, const Text& word, Match match) {
  switch (match) {
    case Match::whole:
      return token == word;
    case Match::stem:
      return token.starts_with(word);
    case Match::inside:
      return token.find(word) != Text::npos;
  }
  return false;
}

// A time (`10:30`), a date in numbers (`12.05.2026`), a price or a part (`9.90`, `20%`, `$5`): nobody answers with it.
bool is_measured(const Characters& text, std::span<const Token> tokens, std::size_t number) {
  constexpr std::u32string_view units = U"%\u2030$\u00A2\u00A3\u00A5\u20A0\u20A4\u20A9\u20AA\u20AC\u20B4\u20B9\u20BA\u20BD\uFFE5";
  const Token& token = tokens[number];
  const auto is_unit = [&](std::size_t at) { return at < text.size() && units.find(text[at]) != std::u32string_view::npos; };
  if (is_unit(token.end) || (token.begin > 0 && is_unit(token.begin - 1))) return true;
  // Numbers with one mark between each two of them.
  const auto mark_between = [&](std::size_t left) -> char32_t {
    if (left + 1 >= tokens.size() || !tokens[left].is_number || !tokens[left + 1].is_number) return 0;
    if (tokens[left].end + 1 != tokens[left + 1].begin) return 0;
    const char32_t mark = text[tokens[left].end];
    return std::u32string_view(U".:,/-").find(mark) == std::u32string_view::npos ? 0 : mark;
  };
  std::size_t first = number, last = number;
  while (first > 0 && mark_between(first - 1) != 0) --first;
  while (mark_between(last) != 0) ++last;
  if (last - first == 2) return true;
  if (last - first != 1) return false;
  const char32_t mark = mark_between(first);
  return mark != '/' && mark != '-' && tokens[last].end - tokens[last].begin == 2;
}

bool is_instruction(const Characters& text, std::span<const Token> tokens, std::size_t number) {
  const std::size_t size = tokens[number].reading.size();
  const std::size_t first = number - std::min(number, beside_most);
  const std::size_t last = std::min(tokens.size() - 1, number + beside_most);
  for (std::size_t i = first; i <= last; ++i) {
    if (tokens[i].is_number) continue;
    const std::size_t distance = i < number ? number - i : i - number;
    for (const FoldedWord& word : folded_words()) {
      if (size > word.row->digits_max || distance > word.row->beside) continue;
      const bool found = matches(tokens[i].native, word.native, word.row->match) ||
                         (!word.reading.empty() && matches(tokens[i].reading, word.reading, word.row->match));
      if (found) return !is_measured(text, tokens, number);
    }
  }
  return false;
}

// How many tokens from `at` on are this phrase; 0: they are not.
std::size_t phrase_at(std::span<const Token> tokens, std::size_t at, std::string_view phrase) {
  std::size_t count = 0;
  while (!phrase.empty()) {
    const std::size_t size = std::min(phrase.find(' '), phrase.size());
    if (at + count >= tokens.size() || tokens[at + count].reading != phrase.substr(0, size)) return 0;
    ++count;
    phrase.remove_prefix(std::min(size + 1, phrase.size()));
  }
  return count;
}

Characters defused(const Characters& text, std::string_view service_number) {
  const std::vector<Token> tokens = tokens_of(text);
  Characters changed = text;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    const bool is_ours = !service_number.empty() && token.is_number && token.reading.starts_with(service_number);
    if (is_ours || (token.is_number && is_instruction(text, tokens, i))) {
      std::fill(changed.begin() + static_cast<std::ptrdiff_t>(token.begin), changed.begin() + static_cast<std::ptrdiff_t>(token.end), U'#');
    }
    for (const std::string_view phrase : our_phrases) {
      const std::size_t count = phrase_at(tokens, i, phrase);
      // Whatever stands between its words, and if it is nothing that can be seen, becomes a line.
      for (std::size_t k = 1; k < count; ++k) {
        for (std::size_t between = tokens[i + k - 1].end; between < tokens[i + k].begin; ++between) changed[between] = U'_';
      }
    }
  }
  return changed;
}

}  // namespace

std::string clean(std::string_view utf8, std::size_t length_max) { return spelled_out(clean_characters(utf8, length_max)); }

std::string quoted(std::string_view utf8, std::size_t length_max, std::string_view service_number) {
  Characters text = defused(clean_characters(utf8, length_max), service_number);
  for (char32_t& c : text) {
    if (is_in(double_quotes, c)) c = '\'';
  }
  return '"' + spelled_out(text) + '"';
}

std::string shown_address(std::string_view address, std::size_t length_max) {
  const std::string cleaned = clean(address, length_max);
  // RFC 5322 §3.2.3 atext, dots and one @.
  constexpr std::string_view marks = "!#$%&'*+-/=?^_`{|}~.@";
  const bool plain = std::ranges::all_of(
      cleaned, [&](char c) { return is_alphanumeric(c) || is_above_ascii(c) || marks.find(c) != std::string_view::npos; });
  return plain && std::ranges::count(cleaned, '@') == 1 ? cleaned : quoted(address, length_max);
}

bool claims_address(std::string_view name) {
  while (!name.empty()) {
    const auto c = take_code_point(name);
    // U+FE6B and U+FF20 are other sizes of @.
    if (c == U'@' || c == char32_t{0xFE6B} || c == char32_t{0xFF20}) return true;
  }
  return false;
}

}  // namespace pushmail::notify
