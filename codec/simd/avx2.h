// What the files avx2*.cpp share. They are compiled for AVX2, BMI1 and BMI2; nothing else may include this.
//
// Everything inline here is forced inline: a copy of such a function that the linker kept for other files would end older processors.
#pragma once

#include <immintrin.h>

#include <cstring>

#include "codec/simd/kernels.h"

namespace pushmail::simd::avx2 {

[[gnu::always_inline]] inline __m256i load(const std::uint8_t* from) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)); }
[[gnu::always_inline]] inline void store(std::uint8_t* to, __m256i v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), v); }
[[gnu::always_inline]] inline __m128i load16(const std::uint8_t* from) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)); }
[[gnu::always_inline]] inline void store16(std::uint8_t* to, __m128i v) { _mm_storeu_si128(reinterpret_cast<__m128i*>(to), v); }
/// The 16 bytes at `low` and those at `high` as one vector.
[[gnu::always_inline]] inline __m256i load_two(const std::uint8_t* low, const std::uint8_t* high) {
  return _mm256_inserti128_si256(_mm256_castsi128_si256(load16(low)), load16(high), 1);
}
[[gnu::always_inline]] inline __m256i all(int byte) { return _mm256_set1_epi8(static_cast<char>(byte)); }
/// Bit n: byte n is `byte`.
[[gnu::always_inline]] inline std::uint32_t where(__m256i v, int byte) {
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, all(byte))));
}
/// Bit n: the highest bit of byte n.
[[gnu::always_inline]] inline std::uint32_t high_bits(__m256i v) { return static_cast<std::uint32_t>(_mm256_movemask_epi8(v)); }
/// 16 table entries in both lanes, for shuffles.
[[gnu::always_inline]] inline __m256i table(const std::uint8_t* entries) { return _mm256_broadcastsi128_si256(load16(entries)); }
/// The lowest `count` bits; `count` <= 32.
[[gnu::always_inline]] inline std::uint32_t below(std::uint32_t count) { return _bzhi_u32(~0U, count); }
[[gnu::always_inline]] inline std::uint32_t first_bit(std::uint32_t mask) { return _tzcnt_u32(mask); }

Decoded base64_decode(ByteView in, MutableBytes out);
std::size_t base64_encode(ByteView in, MutableBytes out);
Decoded qp_decode(ByteView in, MutableBytes out);
std::size_t qp_encode(ByteView in, MutableBytes out, QpMode mode);
std::size_t utf8_valid_prefix(ByteView in);
std::size_t find_byte(ByteView in, std::size_t from, std::uint8_t byte);
std::size_t find_dash_line(ByteView in, std::size_t from);
std::size_t find_dot_line(ByteView in, std::size_t from);
std::size_t find_field_end(ByteView in, std::size_t from);
std::size_t single_byte_to_utf8(ByteView in, MutableBytes out, const SingleByteCharset& charset);
Converted shift_jis_to_utf8(ByteView in, MutableBytes out);
Converted iso2022jp_to_utf8(ByteView in, MutableBytes out);

}  // namespace pushmail::simd::avx2
