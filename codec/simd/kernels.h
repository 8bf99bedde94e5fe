// The rows that dispatch.cpp chooses from, and the plain loops that every row falls back to. Not for use outside this folder.
#pragma once

#include "codec/simd/simd.h"

namespace pushmail::simd {

extern const Kernels scalar_kernels;
extern const Kernels avx2_kernels;    // needs AVX2, BMI1 and BMI2
extern const Kernels avx512_kernels;  // needs those, AVX-512 F, BW, VL, VBMI and VBMI2

// scalar_charset.cpp
std::size_t scalar_single_byte_to_utf8(ByteView in, MutableBytes out, const SingleByteCharset& charset);
Converted scalar_shift_jis_to_utf8(ByteView in, MutableBytes out);
Converted scalar_iso2022jp_to_utf8(ByteView in, MutableBytes out);

/// A base64 decoder between two pieces. done.used and done.written say where it stands.
struct Base64Run {
  Decoded done;
  std::uint32_t bits = 0;
  unsigned digits = 0;  // 0..3 in `bits`
  bool padded = false;  // the padding was met: the data ends
};
/// One byte after the other until no digit waits at or behind `give_back`, or the end, or the padding.
void base64_run(Base64Run& run, ByteView in, MutableBytes out, std::size_t give_back);
/// The bytes of an incomplete last group.
Decoded base64_finish(Base64Run& run, ByteView in, MutableBytes out);

}  // namespace pushmail::simd
