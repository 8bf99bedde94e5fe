// Quoted-printable to bytes in windows of 32 (RFC 2045 §6.7), for AVX2 and what comes after it. The file of each set includes this once, with
// a `Set` of its own in an anonymous namespace (see base64_lines.h). It has
//   put_kept(to, v, keep)      writes the bytes of `v` whose bits are set in `keep`, at most 32 bytes in all; returns where those kept end
#pragma once

#include <algorithm>

#include "codec/simd/avx2.h"

namespace pushmail::simd::avx2 {

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

[[gnu::always_inline]] inline bool is_blank(std::uint8_t c) { return c == ' ' || c == '\t'; }

[[gnu::always_inline]] inline bool is_crlf(const std::uint8_t* p) {
  std::uint16_t two;
  std::memcpy(&two, p, sizeof two);
  return two == 0x0A0D;
}

/// Lines of 75 literals and a soft break, which is what long paragraphs of ASCII are. Their place does not depend on what they hold, so the
/// processor need not wait for one line to find the next. Returns how many there are.
template <class Set>
std::size_t full_lines(const std::uint8_t* from, std::size_t size, std::uint8_t* to, std::size_t room) {
  constexpr std::size_t literals = 75;
  constexpr std::size_t stride = literals + 3;
  std::size_t count = 0;
  for (; size >= stride && room >= literals; ++count, from += stride, size -= stride, to += literals, room -= literals) {
    if (from[literals] != '=' || !is_crlf(from + literals + 1)) break;
    const __m256i a = load(from);
    const __m256i b = load(from + 32);
    const __m256i c = load(from + literals - 32);
    const auto special = [](__m256i text) { return _mm256_or_si256(_mm256_cmpeq_epi8(text, all('=')), _mm256_cmpeq_epi8(text, all('\n'))); };
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

//  text        . c a f = C 3 = A 9 . .      32 bytes, and the two behind them
//  value       * * * * Ã * * © * * * *      hex(next) * 16 + hex(next but one), wanted only at '='
//  keep        1 1 1 1 1 0 0 1 0 0 1 1      not the two behind a '='
//  out         . c a f Ã © . .              blended, then closed up by the set's own means: no branch for any mixture
//
// A window ends in front of the first LF and of the first '=' that starts no escape; those go one by one.
template <class Set>
Decoded qp_decode_windows(ByteView in, MutableBytes out) {
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
      const std::size_t lines = full_lines<Set>(data + at, size - at, to, static_cast<std::size_t>(to_end - to));
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
      to = Set::put_kept(to, _mm256_blendv_epi8(text, value, _mm256_cmpeq_epi8(text, all('='))), keep);
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

}  // namespace pushmail::simd::avx2
