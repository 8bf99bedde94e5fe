// Blocks of text in which nothing stands that needs a look: most of a mail. Sixteen bytes are compared at once, on every processor.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace pushmail {

/// Sixteen bytes side by side; compared, they give all bits or none for each. The compiler's own, so that no processor is named.
using SixteenBytes [[gnu::vector_size(16)]] = std::uint8_t;

/// What `suspect` is true of, of the sixteen bytes at `bytes`. It is given a function that says which bytes lie `distance` behind the ones
/// it is asked about, and returns what it compared them with, combined by & and |.
template <class Suspect>
[[nodiscard]] auto suspects_at(const char* bytes, Suspect suspect) {
  return suspect([bytes](std::size_t distance) {
    SixteenBytes taken;
    std::memcpy(&taken, bytes + distance, sizeof taken);
    return taken;
  });
}

template <class Compared>
[[nodiscard]] bool is_none(Compared found) {
  static_assert(sizeof found == sizeof(SixteenBytes));
  std::array<std::uint64_t, 2> halves;
  std::memcpy(&halves, &found, sizeof halves);
  return (halves[0] | halves[1]) == 0;
}

/// Whether `suspect` is true of none of the `size` bytes at `block`:
///
///   is_free_block<64>(text, [](auto at) { return (at(0) == ' ') & (at(1) == ' '); })   // no two blanks; text[64] is read, too
template <std::size_t size, class Suspect>
[[nodiscard]] bool is_free_block(const char* block, Suspect suspect) {
  static_assert(size > 0 && size % sizeof(SixteenBytes) == 0);
  auto found = suspects_at(block, suspect);
  for (std::size_t i = sizeof(SixteenBytes); i < size; i += sizeof(SixteenBytes)) found |= suspects_at(block + i, suspect);
  return is_none(found);
}

/// Whether `suspect`, which looks one byte ahead, is true of no byte of `text` but perhaps the last, behind which nothing is read. A text
/// of sixteen bytes or fewer is none for it.
template <class Suspect>
[[nodiscard]] bool is_free_line(std::string_view text, Suspect suspect) {
  if (text.size() <= sizeof(SixteenBytes)) return false;
  const std::size_t last = text.size() - 1 - sizeof(SixteenBytes);
  auto found = suspects_at(text.data() + last, suspect);
  for (std::size_t at = 0; at < last; at += sizeof(SixteenBytes)) found |= suspects_at(text.data() + at, suspect);
  return is_none(found);
}

}  // namespace pushmail
