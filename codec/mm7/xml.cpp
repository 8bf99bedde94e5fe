#include "codec/mm7/xml.h"

#include <algorithm>

#include "codec/mm7/errors.h"
#include "codec/mm7/xml_readers.h"
#include "core/character_set.h"
#include "core/limits.h"
#include "core/utf8.h"

namespace pushmail::mm7 {

std::size_t XmlTree::child(std::size_t parent, std::string_view name) const {
  for (const std::size_t i : children(parent)) {
    if (name.empty() || ascii_equal_nocase(elements_[i].name, name)) return i;
  }
  return none;
}

std::size_t XmlTree::descendant(std::size_t top, std::string_view name) const {
  for (std::size_t i = top + 1; i < elements_[top].end; ++i) {
    if (ascii_equal_nocase(elements_[i].name, name)) return i;
  }
  return none;
}

std::string_view XmlTree::text(std::size_t parent, std::string_view name) const {
  const std::size_t found = child(parent, name);
  return found == none ? std::string_view{} : text(found);
}

std::string_view XmlTree::attribute(std::size_t index, std::string_view name) const {
  for (std::size_t i = 0; i < elements_[index].attribute_count; ++i) {
    const XmlAttribute& row = attribute_at(index, i);
    if (ascii_equal_nocase(row.name, name)) return row.value;
  }
  return {};
}

Result<XmlTree> parse_xml(ByteView document) {
  if (document.size() > limits::xml_size_max) return fail(mm7_xml_too_large, limits::xml_size_max);
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  std::string_view text = text_of(document);
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  if (text.empty()) return fail(mm7_bad_xml);
  if (auto tree = scan_xml(text)) return std::move(*tree);
  auto read = read_with_libxml2(text);
  if (read || !read.error().is(mm7_bad_xml)) return read;
  Arena arena;
  const auto mended = xml_with_legal_characters(text, arena);
  if (!mended) return read;
  // Longer than the document, by what an ampersand takes.
  if (mended->size() > limits::xml_size_max) return fail(mm7_xml_too_large, limits::xml_size_max);
  return read_with_libxml2(*mended);
}

namespace {

/// Bytes of the character at the front; 0 when it is none, or none of XML's.
std::size_t legal_size(std::string_view rest) {
  const CodePoint found = code_point_at(rest);
  return is_xml_character(found.value) ? found.size : 0;
}

/// The characters that stand for themselves wherever we write text.
constexpr CharacterSet unescaped([](char c) { return c >= 0x20 && c < 0x7F && c != '<' && c != '>' && c != '&' && c != '"'; });

}  // namespace

void append_escaped(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const auto plain_size = static_cast<std::size_t>(std::ranges::find_if_not(text, unescaped) - text.begin());
    out += text.substr(0, plain_size);
    text.remove_prefix(plain_size);
    if (text.empty()) return;
    const std::size_t size = legal_size(text);
    if (size == 0) {
      out += "\xEF\xBF\xBD";
      text.remove_prefix(1);
      continue;
    }
    switch (text.front()) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\r':
        out += "&#13;";
        break;  // a bare CR would be read as LF
      default:
        out += text.substr(0, size);
    }
    text.remove_prefix(size);
  }
}

}  // namespace pushmail::mm7
