// Charsets to UTF-8 in plain C++, and the look-up of their tables.
#include <algorithm>

#include "codec/simd/japanese.h"
#include "codec/simd/kernels.h"

namespace pushmail::simd {
namespace {

struct CopyAscii {
  std::size_t operator()(const std::uint8_t* from, const std::uint8_t* end, std::uint8_t* to) const {
    std::size_t count = 0;
    for (; from + count < end && from[count] < 0x80 && from[count] != 0x1B; ++count) to[count] = from[count];
    return count;
  }
};

}  // namespace

const SingleByteCharset* single_byte_charset(std::string_view iconv_name) {
  const auto found = std::ranges::find(single_byte_rows, iconv_name, &SingleByteRow::name);
  return found == single_byte_rows.end() ? nullptr : &found->charset;
}

std::size_t scalar_single_byte_to_utf8(ByteView in, MutableBytes out, const SingleByteCharset& charset) {
  std::uint8_t* to = out.data();
  for (const std::uint8_t byte : in) to = put_entry(to, charset.utf8[byte]);
  return static_cast<std::size_t>(to - out.data());
}
Converted scalar_shift_jis_to_utf8(ByteView in, MutableBytes out) { return walk_shift_jis(in, out, CopyAscii{}); }
Converted scalar_iso2022jp_to_utf8(ByteView in, MutableBytes out) { return walk_iso2022jp(in, out, CopyAscii{}); }

}  // namespace pushmail::simd
