// The value types of WSP: integers, lengths and texts (WAP-230 §8.1.2, §8.4.2).
//
// Came from: MMS PDUs and push headers. Goes to: codec/mms, content_type.h, multipart.h. Invariant: the reader never moves past the
// end of its bytes; every error names the offset where the value began.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "codec/wap/errors.h"
#include "core/arena.h"
#include "core/bytes.h"
#include "core/result.h"

namespace pushmail::wap {

/// In lower case (ASCII): the same view when it is that already, else a copy in the arena.
[[nodiscard]] std::string_view lower(std::string_view text, Arena& arena);

/// A text with the charset it came in; the octets are not converted here. `charset` is a MIBenum, 0 where none was given.
struct EncodedString {
  std::uint32_t charset = 0;
  ByteView octets;  // without quote and terminating NUL
};

class Reader {
 public:
  /// `offset` is where `bytes` begins in what the caller calls the input; it is added to the offsets of errors.
  explicit Reader(ByteView bytes, std::size_t offset = 0) : bytes_(bytes), offset_(offset) {}

  [[nodiscard]] bool at_end() const { return at_ >= bytes_.size(); }
  [[nodiscard]] std::size_t offset() const { return offset_ + at_; }
  [[nodiscard]] std::size_t left() const { return bytes_.size() - at_; }
  [[nodiscard]] ByteView rest() const { return bytes_.subspan(at_); }
  /// The next octet without taking it; 0 at the end.
  [[nodiscard]] std::uint8_t peek() const { return at_end() ? std::uint8_t{0} : bytes_[at_]; }

  [[nodiscard]] Result<std::uint8_t> octet() {
    if (at_end()) return fail(wsp_truncated, offset());
    return bytes_[at_++];
  }
  [[nodiscard]] Result<ByteView> take(std::size_t size) {
    if (size > left()) return fail(wsp_truncated, offset());
    const ByteView taken = bytes_.subspan(at_, size);
    at_ += size;
    return taken;
  }
  [[nodiscard]] Result<std::uint32_t> uintvar();
  /// 0 to 30 as an octet, or 31 and a uintvar.
  [[nodiscard]] Result<std::uint32_t> value_length();
  /// A reader over the value that a value-length announces; this reader moves behind it.
  [[nodiscard]] Result<Reader> counted();
  [[nodiscard]] Result<std::uint64_t> long_integer();
  /// Short or long.
  [[nodiscard]] Result<std::uint64_t> integer() {
    if ((peek() & 0x80) == 0) return long_integer();
    return bytes_[at_++] & 0x7FU;
  }
  /// Text to NUL; a leading quote octet 7F or quotation mark is dropped.
  [[nodiscard]] Result<std::string_view> text();
  [[nodiscard]] Result<EncodedString> encoded_string();
  /// Passes over a value of any type by its first octet (WAP-230 §8.4.1.2).
  [[nodiscard]] Result<void> skip_value();

 private:
  ByteView bytes_;
  std::size_t offset_;
  std::size_t at_ = 0;
};

void write_uintvar(Bytes& out, std::uint32_t value);
void write_value_length(Bytes& out, std::size_t length);
/// A length in front of what was written since `begin`, which moves behind it: a value need not be measured before it is written.
void insert_value_length(Bytes& out, std::size_t begin);
void insert_uintvar(Bytes& out, std::size_t at, std::uint32_t value);
void write_short_integer(Bytes& out, std::uint8_t value);
void write_long_integer(Bytes& out, std::uint64_t value);
/// Short where it fits.
void write_integer(Bytes& out, std::uint64_t value);
/// NULs inside are left out; the quote octet is set where the first octet needs it.
void write_text(Bytes& out, std::string_view text);
/// Quotation mark, the pieces, NUL.
void write_quoted(Bytes& out, std::initializer_list<std::string_view> pieces);
/// ASCII as text; anything else as UTF-8 with its charset.
void write_encoded_string(Bytes& out, std::string_view utf8);

}  // namespace pushmail::wap
