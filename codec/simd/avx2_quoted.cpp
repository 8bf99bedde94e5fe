// Quoted-printable with AVX2 and BMI2 (RFC 2045 §6.7).
#include <algorithm>
#include <array>

#include "codec/simd/avx2.h"
#include "codec/simd/avx2_qp_decode.h"

namespace pushmail::simd::avx2 {
namespace {

/// The eight bytes whose bits are set in `keep`, closed up.
[[gnu::always_inline]] inline std::uint64_t close_up(std::uint64_t eight, std::uint32_t keep) {
  return _pext_u64(eight, _pdep_u64(keep, 0x0101010101010101ULL) * 0xFF);
}

struct Set {
  /// Writes the bytes of `v` whose bits are set in `keep`; up to seven bytes of no meaning behind them. Returns where they end.
  [[gnu::always_inline]] static std::uint8_t* put_kept(std::uint8_t* to, __m256i v, std::uint32_t keep) {
    const __m128i low = _mm256_castsi256_si128(v);
    const __m128i high = _mm256_extracti128_si256(v, 1);
    const std::array<std::uint64_t, 4> words{static_cast<std::uint64_t>(_mm_cvtsi128_si64(low)), static_cast<std::uint64_t>(_mm_extract_epi64(low, 1)),
                                             static_cast<std::uint64_t>(_mm_cvtsi128_si64(high)), static_cast<std::uint64_t>(_mm_extract_epi64(high, 1))};
    for (std::uint32_t word = 0; word < 4; ++word) {
      const std::uint32_t bits = keep >> (word * 8) & 0xFFU;
      const std::uint64_t closed = close_up(words[word], bits);
      std::memcpy(to, &closed, sizeof closed);
      to += __builtin_popcount(bits);
    }
    return to;
  }
};

}  // namespace

Decoded qp_decode(ByteView in, MutableBytes out) { return qp_decode_windows<Set>(in, out); }

namespace {

constexpr std::size_t columns = 76;
constexpr std::string_view hex_digits = "0123456789ABCDEF";

// For four bytes, bit n of the index set: byte n is written as an escape. Two shuffles that are put together: one of the four bytes with '='
// in byte 4, the other of their eight hex digits.
struct Spread {
  std::array<std::uint8_t, 16> from_text;
  std::array<std::uint8_t, 16> from_digits;
  std::array<std::uint8_t, 4> ends;  // where each byte's text ends
  std::array<std::uint8_t, 28> unused;
};
constexpr std::array<Spread, 16> make_spreads() {
  std::array<Spread, 16> spreads{};
  for (std::size_t mask = 0; mask < 16; ++mask) {
    Spread& row = spreads[mask];
    row.from_text.fill(0x80);
    row.from_digits.fill(0x80);
    std::size_t to = 0;
    for (std::uint8_t byte = 0; byte < 4; ++byte) {
      const bool escaped = (mask >> byte & 1U) != 0;
      row.from_text[to++] = escaped ? 4 : byte;
      if (escaped) {
        row.from_digits[to++] = static_cast<std::uint8_t>(byte * 2);
        row.from_digits[to++] = static_cast<std::uint8_t>(byte * 2 + 1);
      }
      row.ends[byte] = static_cast<std::uint8_t>(to);
    }
  }
  return spreads;
}
alignas(64) constexpr std::array<Spread, 16> spreads = make_spreads();

/// Where the encoder stands.
struct Writer {
  std::uint8_t* to;
  std::size_t column = 0;

  void soft_break() {
    *to++ = '=';
    *to++ = '\r';
    *to++ = '\n';
    column = 0;
  }
};

/// The line ends within `text`, whose first `fits` bytes it still has room for: those, a soft break, the rest. 64 bytes are read at `text`.
[[gnu::always_inline]] inline void put_broken(std::uint8_t*& to, std::size_t& column, const std::uint8_t* text, std::size_t size, std::size_t fits) {
  store(to, load(text));
  to += fits;
  std::memcpy(to, "=\r\n", 4);
  to += 3;
  store(to, load(text + fits));
  to += size - fits;
  column = size - fits;
}

/// One character (or CRLF) as the plain kernel writes it. Returns how many bytes it was.
std::size_t write_one(Writer& writer, ByteView in, std::size_t at, QpMode mode) {
  const std::uint8_t c = in[at];
  const bool last = at + 1 == in.size();
  const bool crlf = c == '\r' && !last && in[at + 1] == '\n';
  if (mode == QpMode::text && (c == '\n' || crlf)) {
    *writer.to++ = '\r';
    *writer.to++ = '\n';
    writer.column = 0;
    return crlf ? 2 : 1;
  }
  const bool line_ends = last || (mode == QpMode::text && (in[at + 1] == '\n' || in[at + 1] == '\r'));
  // A blank at the end of a line would be lost on the way (RFC 2045 §6.7 rule 3).
  const bool literal = (c >= 33 && c <= 126 && c != '=') || (is_blank(c) && !line_ends);
  const std::size_t width = literal ? 1 : 3;
  if (writer.column + width > columns - (line_ends ? 0U : 1U)) writer.soft_break();
  *writer.to++ = literal ? c : '=';
  if (!literal) {
    *writer.to++ = static_cast<std::uint8_t>(hex_digits[c >> 4U]);
    *writer.to++ = static_cast<std::uint8_t>(hex_digits[c & 15U]);
  }
  writer.column += width;
  return 1;
}

/// `count` bytes that are written as they are, none of them the last of a line. May write 31 bytes too many.
[[gnu::always_inline]] inline void write_literals(Writer& writer, __m256i text, const std::uint8_t* from, std::size_t count) {
  const std::size_t room = columns - 1 - writer.column;
  store(writer.to, text);
  if (count <= room) {
    writer.to += count;
    writer.column += count;
    return;
  }
  writer.to += room;
  writer.soft_break();
  store(writer.to, load(from + room));
  writer.to += count - room;
  writer.column = count - room;
}

}  // namespace

//  32 bytes, and the one behind them --> safe: how many have no line end at them or behind them --> those in fours, each by one row of
//  spreads, while the line has room for the longest that four can be; what is left one by one
std::size_t qp_encode(ByteView in, MutableBytes out, QpMode mode) {
  Writer writer{.to = out.data()};
  const std::uint8_t* const data = in.data();
  std::uint8_t* const to_end = out.data() + out.size();
  const __m256i digits = table(reinterpret_cast<const std::uint8_t*>(hex_digits.data()));
  std::size_t at = 0;
  // The second load of write_literals reads up to 32 bytes behind the window.
  while (at + 64 <= in.size() && to_end - writer.to >= 32 * 3 + 3 * 4 + 64) {
    const __m256i text = load(data + at);
    std::uint32_t safe = 32;
    if (mode == QpMode::text) {
      const __m256i next = load(data + at + 1);
      safe = first_bit(where(text, '\n') | where(text, '\r') | where(next, '\n') | where(next, '\r'));
    }
    const __m256i visible = _mm256_cmpeq_epi8(_mm256_min_epu8(_mm256_sub_epi8(text, all(32)), all(126 - 32)), _mm256_sub_epi8(text, all(32)));
    const std::uint32_t escaped = (~high_bits(visible) & ~where(text, '\t')) | where(text, '=');
    // Literals in front go in one piece.
    const std::uint32_t run = std::min(first_bit(escaped), safe);
    std::uint32_t done = 0;
    if (run >= 16) {
      write_literals(writer, text, data + at, run);
      done = run;
    }
    if (done + 4 <= safe) {
      const __m256i low = _mm256_shuffle_epi8(digits, _mm256_and_si256(text, all(0x0F)));
      const __m256i high = _mm256_shuffle_epi8(digits, _mm256_and_si256(_mm256_srli_epi16(text, 4), all(0x0F)));
      // Digits of bytes 0..7, 16..23 and 8..15, 24..31, in pairs: written so that byte n has its pair at 2n.
      alignas(32) std::array<std::uint8_t, 64 + 16> pairs;
      const __m256i even = _mm256_unpacklo_epi8(high, low);
      const __m256i odd = _mm256_unpackhi_epi8(high, low);
      store(pairs.data(), _mm256_permute2x128_si256(even, odd, 0x20));
      store(pairs.data() + 32, _mm256_permute2x128_si256(even, odd, 0x31));
      // Not through `writer`: the stores could change it for all that the compiler knows.
      std::uint8_t* to = writer.to;
      std::size_t column = writer.column;
      alignas(32) std::array<std::uint8_t, 64> broken;
      while (done + 4 <= safe) {
        if (done + 8 <= safe && (escaped >> done & 0xFFU) == 0xFF) {
          // Eight escapes: 24 bytes, the digits from their pairs and '=' between them.
          const __m256i hex = _mm256_shuffle_epi8(table(pairs.data() + 2 * done), _mm256_setr_epi8(-1, 0, 1, -1, 2, 3, -1, 4, 5, -1, 6, 7, -1, 8, 9, -1, 10, 11, -1, 12, 13, -1, 14, 15,
                                                                                                   -1, -1, -1, -1, -1, -1, -1, -1));
          const __m256i eight = _mm256_or_si256(hex, _mm256_setr_epi8('=', 0, 0, '=', 0, 0, '=', 0, 0, '=', 0, 0, '=', 0, 0, '=', 0, 0, '=', 0, 0, '=', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
          done += 8;
          if (column + 24 <= columns - 1) {
            store(to, eight);
            to += 24;
            column += 24;
          } else {
            store(broken.data(), eight);
            put_broken(to, column, broken.data(), 24, (columns - 1 - column) / 3 * 3);
          }
          continue;
        }
        const std::uint32_t mask = escaped >> done & 15U;
        const auto width = 4 + 2 * static_cast<std::size_t>(__builtin_popcount(mask));
        std::uint32_t four;
        std::memcpy(&four, data + at + done, sizeof four);
        std::uint64_t eight;
        std::memcpy(&eight, pairs.data() + 2 * done, sizeof eight);
        const Spread& spread = spreads[mask];
        const __m128i letters = _mm_cvtsi64_si128(static_cast<long long>(four | std::uint64_t{'='} << 32U));
        const __m128i hex = _mm_cvtsi64_si128(static_cast<long long>(eight));
        const __m128i text_of_four = _mm_or_si128(_mm_shuffle_epi8(letters, load16(spread.from_text.data())), _mm_shuffle_epi8(hex, load16(spread.from_digits.data())));
        done += 4;
        if (column + width > columns - 1) {
          const std::size_t room = columns - 1 - column;
          std::size_t fits = 0;
          for (const std::uint8_t end : spread.ends) fits = end <= room ? end : fits;
          store16(broken.data(), text_of_four);
          put_broken(to, column, broken.data(), width, fits);
          continue;
        }
        store16(to, text_of_four);
        to += width;
        column += width;
      }
      writer = {.to = to, .column = column};
    }
    at += done;
    // Up to the line end, and the line end itself.
    if (safe < 32) {
      for (const std::size_t end = at + (safe - done) + 1; at <= end;) at += write_one(writer, in, at, mode);
    }
  }
  while (at < in.size()) at += write_one(writer, in, at, mode);
  return static_cast<std::size_t>(writer.to - out.data());
}

}  // namespace pushmail::simd::avx2
