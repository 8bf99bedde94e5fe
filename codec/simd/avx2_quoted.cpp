// Quoted-printable with AVX2 and BMI2 (RFC 2045 §6.7).
#include <algorithm>
#include <array>

#include "codec/simd/avx2.h"
#include "core/ascii.h"

namespace pushmail::simd::avx2 {
namespace {

/// The value of each hex digit; `is_hex` gets FF for what is one. '0'..'9' have their value in the low nibble, letters nine less.
[[gnu::always_inline]] inline __m256i hex_values(__m256i text, __m256i& is_hex) {
  const __m256i lower = _mm256_or_si256(text, all(0x20));
  const __m256i digit = _mm256_sub_epi8(text, all('0'));
  const __m256i letter = _mm256_sub_epi8(lower, all('a'));
  const __m256i is_digit = _mm256_cmpeq_epi8(_mm256_min_epu8(digit, all(9)), digit);
  const __m256i is_letter = _mm256_cmpeq_epi8(_mm256_min_epu8(letter, all(5)), letter);
  is_hex = _mm256_or_si256(is_digit, is_letter);
  return _mm256_blendv_epi8(_mm256_add_epi8(letter, all(10)), digit, is_digit);
}

/// The eight bytes whose bits are set in `keep`, closed up.
[[gnu::always_inline]] inline std::uint64_t close_up(std::uint64_t eight, std::uint32_t keep) {
  return _pext_u64(eight, _pdep_u64(keep, 0x0101010101010101ULL) * 0xFF);
}

/// Writes the bytes of `v` whose bits are set in `keep`; up to seven bytes of no meaning behind them. Returns where they end.
[[gnu::always_inline]] inline std::uint8_t* put_kept(std::uint8_t* to, __m256i v, std::uint32_t keep) {
  const __m128i low = _mm256_castsi256_si128(v);
  const __m128i high = _mm256_extracti128_si256(v, 1);
  const std::array<std::uint64_t, 4> words{
      static_cast<std::uint64_t>(_mm_cvtsi128_si64(low)), static_cast<std::uint64_t>(_mm_extract_epi64(low, 1)),
      static_cast<std::uint64_t>(_mm_cvtsi128_si64(high)), static_cast<std::uint64_t>(_mm_extract_epi64(high, 1))};
  for (std::uint32_t word = 0; word < 4; ++word) {
    const std::uint32_t bits = keep >> (word * 8) & 0xFFU;
    const std::uint64_t closed = close_up(words[word], bits);
    std::memcpy(to, &closed, sizeof closed);
    to += __builtin_popcount(bits);
  }
  return to;
}

[[gnu::always_inline]] inline bool is_crlf(const std::uint8_t* p) {
  std::uint16_t two;
  std::memcpy(&two, p, sizeof two);
  return two == 0x0A0D;
}

/// Lines of 75 literals and a soft break, which is what long paragraphs of ASCII are. Their place does not depend on what they hold, so the
/// processor need not wait for one line to find the next. Returns how many there are.
std::size_t full_lines(const std::uint8_t* from, std::size_t size, std::uint8_t* to, std::size_t room) {
  constexpr std::size_t literals = 75;
  constexpr std::size_t stride = literals + 3;
  std::size_t count = 0;
  for (; size >= stride && room >= literals; ++count, from += stride, size -= stride, to += literals, room -= literals) {
    if (from[literals] != '=' || !is_crlf(from + literals + 1)) break;
    const __m256i a = load(from);
    const __m256i b = load(from + 32);
    const __m256i c = load(from + literals - 32);
    const auto special = [](__m256i text) {
      return _mm256_or_si256(_mm256_cmpeq_epi8(text, all('=')), _mm256_cmpeq_epi8(text, all('\n')));
    };
    if (high_bits(_mm256_or_si256(_mm256_or_si256(special(a), special(b)), special(c))) != 0) break;
    // Beyond the first cache the stores wait for their lines, unless these are asked for in time.
    __builtin_prefetch(to + 1024, 1);
    __builtin_prefetch(to + 1024 + 64, 1);
    store(to, a);
    store(to + 32, b);
    store(to + literals - 32, c);
  }
  return count;
}

}  // namespace

//  text        . c a f = C 3 = A 9 . .      32 bytes, and the two behind them
//  value       * * * * Ã * * © * * * *      hex(next) * 16 + hex(next but one), wanted only at '='
//  keep        1 1 1 1 1 0 0 1 0 0 1 1      not the two behind a '='
//  out         . c a f Ã © . .              blended, then closed up by pext, eight bytes at a time: no branch for any mixture
//
// A window ends in front of the first LF and of the first '=' that starts no escape; those go one by one.
Decoded qp_decode(ByteView in, MutableBytes out) {
  Decoded done{.used = in.size()};
  const std::uint8_t* const data = in.data();
  const std::size_t size = in.size();
  std::uint8_t* to = out.data();
  std::uint8_t* const to_end = out.data() + out.size();
  std::uint8_t* kept = to;  // no blank before this one goes at a line's end: it was written as an escape, or in front of a soft break
  std::size_t at = 0;
  while (at + 34 <= size && to_end - to >= 40) {
    const __m256i text = load(data + at);
    const std::uint32_t equals = where(text, '=');
    const std::uint32_t newlines = where(text, '\n');
    std::uint32_t stop = first_bit(equals | newlines);
    if (stop < 31 && (equals >> stop & 1U) != 0 && is_crlf(data + at + stop + 1)) {
      store(to, text);
      to += stop;
      at += stop + 3;
      const std::size_t lines = full_lines(data + at, size - at, to, static_cast<std::size_t>(to_end - to));
      at += lines * 78;
      to += lines * 75;
      kept = to;
      continue;
    }
    if (equals == 0) {
      store(to, text);
      to += stop;
      at += stop;
      if (newlines == 0) continue;
    } else {
      __m256i hex_1;
      __m256i hex_2;
      const __m256i high = hex_values(load(data + at + 1), hex_1);
      const __m256i low = hex_values(load(data + at + 2), hex_2);
      const std::uint32_t escapes = equals & high_bits(_mm256_and_si256(hex_1, hex_2));
      const std::uint32_t trouble = (equals & ~escapes) | newlines;
      stop = first_bit(trouble);  // 32 when there is none
      const std::uint32_t taken = escapes & below(stop);
      const std::uint32_t keep = below(stop) & ~(taken << 1U | taken << 2U);
      const __m256i value = _mm256_or_si256(_mm256_and_si256(_mm256_slli_epi16(high, 4), all(0xF0)), low);
      std::uint8_t* const start = to;
      to = put_kept(to, _mm256_blendv_epi8(text, value, _mm256_cmpeq_epi8(text, all('='))), keep);
      if (taken != 0) kept = start + __builtin_popcount(keep & below(32 - static_cast<std::uint32_t>(__builtin_clz(taken))));
      at += stop;
      if (stop == 32) {
        // The last escape may have its digits behind the window.
        at += taken >> 31U != 0 ? 2U : taken >> 30U & 1U;
        continue;
      }
    }
    if (data[at] == '\n') {
      const bool crlf = to > kept && at > 0 && data[at - 1] == '\r';
      if (crlf) --to;
      while (to > kept && is_blank(to[-1])) --to;
      if (crlf) *to++ = '\r';
      *to++ = '\n';
      ++at;
      kept = to;
      continue;
    }
    // A '=' that is no escape: a soft line break, with blanks that some relay added, or a fault.
    std::size_t end = at + 1;
    while (end < size && is_blank(data[end])) ++end;
    if (end + 1 < size && data[end] == '\r' && data[end + 1] == '\n') ++end;
    if (end == size || data[end] == '\n') {
      kept = to;
      at = std::min(end + 1, size);
      continue;
    }
    if (done.faults++ == 0) done.first_fault = at;
    *to++ = '=';
    kept = to;
    ++at;
  }
  // The rest in plain; what waits in front of it, a CR or blanks that may go, is read again with it.
  while (to > kept && at > 0 && (is_blank(to[-1]) || to[-1] == '\r')) {
    --to;
    --at;
  }
  const auto written = static_cast<std::size_t>(to - out.data());
  const Decoded rest = scalar_kernels.qp_decode(in.subspan(at), out.subspan(written));
  if (rest.faults > 0 && done.faults == 0) done.first_fault = at + rest.first_fault;
  done.faults += rest.faults;
  done.written = written + rest.written;
  return done;
}

namespace {

constexpr std::size_t columns = 76;

// For four bytes, bit n of the index set: byte n is written as an escape. Two shuffles that are put together: one of the four bytes with
// '=' in byte 4, the other of their eight hex digits.
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
[[gnu::always_inline]] inline void put_broken(std::uint8_t*& to, std::size_t& column, const std::uint8_t* text, std::size_t size,
                                              std::size_t fits) {
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
    *writer.to++ = static_cast<std::uint8_t>(upper_hex_digits[c >> 4U]);
    *writer.to++ = static_cast<std::uint8_t>(upper_hex_digits[c & 15U]);
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
  const __m256i digits = table(reinterpret_cast<const std::uint8_t*>(upper_hex_digits.data()));
  std::size_t at = 0;
  // The second load of write_literals reads up to 32 bytes behind the window.
  while (at + 64 <= in.size() && to_end - writer.to >= 32 * 3 + 3 * 4 + 64) {
    const __m256i text = load(data + at);
    std::uint32_t safe = 32;
    if (mode == QpMode::text) {
      const __m256i next = load(data + at + 1);
      safe = first_bit(where(text, '\n') | where(text, '\r') | where(next, '\n') | where(next, '\r'));
    }
    const __m256i visible =
        _mm256_cmpeq_epi8(_mm256_min_epu8(_mm256_sub_epi8(text, all(32)), all(126 - 32)), _mm256_sub_epi8(text, all(32)));
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
          const __m256i hex = _mm256_shuffle_epi8(
              table(pairs.data() + 2 * done), _mm256_setr_epi8(-1, 0, 1, -1, 2, 3, -1, 4, 5, -1, 6, 7, -1, 8, 9, -1, 10, 11, -1, 12, 13, -1,
                                                               14, 15, -1, -1, -1, -1, -1, -1, -1, -1));
          const __m256i eight = _mm256_or_si256(hex, _mm256_setr_epi8('=', 0, 0, '=', 0, 0, '=', 0, 0, '=', 0, 0, '=', 0, 0, '=', 0, 0, '=',
                                                                      0, 0, '=', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
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
        const __m128i text_of_four = _mm_or_si128(_mm_shuffle_epi8(letters, load16(spread.from_text.data())),
                                                  _mm_shuffle_epi8(hex, load16(spread.from_digits.data())));
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
