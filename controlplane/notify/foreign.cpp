#include "controlplane/notify/foreign.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

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
    {0x00, 0x1F}, {0x7F, 0x9F}, {0xAD, 0xAD}, {0x034F, 0x034F}, {0x061C, 0x061C}, {0x115F, 0x1160}, {0x17B4, 0x17B5}, {0x180B, 0x180F},
    {0x200B, 0x200B}, {0x200E, 0x200F}, {0x202A, 0x202E}, {0x2060, 0x206F}, {0x3164, 0x3164}, {0xFE00, 0xFE0E}, {0xFEFF, 0xFEFF}, {0xFFA0, 0xFFA0},
    {0xFFF0, 0xFFFB}, {0xE0000, 0xE0FFF},
});
constexpr auto spaces = std::to_array<Range>({
    {'\t', '\r'}, {' ', ' '}, {0x85, 0x85}, {0xA0, 0xA0}, {0x1680, 0x1680}, {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000},
});
// Whatever looks like a double quote: it must not end our quotation.
constexpr auto double_quotes = std::to_array<Range>({
    {'"', '"'}, {0xAB, 0xAB}, {0xBB, 0xBB}, {0x02BA, 0x02BA}, {0x02DD, 0x02DD}, {0x02EE, 0x02EE}, {0x05F4, 0x05F4}, {0x201C, 0x201F}, {0x2033, 0x2037},
    {0x275D, 0x275E}, {0x276E, 0x276F}, {0x300A, 0x300F}, {0x301D, 0x301F}, {0xFF02, 0xFF02}, {0x1F676, 0x1F678},
});

template <std::size_t N>
bool is_in(const std::array<Range, N>& ranges, char32_t c) {
  return std::ranges::any_of(ranges, [c](const Range& range) { return c >= range.first && c <= range.last; });
}

// Letters of other scripts that look like Latin ones. Not every look-alike of Unicode, but those that a keyboard has.
struct LookAlike {
  char32_t seen;
  char read;
};
constexpr auto look_alikes = std::to_array<LookAlike>({
    {0x0430, 'a'}, {0x0410, 'a'}, {0x0412, 'b'}, {0x0441, 'c'}, {0x0421, 'c'}, {0x0501, 'd'}, {0x0435, 'e'}, {0x0415, 'e'}, {0x041D, 'h'}, {0x04BB, 'h'},
    {0x0456, 'i'}, {0x0406, 'i'}, {0x0458, 'j'}, {0x0408, 'j'}, {0x041A, 'k'}, {0x043A, 'k'}, {0x041C, 'm'}, {0x043E, 'o'}, {0x041E, 'o'}, {0x0440, 'p'},
    {0x0420, 'p'}, {0x0455, 's'}, {0x0405, 's'}, {0x0422, 't'}, {0x0442, 't'}, {0x0445, 'x'}, {0x0425, 'x'}, {0x0443, 'y'}, {0x04AE, 'y'}, {0x0391, 'a'},
    {0x03B1, 'a'}, {0x0392, 'b'}, {0x0395, 'e'}, {0x0397, 'h'}, {0x0399, 'i'}, {0x03B9, 'i'}, {0x039A, 'k'}, {0x03BA, 'k'}, {0x039C, 'm'}, {0x039D, 'n'},
    {0x039F, 'o'}, {0x03BF, 'o'}, {0x03A1, 'p'}, {0x03C1, 'p'}, {0x03A4, 't'}, {0x03C4, 't'}, {0x03A5, 'y'}, {0x03C5, 'u'}, {0x03A7, 'x'}, {0x03BD, 'v'},
    {0x0131, 'i'},
});
// First digits of the decimal digits that phones have letters for (Unicode category Nd).
constexpr auto zeros = std::to_array<char32_t>({'0', 0x0660, 0x06F0, 0x0966, 0x09E6, 0x0E50, 0xFF10, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6});

std::optional<int> digit_of(char32_t c) {
  for (const char32_t zero : zeros) {
    if (c >= zero && c <= zero + 9) return static_cast<int>(c - zero);
  }
  return std::nullopt;
}

// The Latin letter in lower case that a reader sees; 0: another letter or none.
char latin_of(char32_t c) {
  if (c >= 0xFF21 && c <= 0xFF5A) c = c - 0xFF21 + 'A';
  // Mathematical letters come as 26 capitals and 26 small ones, again and again.
  if (c >= 0x1D400 && c <= 0x1D6A3) c = 'a' + (c - 0x1D400) % 26;
  if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
  if (c >= 'a' && c <= 'z') return static_cast<char>(c);
  const auto* const found = std::ranges::find(look_alikes, c, &LookAlike::seen);
  return found == look_alikes.end() ? '\0' : found->read;
}

bool is_letter(char32_t c) { return latin_of(c) != '\0' || (c >= 0xC0 && !digit_of(c) && !is_in(double_quotes, c) && (c < 0x2000 || c > 0x2BFF)); }

// RFC 3629 §3: shortest form only, no surrogates, nothing beyond U+10FFFF. Advances `rest`; nothing when a byte was no character.
std::optional<char32_t> next_character(std::string_view& rest) {
  const auto lead = static_cast<unsigned char>(rest.front());
  const std::size_t size = lead < 0x80 ? 1 : lead >= 0xC2 && lead < 0xE0 ? 2 : lead >= 0xE0 && lead < 0xF0 ? 3 : lead >= 0xF0 && lead < 0xF5 ? 4 : 0;
  char32_t c = size == 1 ? lead : size == 2 ? lead & 0x1FU : size == 3 ? lead & 0x0FU : lead & 0x07U;
  bool whole = size != 0 && size <= rest.size();
  for (std::size_t k = 1; whole && k < size; ++k) {
    const auto next = static_cast<unsigned char>(rest[k]);
    whole = (next & 0xC0) == 0x80;
    c = (c << 6) | (next & 0x3FU);
  }
  constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
  whole = whole && c >= least[size] && c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF);
  rest.remove_prefix(whole ? size : 1);
  if (!whole) return std::nullopt;
  return c;
}

void put_character(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += {static_cast<char>(0xC0 | (c >> 6)), static_cast<char>(0x80 | (c & 0x3F))};
  } else if (c < 0x10000) {
    out += {static_cast<char>(0xE0 | (c >> 12)), static_cast<char>(0x80 | ((c >> 6) & 0x3F)), static_cast<char>(0x80 | (c & 0x3F))};
  } else {
    out += {static_cast<char>(0xF0 | (c >> 18)), static_cast<char>(0x80 | ((c >> 12) & 0x3F)), static_cast<char>(0x80 | ((c >> 6) & 0x3F)),
            static_cast<char>(0x80 | (c & 0x3F))};
  }
}

using Characters = std::vector<char32_t>;

std::string utf8_of(const Characters& characters) {
  std::string text;
  for (const char32_t c : characters) put_character(text, c);
  return text;
}

Characters clean_characters(std::string_view utf8, std::size_t length_max) {
  Characters text;
  bool space = false;
  while (!utf8.empty()) {
    const auto c = next_character(utf8);
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

// A number with at most so many digits beside one of these words reads like our "Reply 17". Longer ones stay: a mail may bring the code of
// somebody else's service.
struct InstructionWord {
  std::string_view word;
  std::size_t digits_max;
};
constexpr auto instruction_words = std::to_array<InstructionWord>({
    {"reply", 4}, {"replying", 4}, {"answer", 4}, {"respond", 4}, {"send", 4}, {"text", 4}, {"sms", 4},
    {"get", 2}, {"read", 2}, {"fetch", 2}, {"code", 2}, {"codes", 2},
});
constexpr std::size_t beside = 4;   // words between them, at most

// What only our own sentences say. A test reads every sentence of texts.h through this table.
constexpr auto our_phrases = std::to_array<std::string_view>({
    "mail from", "to get it", "more wait", "unverified sender", "too large for your phone", "stays in your mailbox", "still in your mailbox",
    "be sent to your phone", "your mail to", "was not delivered", "was not sent", "names no recipient", "with the code", "has the code", "with its code",
    "no longer valid", "sent to you already", "not understood", "waits for you", "push mail is suspended", "registered for push mail", "contact your operator",
});

// A run of letters or of digits; everything else stands between tokens.
struct Token {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool is_number = false;
  std::string reading{};   // as a person reads it: Latin small letters (`?` for others), or ASCII digits
};

std::vector<Token> tokens_of(const Characters& text) {
  std::vector<Token> tokens;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char32_t c = text[i];
    // ZWNJ and ZWJ do not divide a word, and nobody sees them.
    if ((c == 0x200C || c == 0x200D) && !tokens.empty() && tokens.back().end == i) {
      ++tokens.back().end;
      continue;
    }
    const auto digit = digit_of(c);
    if (!digit && !is_letter(c)) continue;
    const bool goes_on = !tokens.empty() && tokens.back().end == i && tokens.back().is_number == digit.has_value();
    if (!goes_on) tokens.push_back({.begin = i, .end = i, .is_number = digit.has_value()});
    Token& token = tokens.back();
    const char latin = latin_of(c);
    token.reading += digit ? static_cast<char>('0' + *digit) : latin == '\0' ? '?' : latin;
    token.end = i + 1;
  }
  return tokens;
}

bool is_instruction(std::span<const Token> tokens, std::size_t number) {
  const std::size_t first = number - std::min(number, beside);
  const std::size_t last = std::min(tokens.size() - 1, number + beside);
  for (std::size_t i = first; i <= last; ++i) {
    const auto* const row = std::ranges::find(instruction_words, tokens[i].reading, &InstructionWord::word);
    if (row != instruction_words.end() && tokens[number].reading.size() <= row->digits_max) return true;
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
    if (token.is_number && (is_ours || is_instruction(tokens, i))) std::fill(changed.begin() + static_cast<std::ptrdiff_t>(token.begin), changed.begin() + static_cast<std::ptrdiff_t>(token.end), U'#');
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

std::string clean(std::string_view utf8, std::size_t length_max) { return utf8_of(clean_characters(utf8, length_max)); }

std::string quoted(std::string_view utf8, std::size_t length_max, std::string_view service_number) {
  Characters text = defused(clean_characters(utf8, length_max), service_number);
  for (char32_t& c : text) {
    if (is_in(double_quotes, c)) c = '\'';
  }
  return '"' + utf8_of(text) + '"';
}

std::string shown_address(std::string_view address, std::size_t length_max) {
  const std::string cleaned = clean(address, length_max);
  // RFC 5322 §3.2.3 atext, dots and one @.
  constexpr std::string_view marks = "!#$%&'*+-/=?^_`{|}~.@";
  const bool plain = std::ranges::all_of(cleaned, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80 || marks.find(c) != std::string_view::npos;
  });
  return plain && std::ranges::count(cleaned, '@') == 1 ? cleaned : quoted(address, length_max);
}

bool claims_address(std::string_view name) {
  while (!name.empty()) {
    const auto c = next_character(name);
    // U+FE6B and U+FF20 are other sizes of @.
    if (c == U'@' || c == char32_t{0xFE6B} || c == char32_t{0xFF20}) return true;
  }
  return false;
}

}  // namespace pushmail::notify
