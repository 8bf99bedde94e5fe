// The kernels: the few loops over bytes where the time of a mail goes, behind one table of function pointers.
//
// Called from: codec/mime. Each instruction set is one Kernels row (scalar.cpp, avx2.cpp) and one line in dispatch.cpp;
// scalar is the oracle: every row passes the same tests (tests/unit/codec/simd runs over all_supported()).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/bytes.h"

namespace pushmail::simd {

inline constexpr std::size_t none = static_cast<std::size_t>(-1);

/// What a decoder did. Faults are bytes that do not belong there; they are passed over, never fatal.
struct Decoded {
  std::size_t used = 0;  // input bytes; less than all of them only when base64 met its padding
  std::size_t written = 0;
  std::size_t faults = 0;
  std::size_t first_fault = none;  // offset in the input
};

/// Text keeps its line ends (LF and CRLF become CRLF); binary has none, so CR and LF are encoded.
enum class QpMode : std::uint8_t { text, binary };

/// A charset of one byte a character.
struct SingleByteCharset {
  std::array<std::uint32_t, 256> utf8;  // bytes of UTF-8, lowest first, their number in the highest byte; U+FFFD where there is none
  std::uint16_t same_from;              // from this byte on the character's number is the byte; 256: nowhere
};
/// By iconv's name; nullptr when it is none of those that are built in.
[[nodiscard]] const SingleByteCharset* single_byte_charset(std::string_view iconv_name);

/// What was converted. Less than all: from `used` on (ASCII is designated there) is something that iconv has to judge.
struct Converted {
  std::size_t used = 0;
  std::size_t written = 0;
};

/// Upper bounds for `out`.
[[nodiscard]] constexpr std::size_t base64_decoded_max(std::size_t in) { return in / 4 * 3 + 3; }
[[nodiscard]] constexpr std::size_t base64_encoded_size(std::size_t in) { return (in + 2) / 3 * 4 + (in + 56) / 57 * 2; }
[[nodiscard]] constexpr std::size_t qp_encoded_max(std::size_t in) { return in * 3 + in / 8 + 8; }
[[nodiscard]] constexpr std::size_t charset_utf8_max(std::size_t in) { return in * 3 + 4; }

struct Kernels {
  std::string_view name;

  /// RFC 2045 §6.8. Any line length; white space is no fault, other foreign bytes are. Stops behind the padding or at the end, where
  /// padding may be missing (noted as fault at the end when a lone character is left over, which carries no byte).
  Decoded (*base64_decode)(ByteView in, MutableBytes out);
  /// Lines of 76 characters, each with CRLF. Returns base64_encoded_size(in.size()).
  std::size_t (*base64_encode)(ByteView in, MutableBytes out);

  /// RFC 2045 §6.7. Blanks at a line's end go, `=` that starts nothing stays and is a fault. `out` holds in.size() bytes.
  Decoded (*qp_decode)(ByteView in, MutableBytes out);
  /// Lines of at most 76 characters. Returns the bytes written.
  std::size_t (*qp_encode)(ByteView in, MutableBytes out, QpMode mode);

  /// Length of the longest prefix that is UTF-8 by RFC 3629 (no surrogates, no overlong forms); in.size() when all of it is.
  std::size_t (*utf8_valid_prefix)(ByteView in);

  /// Offset of the first `byte` at or after `from`, or none.
  std::size_t (*find_byte)(ByteView in, std::size_t from, std::uint8_t byte);
  /// Offset of the first line at or after `from` that starts with `--`, or none. `from` must be a line's start.
  std::size_t (*find_dash_line)(ByteView in, std::size_t from);
  /// Offset where mail at or after `from` cannot go through DATA as it is, or none: a CR or LF that is alone (in front of the LF), or the
  /// LF in front of a dot (RFC 5321 §2.3.8, §4.5.2). A CR or LF at the very end, and what stands at `from` itself, is judged by the caller.
  std::size_t (*find_dot_line)(ByteView in, std::size_t from);
  /// Offset of the LF that ends the header field at `from`, folded lines included (RFC 5322 §2.2.3): no blank follows. Or none.
  std::size_t (*find_field_end)(ByteView in, std::size_t from);

  /// To UTF-8; `out` holds charset_utf8_max(in.size()). Shift_JIS is CP932, ISO-2022-JP has JIS X 0201 and 0208, both as iconv has them.
  std::size_t (*single_byte_to_utf8)(ByteView in, MutableBytes out, const SingleByteCharset& charset);
  Converted (*shift_jis_to_utf8)(ByteView in, MutableBytes out);
  Converted (*iso2022jp_to_utf8)(ByteView in, MutableBytes out);
};

/// Best first; the last one is scalar. Chosen once by what the processor can do.
[[nodiscard]] std::span<const Kernels* const> all_supported();
[[nodiscard]] const Kernels& active();

}  // namespace pushmail::simd
