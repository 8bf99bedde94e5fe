// Header block and structured field values: the layer below parse(). Not for use outside this folder.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "codec/mime/message.h"

namespace pushmail::mime {

/// A header block: its fields and where the body starts.
struct FieldBlock {
  std::vector<Field> fields;
  std::size_t body = 0;              // offset in the bytes
};
/// Reads fields from `from` up to the blank line, to `end`, or to the first line that can be none. Notes go to `tolerated`.
[[nodiscard]] FieldBlock read_fields(ByteView bytes, std::size_t from, std::size_t end, std::vector<Tolerance>& tolerated);

/// `text/plain; charset=utf-8`: the leading token in lower case and the parameters (RFC 2045 §5.1, RFC 2231).
struct StructuredValue {
  std::string token;
  std::vector<Parameter> parameters;
  [[nodiscard]] std::string_view parameter(std::string_view name) const;
};
[[nodiscard]] StructuredValue parse_structured(std::string_view value);

/// Whether a label is one that to_utf8 knows by itself or through iconv.
[[nodiscard]] bool is_known_charset(std::string_view label);
/// Bytes without a label: UTF-8 when they are valid, ISO-2022-JP when they have its escapes, else windows-1252.
[[nodiscard]] std::string guess_utf8(ByteView bytes);

/// The domain in lower case; labels that are not ASCII as A-labels (RFC 3492). Nothing is mapped beyond ASCII case.
[[nodiscard]] std::string domain_to_ascii(std::string_view domain);

}  // namespace pushmail::mime
