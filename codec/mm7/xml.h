// XML in and out for SOAP: a flat tree of elements by local name, and text that is always legal XML 1.0.
//
// Came from: the SOAP part of an HTTP body. Goes to: codec/mm7/read.cpp. The tree is views: into the document, and into an arena of its
// own for what had to be decoded. Two readers fill it (xml_readers.h): our scanner, and libxml2 for what the scanner leaves alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/result.h"

namespace pushmail::mm7 {

struct XmlAttribute {
  std::string_view name;  // local name
  std::string_view value;
};

struct XmlElement {
  static constexpr std::uint32_t none = static_cast<std::uint32_t>(-1);

  std::string_view name;  // local name
  std::string_view namespace_uri;
  std::string_view text;  // of this element alone; runs of blanks around child elements are no text
  std::uint32_t parent = none;
  std::uint32_t end = 0;  // index behind its last descendant: the next element that is not inside it
  std::uint32_t first_attribute = 0;
  std::uint32_t attribute_count = 0;
};

/// Elements in document order; [0] is the root. Names are compared without case and without namespace. The document must outlive it.
class XmlTree {
 public:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  /// The children of one element, in order: `for (const std::size_t child : tree.children(parent))`.
  class Children {
   public:
    class Iterator {
     public:
      Iterator(const std::vector<XmlElement>& elements, std::size_t at) : elements_(&elements), at_(at) {}
      std::size_t operator*() const { return at_; }
      Iterator& operator++() {
        at_ = (*elements_)[at_].end;
        return *this;
      }
      bool operator!=(const Iterator& other) const { return at_ != other.at_; }

     private:
      const std::vector<XmlElement>* elements_;
      std::size_t at_;
    };

    Children(const std::vector<XmlElement>& elements, std::size_t parent) : elements_(elements), parent_(parent) {}
    [[nodiscard]] Iterator begin() const { return {elements_, parent_ + 1}; }
    [[nodiscard]] Iterator end() const { return {elements_, elements_[parent_].end}; }

   private:
    const std::vector<XmlElement>& elements_;
    std::size_t parent_;
  };

  [[nodiscard]] bool empty() const { return elements_.empty(); }
  [[nodiscard]] std::size_t size() const { return elements_.size(); }
  [[nodiscard]] const XmlElement& at(std::size_t index) const { return elements_[index]; }
  [[nodiscard]] Children children(std::size_t parent) const { return {elements_, parent}; }
  /// The first child of `parent` with this name; none when there is none. An empty name finds the first child.
  [[nodiscard]] std::size_t child(std::size_t parent, std::string_view name) const;
  /// The first element below `top` with this name, at any depth.
  [[nodiscard]] std::size_t descendant(std::size_t top, std::string_view name) const;
  /// The child's text, trimmed; empty when there is none.
  [[nodiscard]] std::string_view text(std::size_t parent, std::string_view name) const;
  [[nodiscard]] std::string_view text(std::size_t index) const { return ascii_trim(elements_[index].text); }
  /// The attribute's value; empty when absent.
  [[nodiscard]] std::string_view attribute(std::size_t index, std::string_view name) const;
  /// One of XmlElement::attribute_count attributes, in document order.
  [[nodiscard]] const XmlAttribute& attribute_at(std::size_t index, std::size_t number) const {
    return attributes_[elements_[index].first_attribute + number];
  }

 private:
  friend class XmlScanner;
  friend class LibxmlReader;

  std::vector<XmlElement> elements_;
  std::vector<XmlAttribute> attributes_;
  std::vector<std::unique_ptr<char[]>> arena_;  // blocks that never move
};

/// Reads a document; a byte order mark or blanks before it are passed over. Limits: xml_size_max, xml_depth_max, and no more than
/// xml_attribute_count_max attributes an element.
[[nodiscard]] Result<XmlTree> parse_xml(ByteView document);

/// `text` for element content or a quoted attribute, at the end of `out`: markup escaped, what XML 1.0 cannot carry replaced by U+FFFD.
void append_escaped(std::string& out, std::string_view text);

}  // namespace pushmail::mm7
