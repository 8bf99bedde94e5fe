// Searches and the UTF-8 check with AVX2.
#include <array>

#include "codec/simd/avx2.h"

namespace pushmail::simd::avx2 {
namespace {

/// First place p >= from where `match(pointer to p)` has bit 0 set; match looks at 32 places and `ahead` bytes behind each.
/// `plain(from)` answers for the places that no vector reaches.
template <typename Match, typename Plain>
[[gnu::always_inline]] inline std::size_t scan(ByteView in, std::size_t from, std::size_t ahead, Match match, Plain plain) {
  const std::uint8_t* const data = in.data();
  const std::size_t size = in.size();
  while (from + 64 + ahead <= size) {
    const std::uint64_t low = match(data + from);
    const std::uint64_t high = match(data + from + 32);
    if (const std::uint64_t found = low | high << 32U; found != 0) return from + _tzcnt_u64(found);
    from += 64;
  }
  if (from + 32 + ahead <= size) {
    if (const std::uint32_t found = match(data + from); found != 0) return from + first_bit(found);
    from += 32;
  }
  return plain(from);
}

}  // namespace

std::size_t find_byte(ByteView in, std::size_t from, std::uint8_t byte) {
  return scan(
      in, from, 0, [byte](const std::uint8_t* p) { return where(load(p), byte); },
      [&](std::size_t rest) {
        for (; rest < in.size(); ++rest) {
          if (in[rest] == byte) return rest;
        }
        return none;
      });
}

std::size_t find_dash_line(ByteView in, std::size_t from) {
  if (from + 2 <= in.size() && in[from] == '-' && in[from + 1] == '-') return from;
  const std::size_t newline = scan(
      in, from, 2, [](const std::uint8_t* p) { return where(load(p), '\n') & where(load(p + 1), '-') & where(load(p + 2), '-'); },
      [&](std::size_t rest) {
        for (; rest + 2 < in.size(); ++rest) {
          if (in[rest] == '\n' && in[rest + 1] == '-' && in[rest + 2] == '-') return rest;
        }
        return none;
      });
  return newline == none ? none : newline + 1;
}

std::size_t find_dot_line(ByteView in, std::size_t from) {
  return scan(
      in, from, 1,
      [](const std::uint8_t* p) {
        const __m256i here = load(p);
        const __m256i next = load(p + 1);
        // A CR whose LF follows, and the LF behind it, are in order; only a dot behind the LF is not.
        const std::uint32_t cr = where(here, '\r');
        const std::uint32_t lf_next = where(next, '\n');
        return (cr ^ lf_next) | (where(here, '\n') & where(next, '.'));
      },
      [&](std::size_t rest) { return scalar_kernels.find_dot_line(in, rest); });
}

std::size_t find_field_end(ByteView in, std::size_t from) {
  return scan(
      in, from, 1,
      [](const std::uint8_t* p) {
        const __m256i next = load(p + 1);
        return where(load(p), '\n') & ~(where(next, ' ') | where(next, '\t'));
      },
      [&](std::size_t rest) { return scalar_kernels.find_field_end(in, rest); });
}

namespace {

// A fault of UTF-8 shows in three nibbles of two neighbouring bytes: both of the first, the high one of the second (RFC 3629 §4). Each rule
// has a bit; a pair breaks it when all three tables say so. The last rule is none by itself: two tails in a row must have a lead of three
// or four bytes before them, and must not be there otherwise.
struct Rule {
  std::uint16_t first_high;  // bit n: nibble n is meant
  std::uint16_t first_low;
  std::uint16_t second_high;
};
constexpr std::uint16_t any = 0xFFFF;
constexpr std::uint16_t tails = 0x0F00;
constexpr std::array<Rule, 8> rules{{
    {0xF000, any, static_cast<std::uint16_t>(~tails)},  // a lead, and no tail
    {0x00FF, any, tails},                               // ASCII, and a tail
    {0x1000, 0x0003, tails},                            // C0, C1: overlong
    {0x4000, 0x0001, 0x0300},                           // E0 80..9F: overlong
    {0x4000, 0x2000, 0x0C00},                           // ED A0..BF: surrogates
    {0x8000, 0xFFF0, 0x0E00},                           // F4 90..BF and all of F5..FF: beyond U+10FFFF
    {0x8000, 0xFFE1, 0x0100},                           // F0 80..8F: overlong; F5..FF 80..8F
    {0x0F00, any, tails},                               // two tails
}};
constexpr std::array<std::uint8_t, 16> bits_of(std::uint16_t Rule::* part) {
  std::array<std::uint8_t, 16> bits{};
  for (std::size_t nibble = 0; nibble < 16; ++nibble) {
    for (std::size_t rule = 0; rule < rules.size(); ++rule) {
      if ((rules[rule].*part >> nibble & 1U) != 0) bits[nibble] = static_cast<std::uint8_t>(bits[nibble] | 1U << rule);
    }
  }
  return bits;
}
constexpr auto first_high = bits_of(&Rule::first_high);
constexpr auto first_low = bits_of(&Rule::first_low);
constexpr auto second_high = bits_of(&Rule::second_high);

/// Not zero where the 32 bytes at `p` have a fault with what stands before them; three bytes before `p` are read.
[[gnu::always_inline]] inline __m256i utf8_faults(const std::uint8_t* p) {
  const __m256i nibble = all(0x0F);
  const __m256i here = load(p);
  const __m256i before = load(p - 1);
  const __m256i broken = _mm256_and_si256(
      _mm256_and_si256(_mm256_shuffle_epi8(table(first_high.data()), _mm256_and_si256(_mm256_srli_epi16(before, 4), nibble)),
                       _mm256_shuffle_epi8(table(first_low.data()), _mm256_and_si256(before, nibble))),
      _mm256_shuffle_epi8(table(second_high.data()), _mm256_and_si256(_mm256_srli_epi16(here, 4), nibble)));
  // Bit 7 where a lead of three stands two before, or a lead of four three before.
  const __m256i must = _mm256_or_si256(_mm256_subs_epu8(load(p - 2), all(0xE0 - 0x80)), _mm256_subs_epu8(load(p - 3), all(0xF0 - 0x80)));
  return _mm256_xor_si256(_mm256_and_si256(must, all(0x80)), broken);
}

}  // namespace

std::size_t utf8_valid_prefix(ByteView in) {
  const std::uint8_t* const data = in.data();
  std::size_t at = 0;  // everything before is valid, but a character may reach over it
  while (at + 128 <= in.size()) {
    const __m256i any_high = _mm256_or_si256(_mm256_or_si256(load(data + at), load(data + at + 32)),
                                             _mm256_or_si256(load(data + at + 64), load(data + at + 96)));
    // ASCII is right unless a character is still open.
    if (high_bits(any_high) == 0 && (at == 0 || ((data[at - 1] | data[at - 2] | data[at - 3]) & 0x80U) == 0)) {
      at += 128;
      continue;
    }
    if (at == 0) {
      // The vectors look three bytes back: the first characters alone, up to the start of one.
      const std::size_t first = scalar_kernels.utf8_valid_prefix(in.first(32));
      if (first < 29) return first;
      at = first;
      continue;
    }
    const __m256i faults = _mm256_or_si256(_mm256_or_si256(utf8_faults(data + at), utf8_faults(data + at + 32)),
                                           _mm256_or_si256(utf8_faults(data + at + 64), utf8_faults(data + at + 96)));
    if (_mm256_testz_si256(faults, faults) == 0) break;
    at += 128;
  }
  // The rest, and what has a fault, in plain from the start of the last character before it, which may still be open.
  std::size_t start = at;
  for (int back = 0; back < 3 && start > 0 && (data[start - 1] & 0xC0U) == 0x80U; ++back) --start;
  if (start > 0 && data[start - 1] >= 0xC0U) at = start - 1;
  return at + scalar_kernels.utf8_valid_prefix(in.subspan(at));
}

}  // namespace pushmail::simd::avx2
