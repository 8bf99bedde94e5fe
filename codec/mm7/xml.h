// XML in and out for SOAP: a flat tree of elements by local name, and text that is always legal XML 1.0.
//
// Came from: the SOAP part of an HTTP body. Goes to: codec/mm7/read.cpp. libxml2's SAX2 interface does the reading; a document type
// declaration stops it before anything in it is looked at, so there are no entities but the five of XML, no DTD and no network.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/bytes.h"
#include "core/result.h"

namespace pushmail::mm7 {

struct XmlElement {
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  std::string name;                      // local name
  std::string namespace_uri;
  std::string text;                      // of this element alone, not of its children
  std::vector<std::pair<std::string, std::string>> attributes;  // local name, value
  std::size_t parent = none;
  std::size_t depth = 0;

  /// The attribute's value, name compared without case; empty when absent.
  [[nodiscard]] std::string_view attribute(std::string_view wanted) const;
};

/// Elements in document order; [0] is the root. Names are compared without case and without namespace.
class XmlTree {
 public:
  static constexpr std::size_t none = XmlElement::none;

  [[nodiscard]] bool empty() const { return elements_.empty(); }
  [[nodiscard]] const XmlElement& at(std::size_t index) const { return elements_[index]; }
  /// The first child of `parent` with this name; none when there is none. An empty name finds the first child.
  [[nodiscard]] std::size_t child(std::size_t parent, std::string_view name) const;
  [[nodiscard]] std::vector<std::size_t> children(std::size_t parent) const;
  /// The first element below `top` with this name, at any depth.
  [[nodiscard]] std::size_t descendant(std::size_t top, std::string_view name) const;
  /// The child's text, trimmed; empty when there is none.
  [[nodiscard]] std::string_view text(std::size_t parent, std::string_view name) const;
  [[nodiscard]] std::string_view text(std::size_t index) const { return ascii_trim(elements_[index].text); }

 private:
  friend class XmlReader;
  std::vector<XmlElement> elements_;
};

/// Reads a document; a byte order mark or blanks before it are passed over. Limits: xml_size_max, xml_depth_max.
[[nodiscard]] Result<XmlTree> parse_xml(ByteView document);

/// `text` for element content or a quoted attribute: markup escaped, what XML 1.0 cannot carry replaced by U+FFFD.
[[nodiscard]] std::string escape_xml(std::string_view text);

}  // namespace pushmail::mm7
