// How wide the text was made is seen from its longest line of prose; a line was broken by a program when the next word would have passed
// that.
#include "codec/convert/hard_wrap.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include "core/ascii.h"
#include "core/bytes.h"
#include "core/free_blocks.h"
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
  static constexpr auto marks = [] {
    std::array<bool, 128> is_mark{};
    for (const char c : std::string_view(" \t>|[*+-#=_~")) is_mark[static_cast<std::size_t>(c)] = true;
    return is_mark;
  }();
  const auto first = static_cast<unsigned char>(line.front());
  if (first < marks.size() && marks[first]) return false;
  if (first >= 0x80) {
    for (const std::string_view bullet : {"•", "·", "–", "—", "◦", "▪", "●", "※", "→"}) {
      if (line.starts_with(bullet)) return false;
    }
  }
  // `1.`, `12)`, `a)`.
  std::size_t number = 0;
  while (number < line.size() && is_digit(line[number])) ++number;
  if (number > 0 && number <= 3 && number < line.size() && (line[number] == '.' || line[number] == ')') &&
      (number + 1 == line.size() || line[number + 1] == ' '))
    return false;
  if (line.size() > 2 && line[1] == ')') return false;
  // `Name: value` of a form. A colon far inside is a sentence.
  const std::string_view name = line.substr(0, std::min(line.find(' '), line.size()));
  return !name.ends_with(':') || name.size() == line.size();
}
/// A line of text, looked at once.
struct TextLine {
  std::string_view text;
  std::size_t columns = 0;  // counted for prose only
  bool is_prose = false;    // neither indented nor quoted, without gaps, columns or addresses of the web
  bool may_follow = false;  // prose that may go on with the line above
  bool is_forced = false;   // and the line above had no room for its first word
};
/// Whether it may be two columns, or the beginning of something that is no prose.
constexpr auto is_suspect_of_layout = [](auto at) {
  return (at(0) >= 0xE2) | (at(0) == '\t') | ((at(0) == ' ') & ((at(1) == ' ') | (at(1) == '|'))) | ((at(0) == ':') & (at(1) == '/'));
};
TextLine read_text_line(std::string_view text) {
  constexpr std::size_t block = 16;
  TextLine line{.text = text};
  if (text.empty() || std::string_view(" \t>|[").find(text.front()) != std::string_view::npos) return line;
  std::size_t wide = 0;
  for (std::size_t at = is_free_line(text, is_suspect_of_layout) ? text.size() - 1 : 0; at < text.size(); ++at) {
    while (at % block == 0 && at + block < text.size() && is_free_block<block>(text.data() + at, is_suspect_of_layout)) at += block;
    const auto c = static_cast<unsigned char>(text[at]);
    if (c >= 0xE2) wide += is_wide(text, at) ? 1 : 0;
    if (c == '\t') return line;
    // Nearly every blank stands between words.
    const char next = at + 1 < text.size() ? text[at + 1] : '\0';
    if (!(c == ' ' && (next == ' ' || next == '|')) && !(c == ':' && next == '/')) continue;
    const std::string_view rest = text.substr(at);
    if (c == ' ' ? rest.starts_with("   ") || rest.starts_with(" | ") : rest.starts_with("://")) return line;
  }
  line.columns = code_point_count(text) + wide;
  line.is_prose = true;
  line.may_follow = may_go_on(text);
  return line;
}

/// The columns that the text was broken at; 0 when nothing is near an edge.
struct Width {
  std::size_t columns = 0;
  bool has_longer_lines = false;  // of prose: somebody wrote, or put in, a paragraph that no program broke
};
Width width_of(std::span<const TextLine> lines) {
  Width width;
  for (const TextLine& line : lines) {
    if (line.columns > width_most)
      width.has_longer_lines = true;
    else
      width.columns = std::max(width.columns, line.columns);
  }
  if (width.columns < width_least) width.columns = 0;
  return width;
}

/// Both are prose of one paragraph.
bool may_join(const TextLine& before, const TextLine& line) {
  return before.is_prose && line.may_follow && before.text.size() >= width_least - slack;
}
/// A sentence that goes on: enough where there are few lines to judge by.
bool goes_on(const TextLine& before, const TextLine& line) {
  const char last = before.text.back();
  const char first = line.text.front();
  return last != '.' && last != '!' && last != '?' && last != ':' &&
         ((first >= 'a' && first <= 'z') || static_cast<unsigned char>(first) >= 0x80);
}
bool had_no_room(const TextLine& before, const TextLine& line, std::size_t width) {
  if (before.columns > width) return false;
  // A line as wide as any has no room, however short the word.
  if (before.columns < width && before.columns + 1 + first_word_columns(line.text) <= width) return false;
  return before.columns + slack >= width || (goes_on(before, line) && before.columns + word_slack >= width);
}

/// Finds the lines that a program began; whether it broke the whole text.
bool is_wrapped_throughout(std::span<TextLine> lines, std::size_t width) {
  constexpr std::size_t lines_least = 3;
  std::size_t joinable = 0;
  std::size_t forced = 0;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    if (!may_join(lines[i - 1], lines[i]) || lines[i - 1].columns > width) continue;
    ++joinable;
    lines[i].is_forced = had_no_room(lines[i - 1], lines[i], width);
    forced += lines[i].is_forced ? 1 : 0;
  }
  return forced >= lines_least && forced * 4 >= joinable * 3;
}

}  // namespace

std::string_view rejoin_wrapped(std::string_view utf8, Arena& arena) {
  ArenaList<TextLine> list(arena);
  for (std::size_t at = 0; at < utf8.size(); at += list.back().text.size() + 1) list.push_back(read_text_line(line_at(utf8, at)));
  const std::span<TextLine> lines = list.items();
  const auto [width, has_longer_lines] = width_of(lines);
  if (width == 0) return utf8;
  const bool is_sure = is_wrapped_throughout(lines, width);
  // Who writes lines as long as he likes may have written this one so, too.
  if (has_longer_lines && !is_sure) return utf8;
  ArenaText out(arena);
  out.reserve(utf8.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const TextLine& line = lines[i];
    if (line.is_forced && (is_sure || goes_on(lines[i - 1], line))) {
      const auto first = static_cast<unsigned char>(line.text[0]);
      const auto second = line.text.size() > 1 ? static_cast<unsigned char>(line.text[1]) : 0U;
      // Between characters of East Asia stands no blank.
      const bool is_east_asian =
          static_cast<unsigned char>(lines[i - 1].text.back()) >= 0x80 && is_wide(line.text, 0) && !is_hangul(first, second);
      if (!is_east_asian) out += ' ';
    } else if (i > 0) {
      out += '\n';
    }
    out += line.text;
  }
  return out.take_view();
}

}  // namespace pushmail::convert
