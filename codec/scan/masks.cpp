#include "codec/scan/masks.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace pushmail::scan {

Masks masks_scalar(const char* bytes) {
  Masks out;
  for (unsigned i = 0; i < 64; ++i) {
    const auto c = static_cast<unsigned char>(bytes[i]);
    const bool digit = c >= '0' && c <= '9';
    const bool letter = (c | 0x20U) >= 'a' && (c | 0x20U) <= 'z';
    out.word |= static_cast<std::uint64_t>(digit || letter) << i;
    out.high |= static_cast<std::uint64_t>(c >= 0x80) << i;
  }
  return out;
}

#if defined(__x86_64__)
namespace {

struct Half {
  std::uint32_t word, high;
};

__attribute__((target("avx2"))) inline Half half_of(const char* bytes) {
  // x - first <= last - first, unsigned, is min(x - first, last - first) == x - first. Folding by 0x20 moves no other byte into a..z
  // but A..Z, and bytes from 0x80 on stay there.
  const __m256i c = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
  const __m256i letter = _mm256_sub_epi8(_mm256_or_si256(c, _mm256_set1_epi8(0x20)), _mm256_set1_epi8('a'));
  const __m256i digit = _mm256_sub_epi8(c, _mm256_set1_epi8('0'));
  const __m256i is_letter = _mm256_cmpeq_epi8(_mm256_min_epu8(letter, _mm256_set1_epi8(25)), letter);
  const __m256i is_digit = _mm256_cmpeq_epi8(_mm256_min_epu8(digit, _mm256_set1_epi8(9)), digit);
  return {.word = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_or_si256(is_letter, is_digit))),
          .high = static_cast<std::uint32_t>(_mm256_movemask_epi8(c))};
}

__attribute__((target("avx2"))) Masks masks_avx2(const char* bytes) {
  const Half low = half_of(bytes);
  const Half high = half_of(bytes + 32);
  return {.word = static_cast<std::uint64_t>(high.word) << 32U | low.word, .high = static_cast<std::uint64_t>(high.high) << 32U | low.high};
}

}  // namespace
#endif

MaskKernel best_mask_kernel() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") != 0) return masks_avx2;
#endif
  return masks_scalar;
}

}  // namespace pushmail::scan
