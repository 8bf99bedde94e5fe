// The row of the kernels that use AVX-512 with VBMI and VBMI2: tables of 64 and 128 entries in registers, and bytes that close up in one
// instruction. The rest is AVX2's: those loops wait for memory or for one another, not for the width of a register.
#include <algorithm>
#include <array>

#include "codec/simd/avx2.h"
#include "codec/simd/base64_lines.h"

namespace pushmail::simd {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The value of each character below 128; the highest bit for what is no digit.
constexpr std::array<std::uint8_t, 128> make_values() {
  std::array<std::uint8_t, 128> values{};
  values.fill(0x80);
  for (std::uint8_t value = 0; value < 64; ++value) values[static_cast<std::uint8_t>(alphabet[value])] = value;
  return values;
}
constexpr std::array<std::uint8_t, 128> digit_values = make_values();

/// For a permutation: `order` again and again, each time `stride` bytes on.
template <std::size_t Size>
constexpr std::array<std::uint8_t, 64> spread_of(std::array<std::uint8_t, Size> order, std::size_t stride) {
  std::array<std::uint8_t, 64> places{};
  for (std::size_t i = 0; i < 64; ++i) places[i] = static_cast<std::uint8_t>((i / Size * stride + order[i % Size]) & 63U);
  return places;
}

[[gnu::always_inline]] inline __m512i load64(const std::uint8_t* from) { return _mm512_loadu_si512(from); }
[[gnu::always_inline]] inline void store64(std::uint8_t* to, __m512i v) { _mm512_storeu_si512(to, v); }
/// The 16 bytes at `from`, and at each of the next three `stride`s, as one vector.
[[gnu::always_inline]] inline __m512i load_four(const std::uint8_t* from, std::size_t stride) {
  return _mm512_inserti64x4(_mm512_castsi256_si512(avx2::load_two(from, from + stride)),
                            avx2::load_two(from + 2 * stride, from + 3 * stride), 1);
}
[[gnu::always_inline]] inline __m512i table16(const std::array<std::uint8_t, 16>& entries) {
  return _mm512_broadcast_i32x4(avx2::load16(entries.data()));
}

/// 16 bytes of the vector.
template <int Lane>
[[gnu::always_inline]] inline __m128i lane(__m512i v) {
  return _mm512_extracti32x4_epi32(v, Lane);
}

/// 64 digits to 64 values of six bits; `bad` gets the highest bit of what is no digit.
[[gnu::always_inline]] inline __m512i values_of(__m512i text, __m512i& bad) {
  const __m512i values = _mm512_permutex2var_epi8(load64(digit_values.data()), text, load64(digit_values.data() + 64));
  bad = _mm512_ternarylogic_epi64(bad, text, values, 0xFE);
  return values;
}

//  bytes of a group      00aaaaaa 00bbbbbb 00cccccc 00dddddd
//  a * 64 + b, c * 64+d  bbbbbbbb 0000aaaa | dddddddd 0000cccc     (little-endian words of 12 bits)
//  ab * 4096 + cd        24 bits, lowest byte first, and a byte of zeros
[[gnu::always_inline]] inline __m512i groups_of(__m512i values) {
  return _mm512_madd_epi16(_mm512_maddubs_epi16(values, _mm512_set1_epi32(0x01400140)), _mm512_set1_epi32(0x00011000));
}

//  four lines of 76:  |------ 64 ------|- 12 -|CRLF|------ 64 ------|- 12 -|CRLF| ...
//  vectors                    0          [60..76)          1          [60..76)
//                                             `----- all four in vector 4 --'
struct Base64 {
  static constexpr std::size_t digits_per_vector = 64;
  static constexpr auto find_byte = avx2::find_byte;

  struct Bad {
    __m512i bytes = _mm512_setzero_si512();  // the highest bit of each
  };
  [[gnu::always_inline]] static bool any(Bad bad) { return _mm512_movepi8_mask(bad.bytes) != 0; }
  [[gnu::always_inline]] static std::size_t first(Bad bad) { return _tzcnt_u64(_mm512_movepi8_mask(bad.bytes)); }

  /// 64 digits to 48 bytes.
  [[gnu::always_inline]] static void block(const std::uint8_t* from, std::uint8_t* to, Bad& bad) {
    static constexpr std::array<std::uint8_t, 64> turned = spread_of<3>({2, 1, 0}, 4);
    store64(to, _mm512_permutexvar_epi8(load64(turned.data()), groups_of(values_of(load64(from), bad.bytes))));
  }

  /// Four lines at a time, one test for them. Stops where lines are no more so, or room ends.
  template <std::size_t End>
  static void lines_of_76(Base64Run& run, ByteView in, MutableBytes out) {
    static constexpr std::array<std::uint8_t, 16> turned{2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, 0x80, 0x80, 0x80, 0x80};
    constexpr std::size_t stride = base64_columns + End;
    Base64Cursor at(run, in, out);
    while (at.left >= 4 * stride && at.room >= 4 * 57 + 16) {
      Bad bad;
      const __m512i tails = _mm512_shuffle_epi8(groups_of(values_of(load_four(at.from + 60, stride), bad.bytes)), table16(turned));
      // In this order: what a store writes too much, the next one overwrites.
      block(at.from, at.to, bad);
      avx2::store16(at.to + 45, lane<0>(tails));
      block(at.from + stride, at.to + 57, bad);
      avx2::store16(at.to + 57 + 45, lane<1>(tails));
      block(at.from + 2 * stride, at.to + 114, bad);
      avx2::store16(at.to + 114 + 45, lane<2>(tails));
      block(at.from + 3 * stride, at.to + 171, bad);
      avx2::store16(at.to + 171 + 45, lane<3>(tails));
      std::uint32_t bad_ends = 0;
      for (std::size_t line = 0; line < 4; ++line) bad_ends |= bad_line_end<End>(at.from + line * stride + base64_columns);
      if (bad_ends != 0 || any(bad)) break;
      at.pass(4 * stride, 4 * 57);
    }
    at.stop(run, in, out);
  }
};

Decoded base64_decode(ByteView in, MutableBytes out) {
  // Lines that are shorter than a vector of 64 and not than one of 32: AVX2 has a loop for them.
  const std::size_t newline = avx2::find_byte(in.first(std::min(in.size(), Base64::digits_per_vector)), 0, '\n');
  if (newline != none && newline >= 32) return avx2::base64_decode(in, out);
  return base64_decode_lines<Base64>(in, out);
}

//  a group                  aaaaaabb bbbbcccc ccdddddd
//  placed [1 0 2 1]         bits 0..31: bbbbcccc aaaaaabb ccdddddd bbbbcccc, lowest byte first
//  a, b, c, d start at bit  10, 4, 22, 16; the next group's 32 higher. The two bits above each six are not looked at by the permutation.
[[gnu::always_inline]] inline __m512i digits_of(__m512i placed) {
  const __m512i values = _mm512_multishift_epi64_epi8(_mm512_set1_epi64(0x3036242A1016040A), placed);
  return _mm512_permutexvar_epi8(values, load64(reinterpret_cast<const std::uint8_t*>(alphabet.data())));
}

//  four lines of 57 bytes, as when decoding: 48 to 64 digits each, and their last nine together, each with its CRLF
std::size_t base64_encode(ByteView in, MutableBytes out) {
  static constexpr std::array<std::uint8_t, 64> placed = spread_of<4>({1, 0, 2, 1}, 3);
  static constexpr std::array<std::uint8_t, 16> placed_tail{1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 0x80, 0x80, 0x80, 0x80};
  constexpr std::size_t line_bytes = 57;
  constexpr std::size_t stride = base64_columns + 2;
  constexpr __mmask32 crlf_places = 0x40404040;  // word 6 of each lane
  const std::uint8_t* from = in.data();
  std::uint8_t* to = out.data();
  std::size_t left = in.size();
  const auto line = [&](std::size_t n) {
    store64(to + n * stride, digits_of(_mm512_permutexvar_epi8(load64(placed.data()), load64(from + n * line_bytes))));
  };
  // The load of the last line reads seven bytes too many, as does that of its tail.
  for (; left >= 4 * line_bytes + 7; left -= 4 * line_bytes, from += 4 * line_bytes, to += 4 * stride) {
    const __m512i tails =
        _mm512_mask_set1_epi16(digits_of(_mm512_shuffle_epi8(load_four(from + 48, line_bytes), table16(placed_tail))), crlf_places, 0x0A0D);
    line(0);
    avx2::store16(to + 64, lane<0>(tails));
    line(1);
    avx2::store16(to + stride + 64, lane<1>(tails));
    line(2);
    avx2::store16(to + 2 * stride + 64, lane<2>(tails));
    line(3);
    avx2::store16(to + 3 * stride + 64, lane<3>(tails));
  }
  const auto written = static_cast<std::size_t>(to - out.data());
  return written + avx2::base64_encode(in.last(left), out.subspan(written));
}

/// The bytes of the upper half of a charset's characters, each place of all 128 in one table; 0 where a character is shorter.
struct UpperHalf {
  std::array<std::array<std::uint8_t, 128>, 3> bytes;

  explicit UpperHalf(const SingleByteCharset& charset) {
    for (std::size_t at = 0; at < 128; at += 16) {
      const __m512i entries = _mm512_loadu_si512(charset.utf8.data() + 128 + at);
      avx2::store16(bytes[0].data() + at, _mm512_cvtepi32_epi8(entries));
      avx2::store16(bytes[1].data() + at, _mm512_cvtepi32_epi8(_mm512_srli_epi32(entries, 8)));
      avx2::store16(bytes[2].data() + at, _mm512_cvtepi32_epi8(_mm512_srli_epi32(entries, 16)));
    }
  }
  [[gnu::always_inline]] [[nodiscard]] __m512i look_up(std::size_t place, __m512i text) const {
    return _mm512_permutex2var_epi8(load64(bytes[place].data()), text, load64(bytes[place].data() + 64));
  }
};

/// The bytes that are not 0, and those of the mask, closed up; 64 are written. Returns where they end.
[[gnu::always_inline]] inline std::uint8_t* put_characters(std::uint8_t* to, __m512i v, std::uint64_t firsts) {
  const std::uint64_t keep = firsts | _mm512_test_epi8_mask(v, v);
  store64(to, _mm512_maskz_compress_epi8(keep, v));
  return to + __builtin_popcountll(keep);
}

/// For a permutation of two vectors of N elements: from, N+from, from+1, N+from+1, ...
template <typename Place>
constexpr std::array<Place, 64 / sizeof(Place)> interleaving(std::size_t from) {
  std::array<Place, 64 / sizeof(Place)> places{};
  for (std::size_t i = 0; i < places.size(); ++i) places[i] = static_cast<Place>(from + i / 2 + i % 2 * places.size());
  return places;
}
/// The first half and the last half of the elements of `a` and `b`, one of each in turn.
struct Halves {
  __m512i first;
  __m512i last;
};
[[gnu::always_inline]] inline Halves bytes_in_turn(__m512i a, __m512i b) {
  static constexpr std::array<std::uint8_t, 64> first = interleaving<std::uint8_t>(0);
  static constexpr std::array<std::uint8_t, 64> last = interleaving<std::uint8_t>(32);
  return {_mm512_permutex2var_epi8(a, load64(first.data()), b), _mm512_permutex2var_epi8(a, load64(last.data()), b)};
}
[[gnu::always_inline]] inline Halves pairs_in_turn(__m512i a, __m512i b) {
  static constexpr std::array<std::uint16_t, 32> first = interleaving<std::uint16_t>(0);
  static constexpr std::array<std::uint16_t, 32> last = interleaving<std::uint16_t>(16);
  return {_mm512_permutex2var_epi16(a, _mm512_loadu_si512(first.data()), b),
          _mm512_permutex2var_epi16(a, _mm512_loadu_si512(last.data()), b)};
}

//  text              a      ç      €            64 bytes
//  first             a      C3     E2           the byte itself, or the table's
//  second            0      A7     82
//  third             0      0      AC           most texts have none in most vectors
//  first, second     a 0    C3 A7  E2 82        in turn, and closed up: what is not 0, and each first one, which may be a NUL
//  with the third    a 0 0 0  C3 A7 0 0  E2 82 AC 0
std::size_t single_byte_to_utf8(ByteView in, MutableBytes out, const SingleByteCharset& charset) {
  constexpr std::uint64_t first_of_two = 0x5555555555555555;
  constexpr std::uint64_t first_of_four = 0x1111111111111111;
  constexpr std::size_t worth_tables = 256;
  if (in.size() < worth_tables) return avx2::single_byte_to_utf8(in, out, charset);
  const UpperHalf upper(charset);
  const std::uint8_t* from = in.data();
  std::size_t left = in.size();
  std::uint8_t* to = out.data();
  // There are three bytes of room for each byte that is left, and four. The last store of 64 may begin 3 * 48 bytes on.
  constexpr std::size_t left_min = (3 * 48 + 64 - 4) / 3;
  static_assert(charset_utf8_max(left_min) >= 3 * 48 + 64);
  for (; left >= left_min; left -= 64, from += 64) {
    const __m512i text = load64(from);
    const std::uint64_t high = _mm512_movepi8_mask(text);
    if (high == 0) {
      store64(to, text);
      to += 64;
      continue;
    }
    const __m512i first = _mm512_mask_blend_epi8(high, text, upper.look_up(0, text));
    const __m512i second = _mm512_maskz_mov_epi8(high, upper.look_up(1, text));
    const __m512i third = _mm512_maskz_mov_epi8(high, upper.look_up(2, text));
    const Halves pairs = bytes_in_turn(first, second);
    if (_mm512_test_epi8_mask(third, third) == 0) {
      to = put_characters(to, pairs.first, first_of_two);
      to = put_characters(to, pairs.last, first_of_two);
      continue;
    }
    const Halves thirds = bytes_in_turn(third, _mm512_setzero_si512());
    const Halves low = pairs_in_turn(pairs.first, thirds.first);
    const Halves high_half = pairs_in_turn(pairs.last, thirds.last);
    for (const __m512i characters : {low.first, low.last, high_half.first, high_half.last})
      to = put_characters(to, characters, first_of_four);
  }
  const auto written = static_cast<std::size_t>(to - out.data());
  return written + avx2::single_byte_to_utf8(in.last(left), out.subspan(written), charset);
}

}  // namespace

const Kernels avx512_kernels{
    .name = "avx512",
    .base64_decode = base64_decode,
    .base64_encode = base64_encode,
    .qp_decode = avx2::qp_decode,
    .qp_encode = avx2::qp_encode,
    .utf8_valid_prefix = avx2::utf8_valid_prefix,
    .find_byte = avx2::find_byte,
    .find_dash_line = avx2::find_dash_line,
    .find_dot_line = avx2::find_dot_line,
    .find_field_end = avx2::find_field_end,
    .single_byte_to_utf8 = single_byte_to_utf8,
    .shift_jis_to_utf8 = avx2::shift_jis_to_utf8,
    .iso2022jp_to_utf8 = avx2::iso2022jp_to_utf8,
};

}  // namespace pushmail::simd
