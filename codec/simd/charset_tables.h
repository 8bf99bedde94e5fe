// Tables of charsets, written by tables/main.cpp while the project is built, from what iconv gives. Not for use outside this folder.
//
// An entry is one character as UTF-8: its bytes, lowest first, and their number in the highest byte; 0 where the charset has no character.
#pragma once

#include <array>
#include <cstring>

#include "codec/simd/simd.h"

namespace pushmail::simd {

struct SingleByteRow {
  std::string_view name;
  SingleByteCharset charset;
};
extern const std::array<SingleByteRow, 26> single_byte_rows;

extern const std::array<std::uint32_t, 128> jis_roman;          // JIS X 0201, ESC ( J
extern const std::array<std::uint32_t, 128> jis_kana;           // JIS X 0201, ESC ( I
extern const std::array<std::uint32_t, 94 * 94> jis_x_0208;     // rows and cells from 0x21
extern const std::array<std::uint32_t, 256> cp932_single;       // 0: a lead byte, or nothing
extern const std::array<std::uint32_t, 60 * 189> cp932_double;  // leads 81..9F, E0..FC; trails 40..FC

/// Writes an entry; four bytes at `to` must be there. Returns where it ends.
[[gnu::always_inline]] inline std::uint8_t* put_entry(std::uint8_t* to, std::uint32_t entry) {
  std::memcpy(to, &entry, sizeof entry);
  return to + (entry >> 24U);
}

}  // namespace pushmail::simd
