#include "controlplane/cli/table.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace pushmail::cli {

namespace {

// Characters, not bytes: continuation bytes take no room.
std::size_t width(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

struct Decoded {
  char32_t character = 0;
  std::size_t size = 0;  // 0: no UTF-8 here (RFC 3629 §4)
};

Decoded decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return {.character = lead, .size = 1};
  const std::size_t size = lead >= 0xC2 && lead < 0xE0 ? 2 : lead >= 0xE0 && lead < 0xF0 ? 3 : lead >= 0xF0 && lead < 0xF5 ? 4 : 0;
  if (size == 0 || size > text.size()) return {};
  char32_t character = lead & (0xFFU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) return {};
    character = character << 6 | (byte(i) & 0x3FU);
  }
  constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = character >= 0xD800 && character < 0xE000;
  return character < least[size] || is_surrogate || character > 0x10FFFF ? Decoded{} : Decoded{.character = character, .size = size};
}

// What moves the cursor, changes the terminal, or shows text in another order or not at all (Unicode TR 36 §2.10, TR 9 §2).
struct Range {
  char32_t first, last;
};
constexpr auto unprintable = std::to_array<Range>({
    {0x00, 0x1F},      // C0
    {0x7F, 0x9F},      // DEL, C1
    {0x061C, 0x061C},  // Arabic letter mark
    {0x200B, 0x200F},  // zero width, left-to-right and right-to-left marks
    {0x2028, 0x202E},  // line and paragraph separator, embeddings and overrides
    {0x2060, 0x2069},  // invisible operators, isolates
    {0xFEFF, 0xFEFF},  // byte order mark
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
    const Decoded next = decode(utf8);
    if (next.size == 0) {
      // No UTF-8: a terminal in another mode might take the byte for a control.
      text += '?';
      utf8.remove_prefix(1);
      continue;
    }
    if (is_unprintable(next.character)) {
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
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(printable(row[i])));
  }
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string cell = printable(row[i]);
      line += cell;
      if (i + 1 < row.size()) line.append(widths[i] - width(cell) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << '\n';
  }
}

}  // namespace pushmail::cli
