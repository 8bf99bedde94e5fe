// base64 with AVX2. Every character is checked; a block that has anything but digits goes to the plain loop, which knows what to say of it.
#include <algorithm>
#include <array>

#include "codec/simd/avx2.h"
#include "codec/simd/base64_lines.h"

namespace pushmail::simd::avx2 {
namespace {

// Two hashes of a character c, each (row[c % 16] + c / 8 + 1) / 2, tell in 16 entries
//   distance: what to add to c to get its value. Column 15 has another row entry, so that '/' does not meet '+'.
//   check: how far c is above the least character that is valid with this hash; negative when it is not valid. In one column, c / 16 and
//   the hash differ by a constant; the constants are such that one limit fits all columns that share an entry.
constexpr std::array<std::uint8_t, 16> distance_row{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 15};
constexpr std::array<std::uint8_t, 16> check_row{0, 0, 0, 0, 0, 0, 0, 0, 6, 6, 4, 8, 12, 12, 12, 8};
constexpr std::array<std::uint8_t, 16> limit{8, 24, 40, 11, 65, 43, 97, 15, 64, 47, 96, 0, 128, 0, 127, 0};

constexpr std::array<std::uint8_t, 16> make_distances() {
  std::array<std::uint8_t, 16> to_value{};
  to_value[3] = 62 - '+';
  to_value[4] = 4;  // 52 - '0'
  for (const std::size_t upper : {5U, 6U, 12U}) to_value[upper] = static_cast<std::uint8_t>(256 - 'A');
  for (const std::size_t lower : {7U, 8U, 14U}) to_value[lower] = static_cast<std::uint8_t>(26 + 256 - 'a');
  to_value[10] = 63 - '/';
  return to_value;
}
constexpr std::array<std::uint8_t, 16> distances = make_distances();
constexpr std::array<std::uint8_t, 16> make_checks() {
  std::array<std::uint8_t, 16> checks{};
  for (std::size_t i = 0; i < 16; ++i) checks[i] = static_cast<std::uint8_t>(256 - limit[i]);
  return checks;
}
constexpr std::array<std::uint8_t, 16> checks = make_checks();

/// 32 digits to 32 values of six bits; `bad` gets the highest bit of what is no digit.
[[gnu::always_inline]] inline __m256i values_of(__m256i text, __m256i& bad) {
  // The shift moves bits of the neighbour into the three highest bits; a shuffle does not look at them, and no sum reaches bit 7 by them.
  const __m256i eighth = _mm256_srli_epi32(text, 3);
  const __m256i distance_hash = _mm256_avg_epu8(_mm256_shuffle_epi8(table(distance_row.data()), text), eighth);
  const __m256i check_hash = _mm256_avg_epu8(_mm256_shuffle_epi8(table(check_row.data()), text), eighth);
  bad = _mm256_or_si256(bad, _mm256_adds_epi8(_mm256_shuffle_epi8(table(checks.data()), check_hash), text));
  return _mm256_add_epi8(_mm256_shuffle_epi8(table(distances.data()), distance_hash), text);
}

//  bytes of a group      00aaaaaa 00bbbbbb 00cccccc 00dddddd
//  a * 64 + b, c * 64+d  bbbbbbbb 0000aaaa | dddddddd 0000cccc     (little-endian words of 12 bits)
//  ab * 4096 + cd        24 bits, lowest byte first; the shuffle turns them round and closes the gap: 12 bytes at the start of each lane
[[gnu::always_inline]] inline __m256i pack(__m256i values) {
  const __m256i twelve = _mm256_maddubs_epi16(values, _mm256_set1_epi32(0x01400140));
  const __m256i group = _mm256_madd_epi16(twelve, _mm256_set1_epi32(0x00011000));
  const __m256i order =
      _mm256_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1, 2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1);
  return _mm256_shuffle_epi8(group, order);
}

/// 24 bytes (and 4 more that the next store overwrites) at `to`.
[[gnu::always_inline]] inline void put_24(std::uint8_t* to, __m256i packed) {
  store16(to, _mm256_castsi256_si128(packed));
  store16(to + 12, _mm256_extracti128_si256(packed, 1));
}

//  two lines of 76:   |--- 32 ---|--- 32 ---|- 12 -|CRLF|--- 32 ---|--- 32 ---|- 12 -|CRLF|
//  vectors                 0          1   [60..76) \                2          3   [60..76)
//                                                   `------- both in vector 4 -------'
struct Set {
  static constexpr std::size_t digits_per_vector = 32;
  static constexpr auto find_byte = avx2::find_byte;

  struct Bad {
    __m256i bytes = _mm256_setzero_si256();  // the highest bit of each
  };
  [[gnu::always_inline]] static bool any(Bad bad) { return high_bits(bad.bytes) != 0; }
  [[gnu::always_inline]] static std::uint32_t first(Bad bad) { return first_bit(high_bits(bad.bytes)); }

  /// 32 digits to 24 bytes.
  [[gnu::always_inline]] static void block(const std::uint8_t* from, std::uint8_t* to, Bad& bad) {
    put_24(to, pack(values_of(load(from), bad.bytes)));
  }

  /// Two lines at a time, one test for four. Stops where lines are no more so, or room ends.
  template <std::size_t End>
  static void lines_of_76(Base64Run& run, ByteView in, MutableBytes out) {
    constexpr std::size_t stride = base64_columns + End;
    Base64Cursor at(run, in, out);
    while (at.left >= 4 * stride && at.room >= 4 * 57 + 16) {
      Bad bad;
      std::uint32_t bad_ends = 0;
      for (int pair = 0; pair < 2; ++pair) {
        const std::uint8_t* const line = at.from + static_cast<std::size_t>(pair) * 2 * stride;
        std::uint8_t* const first = at.to + static_cast<std::size_t>(pair) * 114;
        std::uint8_t* const second = first + 57;
        const __m256i tails = pack(values_of(load_two(line + 60, line + stride + 60), bad.bytes));
        block(line, first, bad);
        block(line + 32, first + 24, bad);
        store16(first + 45, _mm256_castsi256_si128(tails));
        block(line + stride, second, bad);
        block(line + stride + 32, second + 24, bad);
        store16(second + 45, _mm256_extracti128_si256(tails, 1));
        bad_ends |= bad_line_end<End>(line + base64_columns) | bad_line_end<End>(line + stride + base64_columns);
      }
      if (bad_ends != 0 || any(bad)) break;
      at.pass(4 * stride, 4 * 57);
    }
    at.stop(run, in, out);
  }
};

}  // namespace

Decoded base64_decode(ByteView in, MutableBytes out) { return base64_decode_lines<Set>(in, out); }

//  12 bytes of a lane    aaaaaabb bbbbcccc ccdddddd  shuffled to words so that multiplication shifts each six bits to its byte
//  shuffle               [1 0 2 1]: bbbbcccc aaaaaabb ccdddddd bbbbcccc
[[gnu::always_inline]] inline __m256i digits_of(__m256i bytes) {
  const __m256i spread = _mm256_shuffle_epi8(
      bytes, _mm256_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10, 1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10));
  const __m256i a_c = _mm256_mulhi_epu16(_mm256_and_si256(spread, _mm256_set1_epi32(0x0FC0FC00)), _mm256_set1_epi32(0x04000040));
  const __m256i b_d = _mm256_mullo_epi16(_mm256_and_si256(spread, _mm256_set1_epi32(0x003F03F0)), _mm256_set1_epi32(0x01000010));
  const __m256i values = _mm256_or_si256(a_c, b_d);
  // 0..25: 13, 26..51: 0, 52..61: 1..10, 62: 11, 63: 12; each has its distance to the character.
  const __m256i upper = _mm256_cmpgt_epi8(all(26), values);
  const __m256i range = _mm256_or_si256(_mm256_subs_epu8(values, all(51)), _mm256_and_si256(upper, all(13)));
  static constexpr std::array<std::uint8_t, 16> to_character{'a' - 26, 252, 252, 252, 252, 252, 252, 252,
                                                             252,      252, 252, 237, 240, 'A', 0,   0};
  return _mm256_add_epi8(values, _mm256_shuffle_epi8(table(to_character.data()), range));
}

std::size_t base64_encode(ByteView in, MutableBytes out) {
  constexpr std::size_t line_bytes = 57;
  constexpr std::size_t stride = base64_columns + 2;
  const std::uint8_t* from = in.data();
  std::uint8_t* to = out.data();
  std::size_t left = in.size();
  constexpr std::uint16_t crlf = 0x0A0D;
  // Two lines at a time, tails together as when decoding; a load reads four bytes too many.
  for (; left >= 2 * line_bytes + 4; left -= 2 * line_bytes, from += 2 * line_bytes, to += 2 * stride) {
    const std::uint8_t* const second = from + line_bytes;
    store(to, digits_of(load_two(from, from + 12)));
    store(to + 32, digits_of(load_two(from + 24, from + 36)));
    store(to + stride, digits_of(load_two(second, second + 12)));
    store(to + stride + 32, digits_of(load_two(second + 24, second + 36)));
    const __m256i tails = digits_of(load_two(from + 45, second + 45));
    store16(to + 60, _mm256_castsi256_si128(tails));
    store16(to + stride + 60, _mm256_extracti128_si256(tails, 1));
    std::memcpy(to + base64_columns, &crlf, sizeof crlf);
    std::memcpy(to + stride + base64_columns, &crlf, sizeof crlf);
  }
  // What is left, line by line, from where a load may read too much, to where a store may write too much.
  while (left > 0) {
    const std::size_t size = std::min(left, line_bytes);
    std::array<std::uint8_t, 64> bytes{};
    std::array<std::uint8_t, 32 * 3> digits;
    std::memcpy(bytes.data(), from, size);
    store(digits.data(), digits_of(load_two(bytes.data(), bytes.data() + 12)));
    store(digits.data() + 32, digits_of(load_two(bytes.data() + 24, bytes.data() + 36)));
    store(digits.data() + 64, digits_of(load_two(bytes.data() + 45, bytes.data() + 45)));
    // The third of them begins where a line's last twelve bytes do: at the digit 60.
    std::memmove(digits.data() + 60, digits.data() + 64, 16);
    const std::size_t count = (size + 2) / 3 * 4;
    for (std::size_t missing = count / 4 * 3 - size; missing > 0; --missing) digits[count - missing] = '=';
    std::memcpy(to, digits.data(), count);
    std::memcpy(to + count, &crlf, sizeof crlf);
    to += count + sizeof crlf;
    from += size;
    left -= size;
  }
  return static_cast<std::size_t>(to - out.data());
}

}  // namespace pushmail::simd::avx2
