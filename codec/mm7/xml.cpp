#include "codec/mm7/xml.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "codec/mm7/errors.h"
#include "core/limits.h"

namespace pushmail::mm7 {

namespace {

std::string_view view(const xmlChar* text) { return text == nullptr ? std::string_view{} : std::string_view(reinterpret_cast<const char*>(text)); }

struct FreeContext {
  void operator()(xmlParserCtxt* context) const { xmlFreeParserCtxt(context); }
};

}  // namespace

/// The SAX2 callbacks and what they build. libxml2 hands `this` to each of them.
class XmlReader {
 public:
  [[nodiscard]] Result<XmlTree> read(ByteView document) {
    // libxml2 fills its tables at the first use; a local static makes that happen once, whatever thread comes first.
    [[maybe_unused]] static const bool initialised = (xmlInitParser(), true);
    context_.reset(xmlCreateMemoryParserCtxt(reinterpret_cast<const char*>(document.data()), static_cast<int>(document.size())));
    if (context_ == nullptr) return fail(mm7_bad_xml);
    xmlCtxtUseOptions(context_.get(), XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    *context_->sax = handler();
    context_->userData = this;
    xmlParseDocument(context_.get());
    if (broken_ != nullptr) return fail(*broken_, offset_);
    if (context_->wellFormed == 0) return fail(mm7_bad_xml, offset());
    return std::move(tree_);
  }

 private:
  static XmlReader& self(void* user) { return *static_cast<XmlReader*>(user); }

  static xmlSAXHandler handler() {
    xmlSAXHandler sax{};
    sax.initialized = XML_SAX2_MAGIC;
    sax.internalSubset = [](void* user, const xmlChar*, const xmlChar*, const xmlChar*) { self(user).stop(mm7_doctype); };
    sax.startElementNs = start;
    sax.endElementNs = [](void* user, const xmlChar*, const xmlChar*, const xmlChar*) { self(user).end(); };
    sax.characters = [](void* user, const xmlChar* text, int size) { self(user).characters({reinterpret_cast<const char*>(text), static_cast<std::size_t>(size)}); };
    sax.cdataBlock = sax.characters;
    sax.serror = [](void*, xmlErrorPtr) {};
    return sax;
  }

  static void start(void* user, const xmlChar* name, const xmlChar*, const xmlChar* uri, int, const xmlChar**, int attribute_count, int,
                    const xmlChar** attributes) {
    XmlReader& reader = self(user);
    auto& elements = reader.tree_.elements_;
    XmlElement element{.name = std::string(view(name)),
                       .namespace_uri = std::string(view(uri)),
                       .text = {},
                       .attributes = {},
                       .parent = reader.current_,
                       .depth = reader.current_ == XmlElement::none ? 1 : elements[reader.current_].depth + 1};
    if (element.depth > limits::xml_depth_max) return reader.stop(mm7_xml_too_deep);
    // Five pointers an attribute: local name, prefix, namespace, begin and end of the value.
    for (int i = 0; i < attribute_count; ++i) {
      const xmlChar* const* row = attributes + 5 * static_cast<std::ptrdiff_t>(i);
      element.attributes.emplace_back(view(row[0]), std::string(reinterpret_cast<const char*>(row[3]), static_cast<std::size_t>(row[4] - row[3])));
    }
    reader.current_ = elements.size();
    elements.push_back(std::move(element));
  }
  void end() {
    if (current_ != XmlElement::none) current_ = tree_.elements_[current_].parent;
  }
  void characters(std::string_view text) {
    if (current_ != XmlElement::none) tree_.elements_[current_].text += text;
  }
  void stop(const ErrorInfo& rule) {
    if (broken_ == nullptr) {
      broken_ = &rule;
      offset_ = offset();
    }
    xmlStopParser(context_.get());
  }
  [[nodiscard]] std::size_t offset() const { return static_cast<std::size_t>(std::max(0L, xmlByteConsumed(context_.get()))); }

  std::unique_ptr<xmlParserCtxt, FreeContext> context_;
  XmlTree tree_;
  std::size_t current_ = XmlElement::none;
  const ErrorInfo* broken_ = nullptr;
  std::size_t offset_ = 0;
};

std::string_view XmlElement::attribute(std::string_view wanted) const {
  const auto found = std::ranges::find_if(attributes, [&](const auto& row) { return ascii_equal_nocase(row.first, wanted); });
  return found == attributes.end() ? std::string_view{} : std::string_view(found->second);
}

std::size_t XmlTree::child(std::size_t parent, std::string_view name) const {
  for (std::size_t i = parent + 1; i < elements_.size() && elements_[i].depth > elements_[parent].depth; ++i) {
    if (elements_[i].parent == parent && (name.empty() || ascii_equal_nocase(elements_[i].name, name))) return i;
  }
  return none;
}

std::vector<std::size_t> XmlTree::children(std::size_t parent) const {
  std::vector<std::size_t> found;
  for (std::size_t i = parent + 1; i < elements_.size() && elements_[i].depth > elements_[parent].depth; ++i) {
    if (elements_[i].parent == parent) found.push_back(i);
  }
  return found;
}

std::size_t XmlTree::descendant(std::size_t top, std::string_view name) const {
  for (std::size_t i = top + 1; i < elements_.size() && elements_[i].depth > elements_[top].depth; ++i) {
    if (ascii_equal_nocase(elements_[i].name, name)) return i;
  }
  return none;
}

std::string_view XmlTree::text(std::size_t parent, std::string_view name) const {
  const std::size_t found = child(parent, name);
  return found == none ? std::string_view{} : text(found);
}

Result<XmlTree> parse_xml(ByteView document) {
  if (document.size() > limits::xml_size_max) return fail(mm7_xml_too_large, limits::xml_size_max);
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  std::string_view text = text_of(document);
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  if (text.empty()) return fail(mm7_bad_xml);
  XmlReader reader;
  return reader.read(bytes_of(text));
}

namespace {

/// Bytes of the well-formed UTF-8 character at the front that XML 1.0 §2.2 allows; 0 when it is none.
std::size_t legal_size(std::string_view rest) {
  const auto byte = [&](std::size_t i) { return i < rest.size() ? static_cast<std::uint8_t>(rest[i]) : std::uint8_t{0}; };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return lead >= 0x20 || lead == '\t' || lead == '\n' || lead == '\r' ? 1 : 0;
  const std::size_t size = lead >= 0xC2 && lead < 0xE0 ? 2 : lead >= 0xE0 && lead < 0xF0 ? 3 : lead >= 0xF0 && lead < 0xF5 ? 4 : 0;
  if (size == 0) return 0;
  std::uint32_t code = lead & (0x7FU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3FU);
  }
  if ((size == 3 && code < 0x800) || (size == 4 && (code < 0x10000 || code > 0x10FFFF))) return 0;
  if ((code >= 0xD800 && code <= 0xDFFF) || code == 0xFFFE || code == 0xFFFF) return 0;
  return size;
}

}  // namespace

std::string escape_xml(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t size = legal_size(text);
    if (size == 0) {
      out += "\xEF\xBF\xBD";
      text.remove_prefix(1);
      continue;
    }
    switch (text.front()) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case '"': out += "&quot;"; break;
      case '\r': out += "&#13;"; break;  // a bare CR would be read as LF
      default: out += text.substr(0, size);
    }
    text.remove_prefix(size);
  }
  return out;
}

}  // namespace pushmail::mm7
