// The reader behind ours: libxml2 judges what our scanner leaves alone, and says where a document is broken.
//
// Strings are copied into the tree's arena; libxml2 interns names and namespaces, so each of those is copied once.
#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <string>

#include "codec/mm7/errors.h"
#include "codec/mm7/xml_readers.h"
#include "core/limits.h"

namespace pushmail::mm7 {

namespace {

void say_nothing(void*, const char*, ...) {}

/// Broken encodings are printed by libxml2 past all handlers of the context; the thread's handler is put back behind us.
class Silence {
 public:
  Silence() { xmlSetGenericErrorFunc(nullptr, say_nothing); }
  ~Silence() { xmlSetGenericErrorFunc(context_, handler_); }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  xmlGenericErrorFunc handler_ = xmlGenericError;
  void* context_ = xmlGenericErrorContext;
};

struct FreeContext {
  void operator()(xmlParserCtxt* context) const {
    // A document that declares entities before it is stopped leaves a tree behind that the context does not own.
    xmlFreeDoc(context->myDoc);
    xmlFreeParserCtxt(context);
  }
};

/// libxml2 compares each attribute of an element with all others, so their number is bounded before it starts: signs of assignment
/// between two signs of markup. A tag cannot hold `<`, also not in a value (XML 1.0 §3.1), and in UTF-8 no other character has that byte.
bool has_too_many_attributes(std::string_view document) {
  std::size_t count = 0;
  for (const char c : document) {
    if (c == '<') count = 0;
    if (c == '=' && ++count > limits::xml_attribute_count_max) return true;
  }
  return false;
}

}  // namespace

/// The SAX2 callbacks and what they build. libxml2 hands `this` to each of them.
class LibxmlReader {
 public:
  [[nodiscard]] Result<XmlTree> read(std::string_view document) {
    // libxml2 fills its tables at the first use; a local static makes that happen once, whatever thread comes first.
    [[maybe_unused]] static const bool initialised = (xmlInitParser(), true);
    Arena arena;
    PM_TRY(document, xml_as_utf8(document, arena));
    if (has_too_many_attributes(document)) return fail(mm7_xml_attributes);
    context_.reset(xmlCreateMemoryParserCtxt(document.data(), static_cast<int>(document.size())));
    if (context_ == nullptr) return fail(mm7_bad_xml);
    // Without NOENT an ampersand in an attribute would come as `&#38;`; other entities than the five cannot be declared here.
    // IGNORE_ENC: the declaration speaks of the bytes that came.
    xmlCtxtUseOptions(context_.get(), XML_PARSE_NOENT | XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_IGNORE_ENC);
    *context_->sax = handler();
    context_->userData = this;
    {
      const Silence silence;
      xmlParseDocument(context_.get());
    }
    if (broken_ != nullptr) return fail(*broken_, offset_);
    if (context_->wellFormed == 0) return fail(mm7_bad_xml, offset());
    return std::move(tree_);
  }

 private:
  static LibxmlReader& self(void* user) { return *static_cast<LibxmlReader*>(user); }

  static xmlSAXHandler handler() {
    xmlSAXHandler sax{};
    sax.initialized = XML_SAX2_MAGIC;
    sax.internalSubset = [](void* user, const xmlChar*, const xmlChar*, const xmlChar*) { self(user).stop(mm7_doctype); };
    sax.startElementNs = start;
    sax.endElementNs = [](void* user, const xmlChar*, const xmlChar*, const xmlChar*) { self(user).end(); };
    sax.characters = [](void* user, const xmlChar* text, int size) {
      self(user).characters({reinterpret_cast<const char*>(text), static_cast<std::size_t>(size)});
    };
    sax.cdataBlock = sax.characters;
    sax.serror = [](void*, xmlErrorPtr) {};
    return sax;
  }

  static void start(void* user, const xmlChar* name, const xmlChar*, const xmlChar* uri, int, const xmlChar**, int attribute_count, int,
                    const xmlChar** attributes) {
    LibxmlReader& reader = self(user);
    XmlTree& tree = reader.tree_;
    if (reader.depth_ == limits::xml_depth_max) return reader.stop(mm7_xml_too_deep);
    if (reader.depth_ > 0) {
      reader.end_run(false);
      reader.open_[reader.depth_ - 1].has_child = true;
    }
    const auto index = static_cast<std::uint32_t>(tree.elements_.size());
    const auto count = static_cast<std::uint32_t>(attribute_count);
    tree.elements_.push_back({.name = reader.interned(name),
                              .namespace_uri = reader.interned(uri),
                              .text = {},
                              .parent = reader.depth_ == 0 ? XmlElement::none : reader.open_[reader.depth_ - 1].index,
                              .end = index + 1,
                              .first_attribute = static_cast<std::uint32_t>(tree.attributes_.size()),
                              .attribute_count = count});
    // Five pointers an attribute: local name, prefix, namespace, begin and end of the value.
    for (std::size_t i = 0; i < count; ++i) {
      const xmlChar* const* row = attributes + 5 * i;
      const std::string_view value(reinterpret_cast<const char*>(row[3]), static_cast<std::size_t>(row[4] - row[3]));
      tree.attributes_.push_back({reader.interned(row[0]), reader.kept(value)});
    }
    OpenElement& element = reader.open_[reader.depth_++];
    element.index = index;
    element.has_child = false;
    element.text.clear();
  }
  void end() {
    if (depth_ == 0) return;
    end_run(!open_[depth_ - 1].has_child);
    OpenElement& element = open_[--depth_];
    tree_.elements_[element.index].text = kept(element.text);
    tree_.elements_[element.index].end = static_cast<std::uint32_t>(tree_.elements_.size());
  }
  void characters(std::string_view text) {
    if (depth_ > 0) run_ += text;
  }
  /// All character data since the last tag: blanks around child elements are no text.
  void end_run(bool is_leaf) {
    if (is_leaf || !ascii_trim(run_).empty()) open_[depth_ - 1].text += run_;
    run_.clear();
  }
  void stop(const ErrorInfo& rule) {
    if (broken_ == nullptr) {
      broken_ = &rule;
      offset_ = offset();
    }
    xmlStopParser(context_.get());
  }
  [[nodiscard]] std::size_t offset() const { return static_cast<std::size_t>(std::max(0L, xmlByteConsumed(context_.get()))); }

  [[nodiscard]] std::string_view kept(std::string_view text) {
    if (text.empty()) return {};
    if (room_ < text.size()) {
      room_ = std::max<std::size_t>(text.size(), 16 * 1024);
      free_ = tree_.arena_.emplace_back(std::make_unique_for_overwrite<char[]>(room_)).get();
    }
    std::memcpy(free_, text.data(), text.size());
    const std::string_view copy(free_, text.size());
    free_ += text.size();
    room_ -= text.size();
    return copy;
  }
  /// The same pointer is the same string for as long as the context lives.
  [[nodiscard]] std::string_view interned(const xmlChar* text) {
    if (text == nullptr) return {};
    const auto [row, is_new] = interned_.try_emplace(text);
    if (is_new) row->second = kept(reinterpret_cast<const char*>(text));
    return row->second;
  }

  struct OpenElement {
    std::uint32_t index = 0;
    bool has_child = false;
    std::string text;
  };

  std::unique_ptr<xmlParserCtxt, FreeContext> context_;
  XmlTree tree_;
  std::array<OpenElement, limits::xml_depth_max> open_;
  std::size_t depth_ = 0;
  std::string run_;
  std::map<const xmlChar*, std::string_view> interned_;
  char* free_ = nullptr;
  std::size_t room_ = 0;
  const ErrorInfo* broken_ = nullptr;
  std::size_t offset_ = 0;
};

Result<XmlTree> read_with_libxml2(std::string_view document) {
  LibxmlReader reader;
  return reader.read(document);
}

}  // namespace pushmail::mm7
