// Where words can be in 64 bytes of text: one bit a byte. Not for use outside this folder and its tests.
//
//   bytes   G e t   i t ,   n o w ...       bit i of `word`: byte i is an ASCII letter or digit
//   word    1 1 1 0 1 1 0 0 1 1 1           bit i of `high`: byte i is 0x80 or more, a part of a character beyond ASCII
#pragma once

#include <cstdint>

namespace pushmail::scan {

struct Masks {
  std::uint64_t word = 0;
  std::uint64_t high = 0;
};
/// Reads exactly 64 bytes.
using MaskKernel = Masks (*)(const char* bytes);

[[nodiscard]] Masks masks_scalar(const char* bytes);
/// The fastest that this processor can do.
[[nodiscard]] MaskKernel best_mask_kernel();

}  // namespace pushmail::scan
