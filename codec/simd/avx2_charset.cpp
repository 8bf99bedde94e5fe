// Charsets to UTF-8 with AVX2: runs of ASCII, and Latin-1 that needs no table.
#include <array>

#include "codec/simd/avx2.h"
#include "codec/simd/japanese.h"

namespace pushmail::simd::avx2 {
namespace {

struct CopyAscii {
  [[gnu::always_inline]] std::size_t operator()(const std::uint8_t* from, const std::uint8_t* end, std::uint8_t* to) const {
    const std::uint8_t* const start = from;
    for (; end - from >= 32; from += 32, to += 32) {
      const __m256i text = load(from);
      store(to, text);
      if (const std::uint32_t stop = high_bits(text) | where(text, 0x1B); stop != 0)
        return static_cast<std::size_t>(from - start) + first_bit(stop);
    }
    for (; from < end && *from < 0x80 && *from != 0x1B; ++from) *to++ = *from;
    return static_cast<std::size_t>(from - start);
  }
};

// For eight characters of two bytes each, bit n of the index: character n has its second byte. The shuffle closes the others up.
constexpr std::array<std::array<std::uint8_t, 16>, 256> make_closing() {
  std::array<std::array<std::uint8_t, 16>, 256> rows{};
  for (std::size_t mask = 0; mask < 256; ++mask) {
    rows[mask].fill(0x80);
    std::size_t to = 0;
    for (std::size_t character = 0; character < 8; ++character) {
      rows[mask][to++] = static_cast<std::uint8_t>(2 * character);
      if ((mask >> character & 1U) != 0) rows[mask][to++] = static_cast<std::uint8_t>(2 * character + 1);
    }
  }
  return rows;
}
alignas(64) constexpr std::array<std::array<std::uint8_t, 16>, 256> closing = make_closing();

//  byte           0xxxxxxx            1yxxxxxx
//  word           0xxxxxxx ........   1100001y 10xxxxxx      then closed up by the mask of high bits
[[gnu::always_inline]] inline std::uint8_t* put_latin_1(std::uint8_t* to, __m128i sixteen, std::uint32_t high) {
  const __m256i word = _mm256_cvtepu8_epi16(sixteen);
  const __m256i lead = _mm256_or_si256(_mm256_srli_epi16(word, 6), _mm256_set1_epi16(static_cast<short>(0x80C0)));
  const __m256i tail = _mm256_slli_epi16(_mm256_and_si256(word, _mm256_set1_epi16(0x3F)), 8);
  // ASCII: the word itself. Its second byte is dropped.
  const __m256i is_high = _mm256_cmpgt_epi16(word, _mm256_set1_epi16(0x7F));
  const __m256i pairs = _mm256_blendv_epi8(word, _mm256_or_si256(lead, tail), is_high);
  const std::uint32_t low_mask = high & 0xFFU;
  const std::uint32_t high_mask = high >> 8U & 0xFFU;
  store16(to, _mm_shuffle_epi8(_mm256_castsi256_si128(pairs), load16(closing[low_mask].data())));
  to += 8 + __builtin_popcount(low_mask);
  store16(to, _mm_shuffle_epi8(_mm256_extracti128_si256(pairs, 1), load16(closing[high_mask].data())));
  return to + 8 + __builtin_popcount(high_mask);
}

}  // namespace

std::size_t single_byte_to_utf8(ByteView in, MutableBytes out, const SingleByteCharset& charset) {
  const std::uint8_t* from = in.data();
  std::size_t left = in.size();
  std::uint8_t* to = out.data();
  const __m256i same_from = all(charset.same_from < 256 ? charset.same_from : 255);
  const bool has_same = charset.same_from < 256;
  // Three bytes of room for each byte that is left: enough for every store here.
  for (; left >= 32; left -= 32, from += 32) {
    const __m256i text = load(from);
    const std::uint32_t high = high_bits(text);
    if (high == 0) {
      store(to, text);
      to += 32;
      continue;
    }
    const std::uint32_t same = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_max_epu8(text, same_from), text)));
    if (has_same && (high & ~same) == 0) {
      to = put_latin_1(to, _mm256_castsi256_si128(text), high);
      to = put_latin_1(to, _mm256_extracti128_si256(text, 1), high >> 16U);
      continue;
    }
    for (std::size_t i = 0; i < 32; ++i) to = put_entry(to, charset.utf8[from[i]]);
  }
  for (; left > 0; --left) to = put_entry(to, charset.utf8[*from++]);
  return static_cast<std::size_t>(to - out.data());
}

Converted shift_jis_to_utf8(ByteView in, MutableBytes out) { return walk_shift_jis(in, out, CopyAscii{}); }
Converted iso2022jp_to_utf8(ByteView in, MutableBytes out) { return walk_iso2022jp(in, out, CopyAscii{}); }

}  // namespace pushmail::simd::avx2
