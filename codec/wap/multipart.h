// The multipart body of WSP (WAP-230 §8.5): a count, then entries of two lengths, headers and data.
//
// Came from: codec/mms (the body behind Content-Type). Goes to: MultimediaMessage. Data are views into the caller's bytes.
#pragma once

#include <string>
#include <vector>

#include "codec/wap/content_type.h"

namespace pushmail::wap {

struct Entry {
  ContentType type;
  std::string content_id;                // without <>
  std::string content_location;
  std::string file_name;                 // of Content-Disposition
  std::string transfer_encoding;         // lower case, empty when not given
  ByteView data;
};

/// Reads entries to the end of the data: phones miscount. An entry that runs past the end is an error as long as fewer than the
/// announced number were read.
[[nodiscard]] Result<std::vector<Entry>> read_multipart(Reader& reader);
/// Everything of an entry before its data: the two lengths and the headers.
void write_entry_head(Bytes& out, const Entry& entry);

}  // namespace pushmail::wap
