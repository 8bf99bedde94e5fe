// Header block and structured field values: the layer below parse(). Not for use outside this folder.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec/mime/message.h"

namespace pushmail::mime {

/// A header block: its fields and where the body starts.
struct FieldBlock {
  std::span<const Field> fields;  // in the arena
  std::size_t body = 0;           // offset in the bytes
  bool has_blank_line = false;    // the one that ends a header
};
/// A body part has a header or an empty line (RFC 2046 §5.1.1); what comes as a message may be text alone.
enum class HeaderOf : std::uint8_t { message, part };
/// Reads fields from `from` up to the blank line, to `end`, or to the first line that can be none. Notes go to `tolerated`.
[[nodiscard]] FieldBlock read_fields(ByteView bytes, std::size_t from, std::size_t end, HeaderOf of, Arena& arena,
                                     std::vector<Tolerance>& tolerated);

/// `text/plain; charset=utf-8`: the leading token in lower case and the parameters (RFC 2045 §5.1, RFC 2231).
struct StructuredValue {
  std::string_view token;
  std::span<const Parameter> parameters;
  [[nodiscard]] std::string_view parameter(std::string_view name) const;
};
[[nodiscard]] StructuredValue parse_structured(std::string_view value, Arena& arena, std::string_view raw_charset = {});
/// `type/subtype`, both tokens (RFC 2045 §5.1).
[[nodiscard]] bool is_media_type(std::string_view token);
/// ASCII letters in lower case; the text itself when it has no capitals.
[[nodiscard]] std::string_view lower_case(std::string_view text, Arena& arena);

/// Whether a label is one that to_utf8 knows by itself or through iconv.
[[nodiscard]] bool is_known_charset(std::string_view label);
/// Whether a label names a charset in which bytes above 127 mean something else than in UTF-8 and windows-1252.
[[nodiscard]] bool is_telling_charset(std::string_view label);
/// Bytes without a label: UTF-8 when they are valid, ISO-2022-JP when they have its escapes, else `otherwise`; windows-1252 when that is
/// empty.
[[nodiscard]] std::string_view guess_utf8(ByteView bytes, Arena& arena, std::string_view otherwise = {});
[[nodiscard]] std::string guess_utf8(ByteView bytes);

/// The domain in lower case; labels that are not ASCII as A-labels, mapped by UTS #46. What is no name of IDNA stays as it is written.
[[nodiscard]] std::string_view domain_to_ascii(std::string_view domain, Arena& arena);

}  // namespace pushmail::mime
