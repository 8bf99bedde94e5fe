// Our own reader of XML: one pass over the bytes, pull style, no allocation per element (XML 1.0, Namespaces in XML 1.0).
//
//   legal bytes? -> declaration -> { tag | characters | CDATA | comment | instruction }* -> tree of views
//
// A run is all character data between two tags. Mostly it is one view into the document; when a reference, a line end that is not LF,
// CDATA or a comment divides it, its pieces are put together in the arena, which is as large as the document and so never too small.
#include <array>
#include <bit>
#include <cstring>

#include "codec/mm7/xml_readers.h"
#include "codec/simd/simd.h"
#include "core/ascii.h"
#include "core/limits.h"
#include "core/utf8.h"

namespace pushmail::mm7 {

namespace {

// Above these a document is odd enough for libxml2; they keep the searches below short.
constexpr std::size_t attributes_max = 16;
constexpr std::size_t namespaces_max = 32;
constexpr std::size_t name_size_max = 1000;

enum Class : std::uint8_t { blank = 1, name_start = 2, name_more = 4, text_stop = 8, value_stop = 16 };

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> table{};
  const auto add = [&](std::string_view characters, std::uint8_t what) {
    for (const char c : characters) table[static_cast<std::uint8_t>(c)] |= what;
  };
  add(" \t\r\n", blank);
  add("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_", name_start | name_more);
  add("0123456789-.", name_more);
  add("<&>\r", text_stop);
  // Line ends and tabs in a value become blanks (XML 1.0 §3.3.3): nobody writes them, libxml2 reads them.
  add("<&\"'\t\r\n", value_stop);
  return table;
}
constexpr std::array<std::uint8_t, 256> classes = make_classes();

bool is(char c, std::uint8_t what) { return (classes[static_cast<std::uint8_t>(c)] & what) != 0; }

constexpr std::uint64_t ones = 0x0101010101010101U;
/// A byte's high bit is set where it is less than `limit` (128 at most); above the first of them others may be set too.
constexpr std::uint64_t below(std::uint64_t word, std::uint8_t limit) { return (word - ones * limit) & ~word & (ones << 7U); }
constexpr std::uint64_t zeros(std::uint64_t word) { return below(word, 1); }

bool is_blank(std::string_view text) {
  for (const char c : text) {
    if (!is(c, blank)) return false;
  }
  return true;
}

/// Whether every byte is one of a character that XML 1.0 §2.2 allows, in UTF-8.
bool is_legal(std::string_view document) {
  // Below a blank only tab, LF and CR.
  const auto is_control = [](char c) { return static_cast<std::uint8_t>(c) < 0x20 && !is(c, blank); };
  std::uint64_t high = 0;
  std::size_t checked = 0;
  for (; document.size() - checked >= 8; checked += 8) {
    const auto word = load<std::uint64_t>(reinterpret_cast<const std::uint8_t*>(document.data()) + checked, std::endian::little);
    high |= word;
    if (below(word, 0x20) != 0 && std::ranges::any_of(document.substr(checked, 8), is_control)) return false;
  }
  for (const char c : document.substr(checked)) {
    high |= static_cast<std::uint8_t>(c);
    if (is_control(c)) return false;
  }
  if ((high & (ones << 7U)) == 0) return true;
  if (simd::active().utf8_valid_prefix(bytes_of(document)) != document.size()) return false;
  // U+FFFE and U+FFFF are UTF-8 and no characters of XML.
  for (std::size_t at = document.find("\xEF\xBF"); at != std::string_view::npos; at = document.find("\xEF\xBF", at + 2)) {
    if (document.substr(at + 2, 1) >= std::string_view("\xBE")) return false;
  }
  return true;
}

/// The first `<`, `>`, `&` or CR at or behind `at`, or `end`: eight bytes at a time (lane 0 is the first byte).
const char* find_text_stop(const char* at, const char* end) {
  while (end - at >= 8) {
    const auto word = load<std::uint64_t>(reinterpret_cast<const std::uint8_t*>(at), std::endian::little);
    // `<` and `>` differ in one bit.
    const std::uint64_t stops = zeros((word | ones * 2) ^ (ones * '>')) | zeros(word ^ (ones * '&')) | zeros(word ^ (ones * '\r'));
    if (stops != 0) return at + std::countr_zero(stops) / 8;
    at += 8;
  }
  while (at != end && !is(*at, text_stop)) ++at;
  return at;
}

/// The same for what ends or breaks an attribute's value. All of it but `<` lies below `(`, and little else of a URI does.
const char* find_value_stop(const char* at, const char* end) {
  while (end - at >= 8) {
    const auto word = load<std::uint64_t>(reinterpret_cast<const std::uint8_t*>(at), std::endian::little);
    const std::uint64_t stops = below(word, '(') | zeros(word ^ (ones * '<'));
    at += stops == 0 ? 8 : std::countr_zero(stops) / 8;
    if (stops == 0) continue;
    if (is(*at, value_stop)) return at;
    ++at;
  }
  while (at != end && !is(*at, value_stop)) ++at;
  return at;
}

struct QualifiedName {
  std::string_view whole, prefix, local;

  /// Those that begin with xml mean something to all of XML (Namespaces in XML 1.0 §3); hardly one does.
  [[nodiscard]] bool is_declaration() const { return whole.front() == 'x' && (prefix == "xmlns" || whole == "xmlns"); }
  [[nodiscard]] bool is_reserved() const { return whole.front() == 'x' && (prefix == "xml" || is_declaration()); }
};

/// Prefixes are shorter than what a call of memcmp costs.
bool is_same_prefix(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

}  // namespace

class XmlScanner {
 public:
  XmlScanner(std::string_view document, XmlTree& tree)
      : at_(document.data()), end_(at_ + document.size()), size_(document.size()), tree_(tree) {}

  [[nodiscard]] bool scan() {
    if (!is_legal({at_, size_})) return false;
    // About what an envelope has; denser ones make the vectors grow.
    tree_.elements_.reserve(size_ / 48 + 8);
    tree_.attributes_.reserve(8);
    if (left().starts_with("<?xml") && size_ > 5 && is(at_[5], blank) && !declaration()) return false;
    while (at_ != end_) {
      if (*at_ != '<') {
        if (!characters()) return false;
        continue;
      }
      if (end_ - at_ < 3) return false;
      const bool known = at_[1] == '/' ? close() : at_[1] == '!' ? comment_or_cdata() : at_[1] == '?' ? instruction() : open();
      if (!known) return false;
    }
    return depth_ == 0 && !tree_.elements_.empty();
  }

 private:
  struct OpenElement {
    std::uint32_t index;
    std::string_view whole_name;
    std::size_t namespace_count;  // of those outside it
    bool has_child;
  };
  struct Namespace {
    std::string_view prefix, uri;
  };

  [[nodiscard]] std::string_view left() const { return {at_, static_cast<std::size_t>(end_ - at_)}; }
  void skip_blanks() {
    while (at_ != end_ && is(*at_, blank)) ++at_;
  }
  [[nodiscard]] bool take(char c) {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }

  // ---- names ----

  [[nodiscard]] bool simple_name(std::string_view& name) {
    const char* start = at_;
    if (at_ == end_ || !is(*at_, name_start)) return false;
    do ++at_;
    while (at_ != end_ && is(*at_, name_more));
    name = {start, static_cast<std::size_t>(at_ - start)};
    return name.size() <= name_size_max;
  }
  /// Namespaces in XML 1.0 §4. A second colon, or letters that are not ASCII, are not ours.
  [[nodiscard]] bool qualified_name(QualifiedName& name) {
    const char* start = at_;
    if (!simple_name(name.local)) return false;
    if (at_ != end_ && *at_ == ':') {
      ++at_;
      name.prefix = name.local;
      if (!simple_name(name.local)) return false;
    }
    name.whole = {start, static_cast<std::size_t>(at_ - start)};
    return at_ != end_ && *at_ != ':' && static_cast<std::uint8_t>(*at_) < 0x80;
  }

  // ---- character data ----

  char* arena() {
    if (tree_.arena_.empty()) {
      tree_.arena_.push_back(std::make_unique_for_overwrite<char[]>(size_));
      free_ = tree_.arena_.back().get();
    }
    return free_;
  }
  void put(std::string_view piece) {
    if (piece.empty()) return;
    std::memcpy(free_, piece.data(), piece.size());
    free_ += piece.size();
  }

  /// Adds to the run: a first piece stays where it is, the next one brings both into the arena.
  void add(std::string_view piece) {
    if (piece.empty()) return;
    if (run_.empty()) {
      run_ = piece;
      return;
    }
    to_arena();
    put(piece);
    run_ = {run_.data(), run_.size() + piece.size()};
  }
  void to_arena() {
    if (run_in_arena_) return;
    char* start = arena();
    put(run_);
    run_ = {start, run_.size()};
    run_in_arena_ = true;
  }
  void add_decoded(std::string_view piece) {
    to_arena();
    put(piece);
    run_ = {run_.data(), run_.size() + piece.size()};
  }

  /// The run ends at a tag. False: a second run of the same element, which is mixed content.
  [[nodiscard]] bool end_run(bool is_leaf) {
    const std::string_view run = run_;
    run_ = {};
    run_in_arena_ = false;
    if (run.empty()) return true;
    if (!is_leaf && is_blank(run)) return true;
    std::string_view& text = tree_.elements_[open_[depth_ - 1].index].text;
    if (!text.empty()) return false;
    text = run;
    return true;
  }

  /// Text up to the next `<`.
  [[nodiscard]] bool characters() {
    if (depth_ == 0) {
      skip_blanks();
      return at_ == end_ || *at_ == '<';
    }
    const char* start = at_;
    const auto before = [&] { return std::string_view(start, static_cast<std::size_t>(at_ - start)); };
    for (;;) {
      at_ = find_text_stop(at_, end_);
      if (at_ == end_) return false;
      switch (*at_) {
        case '<':
          add(before());
          return true;
        case '>':
          // XML 1.0 §2.4: `]]>` does not stand in text.
          if (before().ends_with("]]")) return false;
          ++at_;
          break;
        case '\r':
          // XML 1.0 §2.11: CRLF and CR are read as LF.
          add(before());
          ++at_;
          if (at_ == end_ || *at_ != '\n') add_decoded("\n");
          start = at_;
          break;
        default: {
          add(before());
          std::array<char, 4> decoded;
          const std::size_t decoded_size = reference(decoded);
          if (decoded_size == 0) return false;
          add_decoded({decoded.data(), decoded_size});
          start = at_;
        }
      }
    }
  }

  /// `&...;` as UTF-8 (XML 1.0 §4.1, §4.6); 0 when it is none of the five entities and no character.
  [[nodiscard]] std::size_t reference(std::array<char, 4>& out) {
    struct Entity {
      std::string_view name;
      char character;
    };
    static constexpr std::array entities{Entity{"&amp;", '&'}, Entity{"&lt;", '<'}, Entity{"&gt;", '>'}, Entity{"&quot;", '"'},
                                         Entity{"&apos;", '\''}};
    for (const Entity& entity : entities) {
      if (!left().starts_with(entity.name)) continue;
      at_ += entity.name.size();
      out[0] = entity.character;
      return 1;
    }
    if (!left().starts_with("&#")) return 0;
    at_ += 2;
    const bool hexadecimal = take('x');
    std::uint32_t code = 0;
    std::size_t digits = 0;
    for (; at_ != end_ && *at_ != ';'; ++at_, ++digits) {
      const int digit = hex_value(*at_);
      if (digit < 0 || (!hexadecimal && digit > 9)) return 0;
      code = code * (hexadecimal ? 16 : 10) + static_cast<std::uint32_t>(digit);
      if (code > 0x10FFFF) return 0;
    }
    if (digits == 0 || !take(';')) return 0;
    if ((code < 0x20 && code != '\t' && code != '\n' && code != '\r') || (code >= 0xD800 && code < 0xE000) || code == 0xFFFE ||
        code == 0xFFFF)
      return 0;
    const Utf8Character character = utf8_of(code);
    out = character.bytes;
    return character.size;
  }

  // ---- markup ----

  /// XML 1.0 §2.8, in UTF-8 or of no named encoding.
  [[nodiscard]] bool declaration() {
    at_ += 5;
    std::string_view value;
    if (!pseudo_attribute("version", value) || value != "1.0") return false;
    if (pseudo_attribute("encoding", value) && !ascii_equal_nocase(value, "utf-8")) return false;
    if (pseudo_attribute("standalone", value) && value != "yes" && value != "no") return false;
    skip_blanks();
    return take('?') && take('>');
  }
  /// Where it is not there, or broken, nothing is taken: then what follows is no end of the declaration.
  [[nodiscard]] bool pseudo_attribute(std::string_view name, std::string_view& value) {
    const char* start = at_;
    const auto not_here = [&] { return at_ = start, false; };
    skip_blanks();
    if (at_ == start || !left().starts_with(name)) return not_here();
    at_ += name.size();
    skip_blanks();
    if (!take('=')) return not_here();
    skip_blanks();
    const char quote = at_ == end_ ? '\0' : *at_;
    if (quote != '"' && quote != '\'') return not_here();
    ++at_;
    const std::size_t size = left().find(quote);
    if (size == std::string_view::npos) return not_here();
    value = left().substr(0, size);
    at_ += size + 1;
    return true;
  }

  /// XML 1.0 §2.6.
  [[nodiscard]] bool instruction() {
    at_ += 2;
    std::string_view target;
    if (!simple_name(target) || ascii_starts_with_nocase(target, "xml")) return false;
    if (!left().starts_with("?>") && (at_ == end_ || !is(*at_, blank))) return false;
    const std::size_t size = left().find("?>");
    if (size == std::string_view::npos) return false;
    at_ += size + 2;
    return true;
  }

  /// XML 1.0 §2.5 and §2.7; a document type declaration is not ours.
  [[nodiscard]] bool comment_or_cdata() {
    constexpr std::string_view comment_start = "<!--";
    constexpr std::string_view cdata_start = "<![CDATA[";
    if (left().starts_with(comment_start)) {
      at_ += comment_start.size();
      const std::size_t size = left().find("--");
      if (size == std::string_view::npos || left().substr(size + 2, 1) != ">") return false;
      at_ += size + 3;
      return true;
    }
    if (depth_ == 0 || !left().starts_with(cdata_start)) return false;
    at_ += cdata_start.size();
    const std::size_t size = left().find("]]>");
    if (size == std::string_view::npos) return false;
    std::string_view data = left().substr(0, size);
    at_ += size + 3;
    for (;;) {
      const std::size_t line = data.find('\r');
      add(data.substr(0, line));
      if (line == std::string_view::npos) return true;
      data.remove_prefix(line + 1);
      if (!data.starts_with('\n')) add_decoded("\n");
    }
  }

  [[nodiscard]] bool attribute_value(std::string_view& value) {
    skip_blanks();
    if (!take('=')) return false;
    skip_blanks();
    if (at_ == end_ || (*at_ != '"' && *at_ != '\'')) return false;
    const char quote = *at_++;
    const char* start = at_;
    char* decoded_start = nullptr;
    const auto before = [&] { return std::string_view(start, static_cast<std::size_t>(at_ - start)); };
    for (;;) {
      at_ = find_value_stop(at_, end_);
      if (at_ == end_) return false;
      if (*at_ == quote) break;
      if (*at_ == '"' || *at_ == '\'') {
        ++at_;
        continue;
      }
      if (*at_ != '&') return false;
      // A run is never open here, so the arena's end is free.
      if (decoded_start == nullptr) decoded_start = arena();
      put(before());
      std::array<char, 4> decoded;
      const std::size_t decoded_size = reference(decoded);
      if (decoded_size == 0) return false;
      put({decoded.data(), decoded_size});
      start = at_;
    }
    value = before();
    if (decoded_start != nullptr) {
      put(value);
      value = {decoded_start, static_cast<std::size_t>(free_ - decoded_start)};
    }
    ++at_;
    return true;
  }

  /// Namespaces in XML 1.0 §3. Bindings of the reserved prefixes and names are not ours.
  [[nodiscard]] bool declare(std::string_view prefix, std::string_view uri, std::size_t outside) {
    if (namespace_count_ == namespaces_max || uri.starts_with("http://www.w3.org/XML/") || uri.starts_with("http://www.w3.org/2000/xmlns"))
      return false;
    if (!prefix.empty() && (uri.empty() || prefix == "xml" || prefix == "xmlns")) return false;
    for (std::size_t i = outside; i < namespace_count_; ++i) {
      if (namespaces_[i].prefix == prefix) return false;
    }
    namespaces_[namespace_count_++] = {prefix, uri};
    return true;
  }
  [[nodiscard]] std::string_view uri_of(std::string_view prefix) const {
    for (std::size_t i = namespace_count_; i > 0; --i) {
      const Namespace& known = namespaces_[i - 1];
      if (is_same_prefix(known.prefix, prefix)) return known.uri;
    }
    return {};
  }

  /// Start tag or empty element (XML 1.0 §3.1).
  [[nodiscard]] bool open() {
    ++at_;
    QualifiedName name;
    if (!qualified_name(name) || name.is_reserved()) return false;
    if (depth_ == limits::xml_depth_max || (depth_ == 0 && !tree_.elements_.empty())) return false;
    if (depth_ > 0) {
      if (!end_run(false)) return false;
      open_[depth_ - 1].has_child = true;
    }
    const std::size_t outside = namespace_count_;
    const std::size_t first_attribute = tree_.attributes_.size();
    bool is_empty = false;
    for (;;) {
      const char* behind = at_;
      skip_blanks();
      if (at_ == end_) return false;
      if (*at_ == '>') {
        ++at_;
        break;
      }
      if (*at_ == '/') {
        ++at_;
        if (!take('>')) return false;
        is_empty = true;
        break;
      }
      QualifiedName attribute;
      std::string_view value;
      if (at_ == behind || !qualified_name(attribute) || !attribute_value(value)) return false;
      if (attribute.is_declaration()) {
        if (!declare(attribute.prefix.empty() ? std::string_view{} : attribute.local, value, outside)) return false;
        continue;
      }
      const std::size_t count = tree_.attributes_.size() - first_attribute;
      if (count == attributes_max) return false;
      for (std::size_t i = 0; i < count; ++i) {
        if (seen_[i] == attribute.whole) return false;
      }
      seen_[count] = attribute.whole;
      tree_.attributes_.push_back({attribute.local, value});
    }
    const auto index = static_cast<std::uint32_t>(tree_.elements_.size());
    tree_.elements_.push_back({.name = name.local,
                               .namespace_uri = uri_of(name.prefix),
                               .text = {},
                               .parent = depth_ == 0 ? XmlElement::none : open_[depth_ - 1].index,
                               .end = index + 1,
                               .first_attribute = static_cast<std::uint32_t>(first_attribute),
                               .attribute_count = static_cast<std::uint32_t>(tree_.attributes_.size() - first_attribute)});
    if (is_empty) {
      namespace_count_ = outside;
    } else {
      open_[depth_++] = {.index = index, .whole_name = name.whole, .namespace_count = outside, .has_child = false};
    }
    return true;
  }

  [[nodiscard]] bool close() {
    at_ += 2;
    if (depth_ == 0) return false;
    const OpenElement& element = open_[depth_ - 1];
    const std::string_view name = element.whole_name;
    if (static_cast<std::size_t>(end_ - at_) < name.size() || std::memcmp(at_, name.data(), name.size()) != 0) return false;
    at_ += name.size();
    if (at_ == end_ || *at_ != '>') skip_blanks();
    if (!take('>') || !end_run(!element.has_child)) return false;
    tree_.elements_[element.index].end = static_cast<std::uint32_t>(tree_.elements_.size());
    namespace_count_ = element.namespace_count;
    --depth_;
    return true;
  }

  const char* at_;
  const char* end_;
  std::size_t size_;
  XmlTree& tree_;
  std::string_view run_;
  bool run_in_arena_ = false;
  char* free_ = nullptr;  // end of what the arena holds
  std::array<OpenElement, limits::xml_depth_max> open_;
  std::size_t depth_ = 0;
  std::array<std::string_view, attributes_max> seen_;  // attributes of the tag that is being read, with their prefixes
  std::array<Namespace, namespaces_max> namespaces_;
  std::size_t namespace_count_ = 0;
};

std::optional<XmlTree> scan_xml(std::string_view document) {
  XmlTree tree;
  XmlScanner scanner(document, tree);
  if (!scanner.scan()) return std::nullopt;
  return tree;
}

}  // namespace pushmail::mm7
