// Fillers out of plain text. Pages lose theirs in text_layout.cpp, with all other white space.
#include "codec/convert/fillers.h"

#include "core/ascii.h"
#include "core/free_blocks.h"

namespace pushmail::convert {
namespace {

constexpr std::size_t block_size = 64;

/// Whether a filler may begin with it.
constexpr auto is_suspect_of_filler = [](auto at) { return (at(0) == 0xC2) | (at(0) == 0xCD) | (at(0) == 0xE2) | (at(0) == 0xEF); };

/// Where the first character stands that is never seen, or the text's size.
std::size_t find_unseen(std::string_view utf8) {
  std::size_t at = 0;
  while (at < utf8.size()) {
    if (at + block_size <= utf8.size() && is_free_block<block_size>(utf8.data() + at, is_suspect_of_filler)) {
      at += block_size;
      continue;
    }
    const std::size_t end = std::min(at + block_size, utf8.size());
    for (; at < end; ++at) {
      if (static_cast<unsigned char>(utf8[at]) < 0x80) continue;
      const Filler kind = filler_at(utf8.substr(at)).kind;
      if (kind == Filler::nothing || kind == Filler::joiner) return at;
    }
  }
  return utf8.size();
}

}  // namespace

std::string_view without_fillers(std::string_view utf8, Arena& arena) {
  const std::size_t first = find_unseen(utf8);
  if (first == utf8.size()) return utf8;
  ArenaText out(arena);
  out.reserve(utf8.size());
  for (std::size_t at = 0; at < utf8.size();) {
    // A run of blanks and fillers.
    const std::size_t start = at;
    bool has_blank = false;
    bool has_unseen = false;
    bool has_only_joiners = true;
    while (at < utf8.size()) {
      if (is_blank(utf8[at])) {
        has_blank = true;
        has_only_joiners = false;
        ++at;
        continue;
      }
      const FillerAt filler = static_cast<unsigned char>(utf8[at]) < 0x80 ? FillerAt{} : filler_at(utf8.substr(at));
      if (filler.size == 0) break;
      has_blank |= filler.kind == Filler::space;
      has_unseen |= filler.kind != Filler::space;
      has_only_joiners &= filler.kind == Filler::joiner;
      at += filler.size;
    }
    const bool is_at_end = at == utf8.size() || utf8[at] == '\n' || utf8[at] == '\r';
    const bool is_at_start = start == 0 || utf8[start - 1] == '\n';
    if (!has_unseen || (has_only_joiners && !is_at_end && !is_at_start))
      out += utf8.substr(start, at - start);
    else if (has_blank && !is_at_end && !is_at_start)
      out += ' ';
    if (at < utf8.size()) out += utf8[at++];
  }
  return out.take_view();
}

}  // namespace pushmail::convert
