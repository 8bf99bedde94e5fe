#include "controlplane/cli/table.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/utf8.h"

namespace pushmail::cli {

namespace {

// What moves the cursor, changes the terminal, or shows text in another order or not at all (Unicode TR 36 §2.10, TR 9 §2).
struct Range {
  char32_t first, last;
};
constexpr auto unprintable = std::to_array<Range>({
    {0x00, 0x1F},        // C0
    {0x7F, 0x9F},        // DEL, C1
    {0x061C, 0x061C},    // Arabic letter mark
    {0x200B, 0x200F},    // zero width, left-to-right and right-to-left marks
    {0x2028, 0x202E},    // line and paragraph separator, embeddings and overrides
    {0x2060, 0x2069},    // invisible operators, isolates
    {0xFEFF, 0xFEFF},    // byte order mark
    {0xE0000, 0xE007F},  // tags
});
bool is_unprintable(char32_t c) {
  return std::ranges::any_of(unprintable, [c](const Range& range) { return range.first <= c && c <= range.last; });
}

}  // namespace

std::string printable(std::string_view utf8) {
  std::string text;
  text.reserve(utf8.size());
  while (!utf8.empty()) {
    const CodePoint next = code_point_at(utf8);
    if (!next) {
      // No UTF-8: a terminal in another mode might take the byte for a control.
      text += '?';
      utf8.remove_prefix(1);
      continue;
    }
    if (is_unprintable(next.value)) {
      text += ' ';
    } else {
      text.append(utf8.substr(0, next.size));
    }
    utf8.remove_prefix(next.size);
  }
  return text;
}

void Table::print(std::ostream& out) const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], code_point_count(printable(row[i])));
  }
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string cell = printable(row[i]);
      line += cell;
      if (i + 1 < row.size()) line.append(widths[i] - code_point_count(cell) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << '\n';
  }
}

}  // namespace pushmail::cli
