// Which loop of a base64 decoder takes which lines: the same for every vector set. Each set's file includes this once, with a `Set` of its
// own in an anonymous namespace, so that no copy that was compiled for one set reaches another.
//
// A Set has
//   digits_per_vector          a multiple of four
//   Bad                        what tests gather: default constructed it is clean; any(bad), first(bad) is the place of the first foreign
//   byte block(from, to, bad)       a vector of digits to bytes; it may write up to a third as many bytes of no meaning behind them
//   lines_of_76<End>(...)      as many such lines as it likes, in one go; `End` is the size of the line end
//   find_byte                  as in Kernels
#pragma once

#include <algorithm>
#include <cstring>

#include "codec/simd/kernels.h"

namespace pushmail::simd {

inline constexpr std::size_t base64_columns = 76;

/// Not 0 when the line end of so many bytes is not at `at`.
template <std::size_t End>
[[gnu::always_inline]] inline std::uint32_t bad_line_end(const std::uint8_t* at) {
  if constexpr (End == 1) {
    return *at ^ 0x0AU;
  } else {
    std::uint16_t crlf;
    std::memcpy(&crlf, at, sizeof crlf);
    return crlf ^ 0x0A0DU;
  }
}

/// Where a loop stands, and where it ends; `stop` writes back to the run.
struct Base64Cursor {
  const std::uint8_t* from;
  std::uint8_t* to;
  std::size_t left;  // of the input
  std::size_t room;  // in the output

  [[gnu::always_inline]] Base64Cursor(const Base64Run& run, ByteView in, MutableBytes out)
      : from(in.data() + run.done.used),
        to(out.data() + run.done.written),
        left(in.size() - run.done.used),
        room(out.size() - run.done.written) {}
  [[gnu::always_inline]] void pass(std::size_t used, std::size_t written) {
    from += used;
    left -= used;
    to += written;
    room -= written;
  }
  [[gnu::always_inline]] void stop(Base64Run& run, ByteView in, MutableBytes out) const {
    run.done.used = in.size() - left;
    run.done.written = out.size() - room;
  }
};

/// Lines of one other length, a vector or more and whole groups: as many vectors as go, the last one ends with the line.
template <class Set>
void base64_lines_of(std::size_t size, std::size_t end, Base64Run& run, ByteView in, MutableBytes out) {
  constexpr std::size_t vector = Set::digits_per_vector;
  const std::size_t bytes = size / 4 * 3;
  Base64Cursor at(run, in, out);
  while (at.left >= size + end && at.room >= bytes + vector / 4) {
    typename Set::Bad bad{};
    for (std::size_t digit = 0; digit + vector < size; digit += vector) Set::block(at.from + digit, at.to + digit / 4 * 3, bad);
    Set::block(at.from + size - vector, at.to + bytes - vector / 4 * 3, bad);
    const std::uint32_t bad_end = end == 2 ? bad_line_end<2>(at.from + size) : bad_line_end<1>(at.from + size);
    if (bad_end != 0 || Set::any(bad)) break;
    at.pass(size + end, bytes);
  }
  at.stop(run, in, out);
}

/// Digits without any line: stops in front of the first vector that has something else, behind its whole groups.
template <class Set>
void base64_digits(Base64Run& run, ByteView in, MutableBytes out) {
  constexpr std::size_t vector = Set::digits_per_vector;
  Base64Cursor at(run, in, out);
  while (at.left >= vector && at.room >= vector) {
    typename Set::Bad bad{};
    Set::block(at.from, at.to, bad);
    const std::size_t groups = Set::first(bad) / 4;
    at.pass(groups * 4, groups * 3);
    if (groups < vector / 4) break;
  }
  at.stop(run, in, out);
}

template <class Set>
Decoded base64_decode_lines(ByteView in, MutableBytes out) {
  constexpr std::size_t line_max = 1000;
  Base64Run run;
  std::size_t looked = 0;  // lines are looked for once, so that what has none costs little more
  while (!run.padded && run.done.used < in.size()) {
    // Here no digit waits. How long is the line that starts here?
    const std::size_t at = run.done.used;
    if (at >= looked) {
      const std::size_t window = std::min(in.size(), at + line_max);
      const std::size_t newline = Set::find_byte(in.first(window), at, '\n');
      looked = newline == none ? window : newline + 1;
      if (newline != none && newline >= at + Set::digits_per_vector) {
        const std::size_t end = in[newline - 1] == '\r' ? 2 : 1;
        const std::size_t size = newline + 1 - end - at;
        if (size == base64_columns && end == 2) Set::template lines_of_76<2>(run, in, out);
        if (size == base64_columns && end == 1) Set::template lines_of_76<1>(run, in, out);
        if (size >= Set::digits_per_vector && size % 4 == 0) base64_lines_of<Set>(size, end, run, in, out);
      }
    }
    const std::size_t before = run.done.used;
    base64_digits<Set>(run, in, out);
    // What stopped it, byte by byte: a line end is short, other things come together.
    base64_run(run, in, out, run.done.used + (run.done.used > before ? 2 : 64));
  }
  return base64_finish(run, in, out);
}

}  // namespace pushmail::simd
