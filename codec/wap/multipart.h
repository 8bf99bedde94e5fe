// The multipart body of WSP (WAP-230 §8.5): a count, then entries of two lengths, headers and data.
//
// Came from: codec/mms (the body behind Content-Type). Goes to: MultimediaMessage. Data are views into the caller's bytes; texts
// too, or into the caller's arena.
#pragma once

#include <span>
#include <string_view>

#include "codec/wap/content_type.h"

namespace pushmail::wap {

struct Entry {
  ContentType type;
  std::string_view content_id;  // without <>
  std::string_view content_location;
  std::string_view file_name;          // of Content-Disposition
  std::string_view transfer_encoding;  // lower case, empty when not given
  ByteView data;
};

/// Reads entries to the end of the data: phones miscount. An entry that runs past the end is an error as long as fewer than the
/// announced number were read.
[[nodiscard]] Result<std::span<const Entry>> read_multipart(Reader& reader, Arena& arena);
/// Everything of an entry before its data: the two lengths and the headers.
void write_entry_head(Bytes& out, const Entry& entry);

}  // namespace pushmail::wap
