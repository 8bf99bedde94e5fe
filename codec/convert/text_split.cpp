// Borders of characters come from ranges of the marks that join the character before them (UCD 15 GraphemeBreakProperty: Extend,
// SpacingMark, V, T), rounded to whole blocks where a block has little else.
#include "codec/convert/text_split.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/ascii.h"
#include "core/utf8.h"

namespace pushmail::convert {
namespace {

constexpr std::size_t cluster_code_points_max = 64;
constexpr char32_t zero_width_joiner = 0x200D;

using Range = std::pair<char32_t, char32_t>;
constexpr auto joining_ranges = std::to_array<Range>({
    {0x0300, 0x036F},   {0x0483, 0x0489},   {0x0591, 0x05BD}, {0x05BF, 0x05BF}, {0x05C1, 0x05C2}, {0x05C4, 0x05C5}, {0x05C7, 0x05C7},
    {0x0610, 0x061A},   {0x064B, 0x065F},   {0x0670, 0x0670}, {0x06D6, 0x06DC}, {0x06DF, 0x06E4}, {0x06E7, 0x06E8}, {0x06EA, 0x06ED},
    {0x0711, 0x0711},   {0x0730, 0x074A},   {0x07A6, 0x07B0}, {0x07EB, 0x07F3}, {0x0816, 0x082D}, {0x0859, 0x085B}, {0x0898, 0x089F},
    {0x08CA, 0x0903},   {0x093A, 0x093C},   {0x093E, 0x094F}, {0x0951, 0x0957}, {0x0962, 0x0963}, {0x0981, 0x0983}, {0x09BC, 0x09BC},
    {0x09BE, 0x09CD},   {0x09D7, 0x09D7},   {0x09E2, 0x09E3}, {0x0A01, 0x0A03}, {0x0A3C, 0x0A51}, {0x0A70, 0x0A71}, {0x0A81, 0x0A83},
    {0x0ABC, 0x0ABC},   {0x0ABE, 0x0ACD},   {0x0B01, 0x0B03}, {0x0B3C, 0x0B3C}, {0x0B3E, 0x0B57}, {0x0B82, 0x0B82}, {0x0BBE, 0x0BCD},
    {0x0BD7, 0x0BD7},   {0x0C00, 0x0C04},   {0x0C3C, 0x0C3C}, {0x0C3E, 0x0C56}, {0x0C81, 0x0C83}, {0x0CBC, 0x0CBC}, {0x0CBE, 0x0CD6},
    {0x0D00, 0x0D03},   {0x0D3B, 0x0D3C},   {0x0D3E, 0x0D4D}, {0x0D57, 0x0D57}, {0x0D81, 0x0D83}, {0x0DCA, 0x0DDF}, {0x0DF2, 0x0DF3},
    {0x0E31, 0x0E31},   {0x0E33, 0x0E3A},   {0x0E47, 0x0E4E}, {0x0EB1, 0x0EB1}, {0x0EB3, 0x0EBC}, {0x0EC8, 0x0ECE}, {0x0F18, 0x0F19},
    {0x0F35, 0x0F35},   {0x0F37, 0x0F37},   {0x0F39, 0x0F39}, {0x0F3E, 0x0F3F}, {0x0F71, 0x0F84}, {0x0F86, 0x0F87}, {0x0F8D, 0x0FBC},
    {0x102B, 0x103E},   {0x1056, 0x1059},   {0x105E, 0x1060}, {0x1062, 0x1064}, {0x1067, 0x106D}, {0x1071, 0x1074}, {0x1082, 0x108D},
    {0x1160, 0x11FF},   {0x135D, 0x135F},   {0x1712, 0x1715}, {0x1732, 0x1734}, {0x1752, 0x1753}, {0x1772, 0x1773}, {0x17B4, 0x17D3},
    {0x17DD, 0x17DD},   {0x180B, 0x180F},   {0x18A9, 0x18A9}, {0x1920, 0x193B}, {0x1A17, 0x1A1B}, {0x1A55, 0x1A7F}, {0x1AB0, 0x1ACE},
    {0x1B00, 0x1B04},   {0x1B34, 0x1B44},   {0x1B6B, 0x1B73}, {0x1B80, 0x1B82}, {0x1BA1, 0x1BAD}, {0x1BE6, 0x1BF3}, {0x1C24, 0x1C37},
    {0x1CD0, 0x1CE8},   {0x1CED, 0x1CED},   {0x1CF4, 0x1CF4}, {0x1CF7, 0x1CF9}, {0x1DC0, 0x1DFF}, {0x200C, 0x200D}, {0x20D0, 0x20F0},
    {0x2CEF, 0x2CF1},   {0x2D7F, 0x2D7F},   {0x2DE0, 0x2DFF}, {0x302A, 0x302F}, {0x3099, 0x309A}, {0xA66F, 0xA672}, {0xA674, 0xA67D},
    {0xA69E, 0xA69F},   {0xA6F0, 0xA6F1},   {0xA802, 0xA802}, {0xA806, 0xA806}, {0xA80B, 0xA80B}, {0xA823, 0xA827}, {0xA82C, 0xA82C},
    {0xA880, 0xA881},   {0xA8B4, 0xA8C5},   {0xA8E0, 0xA8F1}, {0xA8FF, 0xA8FF}, {0xA926, 0xA92D}, {0xA947, 0xA953}, {0xA980, 0xA983},
    {0xA9B3, 0xA9C0},   {0xA9E5, 0xA9E5},   {0xAA29, 0xAA36}, {0xAA43, 0xAA43}, {0xAA4C, 0xAA4D}, {0xAA7C, 0xAA7C}, {0xAAB0, 0xAAB0},
    {0xAAB2, 0xAAB4},   {0xAAB7, 0xAAB8},   {0xAABE, 0xAABF}, {0xAAC1, 0xAAC1}, {0xAAEB, 0xAAEF}, {0xAAF5, 0xAAF6}, {0xABE3, 0xABEA},
    {0xABEC, 0xABED},   {0xD7B0, 0xD7FB},   {0xFB1E, 0xFB1E}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xFF9E, 0xFF9F}, {0x1F3FB, 0x1F3FF},
    {0xE0020, 0xE007F}, {0xE0100, 0xE01EF},
});

bool joins_the_one_before(char32_t c) {
  const auto above = std::upper_bound(joining_ranges.begin(), joining_ranges.end(), c,
                                      [](char32_t value, const Range& range) { return value < range.first; });
  return above != joining_ranges.begin() && c <= std::prev(above)->second;
}
bool is_regional_indicator(char32_t c) { return c >= 0x1F1E6 && c <= 0x1F1FF; }

bool is_inside_code_point(std::string_view utf8, std::size_t at) { return at < utf8.size() && is_continuation(utf8[at]); }

std::size_t code_point_before(std::string_view utf8, std::size_t at) {
  --at;
  while (at > 0 && is_inside_code_point(utf8, at)) --at;
  return at;
}

bool is_grapheme_border(std::string_view utf8, std::size_t at) {
  if (at == 0 || at >= utf8.size()) return true;
  const std::size_t before = code_point_before(utf8, at);
  const char32_t next = code_point_at(utf8, at).value;
  const char32_t previous = code_point_at(utf8, before).value;
  // GB9, GB9a; GB11 without looking whether both sides are pictures: nothing else is joined this way.
  if (joins_the_one_before(next) || previous == zero_width_joiner) return false;
  if (!is_regional_indicator(next)) return true;
  // GB12: flags are pairs from the start of their run.
  std::size_t run = 0;
  for (std::size_t i = at; i > 0 && run < cluster_code_points_max; ++run) {
    i = code_point_before(utf8, i);
    if (!is_regional_indicator(code_point_at(utf8, i).value)) break;
  }
  return run % 2 == 0;
}

/// Behind the last sentence that ends in `window`; npos when none does.
std::size_t sentence_end(std::string_view window) {
  constexpr auto ends = std::to_array<std::string_view>({". ", "! ", "? ", "。", "！", "？", "। ", "؟ "});
  std::size_t last = std::string_view::npos;
  for (const std::string_view end : ends) {
    const std::size_t at = window.rfind(end);
    if (at == std::string_view::npos) continue;
    const std::size_t behind = at + end.size();
    if (last == std::string_view::npos || behind > last) last = behind;
  }
  return last;
}

/// How much of `text`, which is longer than `size_max`, makes a piece; looks at its second half only.
std::size_t piece_size(std::string_view text, std::size_t size_max) {
  const std::size_t half = size_max / 2;
  const std::string_view window = text.substr(half, size_max - half);
  if (const std::size_t at = window.rfind("\n\n"); at != std::string_view::npos && half + at > 0) return half + at;
  if (const std::size_t at = window.rfind('\n'); at != std::string_view::npos && half + at > 0) return half + at;
  if (const std::size_t at = sentence_end(window); at != std::string_view::npos) return half + at;
  if (const std::size_t at = window.rfind(' '); at != std::string_view::npos && half + at > 0) return half + at;
  const std::size_t border = grapheme_floor(text, size_max);
  if (border > 0) return border;
  // A limit smaller than one character.
  std::size_t size = 1;
  while (is_inside_code_point(text, size)) ++size;
  return size;
}

}  // namespace

std::size_t grapheme_floor(std::string_view utf8, std::size_t at) {
  if (at >= utf8.size()) return utf8.size();
  while (at > 0 && is_inside_code_point(utf8, at)) --at;
  std::size_t border = at;
  for (std::size_t steps = 0; steps < cluster_code_points_max; ++steps) {
    if (is_grapheme_border(utf8, border)) return border;
    border = code_point_before(utf8, border);
  }
  return at;
}

std::span<const std::string_view> split_text(std::string_view utf8, const SplitLimits& limits, Arena& arena) {
  ArenaList<std::string_view> pieces(arena);
  while (true) {
    while (!utf8.empty() && (utf8.front() == '\n' || utf8.front() == '\r' || (!pieces.empty() && is_white(utf8.front()))))
      utf8.remove_prefix(1);
    while (!utf8.empty() && is_white(utf8.back())) utf8.remove_suffix(1);
    if (utf8.empty()) return pieces.take();
    const std::size_t left = limits.count_max > pieces.size() ? limits.count_max - pieces.size() : 1;
    const std::size_t size_max = std::max<std::size_t>({limits.size_max, (utf8.size() + left - 1) / left, 1});
    if (utf8.size() <= size_max) {
      pieces.push_back(utf8);
      return pieces.take();
    }
    const std::size_t size = piece_size(utf8, size_max);
    std::string_view piece = utf8.substr(0, size);
    utf8.remove_prefix(size);
    while (!piece.empty() && is_white(piece.back())) piece.remove_suffix(1);
    if (!piece.empty()) pieces.push_back(piece);
  }
}

}  // namespace pushmail::convert
