// Files that stand in the text of a mail as uuencode (POSIX uuencode), from before MIME and from readers that never learned it.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "codec/mime/message.h"

namespace pushmail::mime {

struct InlineFile {
  std::string_view name;  // UTF-8, as the begin line says
  std::size_t begin = 0;  // offset of the begin line in the text
  std::size_t end = 0;    // behind the end line
  ByteView data;
};
/// The complete files in a text, in order: `begin MODE NAME`, lines of data, `end`. What only looks like one stays text.
[[nodiscard]] std::span<const InlineFile> read_uuencoded(std::string_view text, Arena& arena);

/// A body whose transfer coding is uuencode: the data of its first file, also when that never ends.
[[nodiscard]] ByteView decode_uuencode(ByteView body, Arena& arena);

}  // namespace pushmail::mime
