// What can be in an MM: one table of media types, their extensions, and whether an MM carries them. Not for use outside this folder.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/bytes.h"

namespace pushmail::convert {

enum class Carriage : std::uint8_t {
  carried,  // TS 26.140, or what phones take beyond it
  listed,   // no phone shows it from an MM: named with its size, and left out
};

struct MediaType {
  std::string_view media_type;  // one that ends in `.` or `-` stands for all that start with it
  std::string_view extension;   // of a part without name
  Carriage carriage;
};
/// Null for one that is not in the table: such parts are carried, as the phone may know better.
[[nodiscard]] const MediaType* media_type_row(std::string_view media_type);
[[nodiscard]] Carriage carriage_of(std::string_view media_type);

/// image/jpg and the like as registered; application/octet-stream by the name's extension, where the table has it.
[[nodiscard]] std::string_view usual_media_type(std::string_view media_type, std::string_view name);
/// What the first bytes of a file say that it is, for one of which nobody said it; empty when they say nothing.
[[nodiscard]] std::string_view media_type_of_content(ByteView head);
/// How many bytes that looks at.
inline constexpr std::size_t content_head_size = 16;
/// A text that stands in a mail to be read (RFC 2046 §4.1.4), and is no file of another program.
[[nodiscard]] bool is_readable_text(std::string_view media_type);
/// What stands behind the last dot, when that is short and has letters and digits alone; else empty.
[[nodiscard]] std::string_view extension_of(std::string_view name);

}  // namespace pushmail::convert
