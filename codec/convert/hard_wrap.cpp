// How wide the text was made is seen from its longest line of prose; a line was broken by a program when the next word would have passed
// that.
#include "codec/convert/hard_wrap.h"

#include <algorithm>
#include <cstddef>

#include "core/bytes.h"
#include "core/utf8.h"

namespace pushmail::convert {
namespace {

constexpr std::size_t width_least = 58;  // columns; shorter lines are broken by hand
constexpr std::size_t width_most = 80;
constexpr std::size_t slack = 8;        // programs do not all break at the very last place
constexpr std::size_t word_slack = 20;  // a long word leaves more room in front of it

std::string_view line_at(std::string_view text, std::size_t at) { return text.substr(at, std::min(text.find('\n', at), text.size()) - at); }

bool is_wide(std::string_view text, std::size_t at) {
  // U+2E80 to U+A4CF, U+AC00 to U+D7A3, U+F900 to U+FAFF, U+FF00 to U+FF60: a character of East Asia takes two columns.
  const auto byte = [&](std::size_t i) -> unsigned { return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U; };
  const unsigned first = byte(0);
  return (first == 0xE2 && byte(1) >= 0xBA) || (first >= 0xE3 && first <= 0xE9) || first == 0xEA || first == 0xEB || first == 0xEC ||
         first == 0xED || (first == 0xEF && (byte(1) == 0xA4 || byte(1) == 0xBC || byte(1) == 0xBD));
}
bool is_hangul(unsigned first, unsigned second) {
  return (first == 0xEA && second >= 0xB0) || first == 0xEB || first == 0xEC || first == 0xED;
}

std::size_t columns_of(std::string_view text) {
  std::size_t columns = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (is_continuation(text[at])) continue;
    columns += c >= 0xE2 && is_wide(text, at) ? 2 : 1;
  }
  return columns;
}

/// The columns of its first word; of East Asian text, which has no blanks, its first character.
std::size_t first_word_columns(std::string_view line) {
  if (is_wide(line, 0) && !is_hangul(static_cast<unsigned char>(line[0]), line.size() > 1 ? static_cast<unsigned char>(line[1]) : 0U))
    return 2;
  return columns_of(line.substr(0, line.find(' ')));
}

/// Neither indented nor a mark of a list, a quote, a note of ours, a heading or a table.
bool may_go_on(std::string_view line) {
  if (line.empty()) return false;
  constexpr std::string_view marks = " \t>|[*+-#=_~";
  if (marks.find(line.front()) != std::string_view::npos) return false;
  for (const std::string_view bullet : {"•", "·", "–", "—", "◦", "▪", "●", "※", "→"}) {
    if (line.starts_with(bullet)) return false;
  }
  // `1.`, `12)`, `a)`.
  const std::size_t number = std::min(line.find_first_not_of("0123456789"), line.size());
  if (number > 0 && number <= 3 && number < line.size() && (line[number] == '.' || line[number] == ')') &&
      (number + 1 == line.size() || line[number + 1] == ' '))
    return false;
  if (line.size() > 2 && line[1] == ')') return false;
  // `Name: value` of a form. A colon far inside is a sentence.
  const std::size_t colon = line.find(": ");
  return colon == std::string_view::npos || line.substr(0, colon).find(' ') != std::string_view::npos;
}
bool is_prose(std::string_view line) {
  return !line.empty() && line.front() != ' ' && line.front() != '\t' && line.front() != '>' && line.front() != '|' &&
         line.front() != '[' && line.find("   ") == std::string_view::npos && line.find('\t') == std::string_view::npos &&
         line.find(" | ") == std::string_view::npos && line.find("://") == std::string_view::npos;
}

/// The columns that the text was broken at; 0 when nothing is near an edge.
struct Width {
  std::size_t columns = 0;
  bool has_longer_lines = false;  // of prose: somebody wrote, or put in, a paragraph that no program broke
};
Width width_of(std::string_view text) {
  Width width;
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view line = line_at(text, at);
    at += line.size() + 1;
    // The bytes say already that it is short.
    if (line.size() < width_least || !is_prose(line)) continue;
    const std::size_t columns = columns_of(line);
    if (columns > width_most)
      width.has_longer_lines = true;
    else
      width.columns = std::max(width.columns, columns);
  }
  if (width.columns < width_least) width.columns = 0;
  return width;
}

/// A line and the one before it.
struct Pair {
  std::string_view before, line;
};
/// Each pair of the text, in order.
template <class Take>
void each_pair(std::string_view text, Take take) {
  std::string_view before;
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view line = line_at(text, at);
    take(Pair{.before = before, .line = line});
    at += line.size() + 1;
    before = line;
  }
}

/// Both are prose of one paragraph.
bool may_join(const Pair& pair) {
  return pair.before.size() >= width_least - slack && is_prose(pair.before) && may_go_on(pair.line) && is_prose(pair.line);
}
/// A sentence that goes on: enough where there are few lines to judge by.
bool goes_on(const Pair& pair) {
  const char last = pair.before.back();
  const char first = pair.line.front();
  return last != '.' && last != '!' && last != '?' && last != ':' &&
         ((first >= 'a' && first <= 'z') || static_cast<unsigned char>(first) >= 0x80);
}
bool had_no_room(const Pair& pair, std::size_t width) {
  const std::size_t columns = columns_of(pair.before);
  if (columns > width || columns + 1 + first_word_columns(pair.line) <= width) return false;
  return columns + slack >= width || (goes_on(pair) && columns + word_slack >= width);
}

bool is_wrapped_throughout(std::string_view text, std::size_t width) {
  constexpr std::size_t lines_least = 3;
  std::size_t joinable = 0;
  std::size_t full = 0;
  each_pair(text, [&](const Pair& pair) {
    if (!may_join(pair) || columns_of(pair.before) > width) return;
    ++joinable;
    full += had_no_room(pair, width) ? 1 : 0;
  });
  return full >= lines_least && full * 4 >= joinable * 3;
}

}  // namespace

std::string_view rejoin_wrapped(std::string_view utf8, Arena& arena) {
  const auto [width, has_longer_lines] = width_of(utf8);
  if (width == 0) return utf8;
  const bool is_sure = is_wrapped_throughout(utf8, width);
  // Who writes lines as long as he likes may have written this one so, too.
  if (has_longer_lines && !is_sure) return utf8;
  ArenaText out(arena);
  out.reserve(utf8.size());
  bool is_first = true;
  each_pair(utf8, [&](const Pair& pair) {
    if (!is_first && may_join(pair) && had_no_room(pair, width) && (is_sure || goes_on(pair))) {
      const auto first = static_cast<unsigned char>(pair.line[0]);
      const auto second = pair.line.size() > 1 ? static_cast<unsigned char>(pair.line[1]) : 0U;
      // Between characters of East Asia stands no blank.
      const bool is_east_asian =
          static_cast<unsigned char>(pair.before.back()) >= 0x80 && is_wide(pair.line, 0) && !is_hangul(first, second);
      if (!is_east_asian) out += ' ';
    } else if (!is_first) {
      out += '\n';
    }
    is_first = false;
    out += pair.line;
  });
  return out.take_view();
}

}  // namespace pushmail::convert
