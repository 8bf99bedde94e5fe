// Shift_JIS and ISO-2022-JP to UTF-8, for every instruction set: `copy_ascii` is what differs. Not for use outside this folder.
//
// copy_ascii(from, from_end, to) copies bytes that are ASCII and no escape, as many as it likes, and returns how many. A set of kernels
// gives an object of a type of its own file, so that each instantiation stays in that file.
#pragma once

#include "codec/simd/charset_tables.h"

namespace pushmail::simd {

/// Where the characters of a lead byte are in cp932_double.
inline constexpr std::uint16_t cp932_no_lead = 0xFFFF;
inline constexpr std::array<std::uint16_t, 256> cp932_rows = [] {
  std::array<std::uint16_t, 256> rows{};
  rows.fill(cp932_no_lead);
  std::uint16_t row = 0;
  for (std::size_t lead = 0x81; lead <= 0xFC; ++lead) {
    if (lead >= 0xA0 && lead < 0xE0) continue;
    rows[lead] = row;
    row = static_cast<std::uint16_t>(row + 189);
  }
  return rows;
}();

template <typename CopyAscii>
Converted walk_shift_jis(ByteView in, MutableBytes out, CopyAscii copy_ascii) {
  const std::uint8_t* from = in.data();
  const std::uint8_t* const end = from + in.size();
  std::uint8_t* to = out.data();
  while (from < end) {
    if (*from < 0x80) {
      const std::size_t copied = copy_ascii(from, end, to);
      from += copied;
      to += copied;
      if (copied > 0) continue;
    }
    // Most of Japanese is characters of two bytes, one behind the other.
    while (end - from >= 2) {
      const std::size_t row = cp932_rows[from[0]];
      const std::size_t trail = from[1] - std::size_t{0x40};
      if (row == cp932_no_lead || trail >= 189) break;
      const std::uint32_t entry = cp932_double[row + trail];
      if (entry == 0) break;
      to = put_entry(to, entry);
      from += 2;
    }
    if (from == end) break;
    const std::uint32_t single = cp932_single[*from];
    if (single == 0) break;
    to = put_entry(to, single);
    ++from;
  }
  return {static_cast<std::size_t>(from - in.data()), static_cast<std::size_t>(to - out.data())};
}

//   ascii <--ESC ( B-- any --ESC ( J--> roman,  --ESC ( I--> kana,  --ESC $ @ or ESC $ B--> double     (RFC 1468; JIS X 0201)
template <typename CopyAscii>
Converted walk_iso2022jp(ByteView in, MutableBytes out, CopyAscii copy_ascii) {
  constexpr std::uint8_t escape = 0x1B;
  const std::uint8_t* from = in.data();
  const std::uint8_t* const end = from + in.size();
  std::uint8_t* to = out.data();
  // Another converter can go on only where ASCII is designated.
  Converted resume;
  const auto here = [&] { return Converted{static_cast<std::size_t>(from - in.data()), static_cast<std::size_t>(to - out.data())}; };
  enum class Set : std::uint8_t { ascii, roman, kana, two_bytes } set = Set::ascii;
  while (true) {
    if (set == Set::two_bytes) {
      while (end - from >= 2) {
        const unsigned row = from[0] - 0x21U;
        const unsigned cell = from[1] - 0x21U;
        if (row >= 94 || cell >= 94) break;
        const std::uint32_t entry = jis_x_0208[row * 94 + cell];
        if (entry == 0) return resume;
        to = put_entry(to, entry);
        from += 2;
      }
    } else if (set == Set::ascii) {
      const std::size_t copied = copy_ascii(from, end, to);
      from += copied;
      to += copied;
    }
    if (set == Set::ascii) resume = here();
    if (from == end) return here();
    if (*from == escape) {
      if (end - from < 3) return resume;
      if (from[1] == '(' && from[2] == 'B')
        set = Set::ascii;
      else if (from[1] == '(' && from[2] == 'J')
        set = Set::roman;
      else if (from[1] == '(' && from[2] == 'I')
        set = Set::kana;
      else if (from[1] == '$' && (from[2] == '@' || from[2] == 'B'))
        set = Set::two_bytes;
      else
        return resume;
      from += 3;
      continue;
    }
    // Control characters and the blank are the same in all sets.
    std::uint32_t entry = *from | 1U << 24U;
    if (*from >= 0x80) return resume;
    if (*from >= 0x21 && *from != 0x7F) {
      if (set == Set::two_bytes) return resume;
      if (set == Set::roman) entry = jis_roman[*from];
      if (set == Set::kana) entry = jis_kana[*from];
    }
    if (entry == 0) return resume;
    to = put_entry(to, entry);
    ++from;
  }
}

}  // namespace pushmail::simd
