// Blocks of text in which nothing stands that needs a look: most of a mail. Sixteen bytes are compared at once, on every processor.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace pushmail {

/// Sixteen bytes side by side; compared, they give all bits or none for each. The compiler's own, so that no processor is named.
using SixteenBytes [[gnu::vector_size(16)]] = std::uint8_t;

/// Whether `suspect` is true of none of the `size` bytes at `block`. It is given a function that says which bytes lie `distance` behind the
/// ones it is asked about, and returns what it compared them with, combined by & and |:
///
///   is_free_block<64>(text, [](auto at) { return (at(0) == ' ') & (at(1) == ' '); })   // no two blanks; text[64] is read, too
template <std::size_t size, class Suspect>
[[nodiscard]] bool is_free_block(const char* block, Suspect suspect) {
  static_assert(size > 0 && size % sizeof(SixteenBytes) == 0);
  const auto look = [suspect](const char* bytes) {
    return suspect([bytes](std::size_t distance) {
      SixteenBytes taken;
      std::memcpy(&taken, bytes + distance, sizeof taken);
      return taken;
    });
  };
  auto found = look(block);
  for (std::size_t i = sizeof(SixteenBytes); i < size; i += sizeof(SixteenBytes)) found |= look(block + i);
  std::array<std::uint64_t, 2> halves;
  std::memcpy(&halves, &found, sizeof halves);
  return (halves[0] | halves[1]) == 0;
}

}  // namespace pushmail
