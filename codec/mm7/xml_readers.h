// The two readers behind parse_xml(), apart so that a test can hold one against the other.
//
// Both build the same tree of the same document; tests/fuzz/mm7_xml.cpp asks that of every input.
#pragma once

#include <optional>
#include <string_view>

#include "codec/mm7/xml.h"
#include "core/arena.h"
#include "core/result.h"

namespace pushmail::mm7 {

/// Our own reader, for the XML that SOAP stacks write: UTF-8, names in ASCII, no document type declaration, no mixed content.
/// It never refuses: what it does not know for certain to be well-formed is no tree, and libxml2's to judge.
[[nodiscard]] std::optional<XmlTree> scan_xml(std::string_view document);

/// XML 1.0 §2.2.
[[nodiscard]] constexpr bool is_xml_character(char32_t c) {
  if (c < 0x20) return c == '\t' || c == '\n' || c == '\r';
  return c <= 0x10FFFF && c != 0xFFFE && c != 0xFFFF && (c < 0xD800 || c > 0xDFFF);
}

struct XmlCharacters {
  std::string_view text;
  bool is_converted = false;  // then U+FFFD stands for bytes that the encoding does not have
};
/// The document's characters by its byte order mark, its zero bytes or its declaration: itself where they are UTF-8 or nearly, or converted
/// into the arena. mm7.xml_encoding.
[[nodiscard]] Result<XmlCharacters> xml_characters(std::string_view document, Arena& arena);

struct CharacterReference {
  std::uint32_t code = 0;
  std::size_t size = 0;  // bytes from & to ;, 0: none stands here
};
/// `&#8364;` or `&#x20AC;` at the front of `text`; whatever number it has.
[[nodiscard]] CharacterReference character_reference(std::string_view text);

/// A copy of a document whose characters are not XML's, with such as are, in UTF-8 and without its declaration; nothing when there was
/// nothing to mend. What it becomes is in xml_mend.cpp.
[[nodiscard]] std::optional<std::string_view> xml_with_legal_characters(std::string_view document, Arena& arena);

/// The document as UTF-8: itself, or converted into the arena by its byte order mark, its zero bytes or its declaration. It starts with `<`
/// and something that is no NUL. mm7.xml_encoding or mm7.bad_xml, whose position is one in the converted text.
[[nodiscard]] Result<std::string_view> xml_as_utf8(std::string_view document, Arena& arena);

/// libxml2's SAX2 interface without network or entities; a document type declaration stops it before anything in it is looked at.
/// `document` starts with its first character and is at most xml_size_max bytes.
[[nodiscard]] Result<XmlTree> read_with_libxml2(std::string_view document);

}  // namespace pushmail::mm7
