// A page cut into tags and text as browsers cut it (HTML standard §13.2.5). Not for use outside this folder.
//
// Came from: html_text.cpp, with a whole page. Goes to: html_tree.cpp, token by token. Every input is a page: what is broken is read as the
// standard says, so that words which a browser shows are never part of a comment or a tag. Nothing is copied or decoded.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/bytes.h"

namespace pushmail::convert {

struct HtmlAttribute {
  std::string_view name;   // as written, in any case
  std::string_view value;  // as written, character references and all; empty when it has none
};

struct HtmlToken {
  enum class Kind : std::uint8_t { end, text, start_tag, end_tag };
  Kind kind = Kind::end;
  std::string_view text;                      // of text: as written, character references and all
  std::string_view name;                      // of a tag: as written, in any case
  std::span<const HtmlAttribute> attributes;  // of a start tag, until the next token is read; the first 64
  bool is_self_closing = false;

  [[nodiscard]] bool has(std::string_view attribute) const { return find(attribute) != nullptr; }
  /// As written; empty when absent or without a value.
  [[nodiscard]] std::string_view value(std::string_view attribute) const {
    const HtmlAttribute* found = find(attribute);
    return found == nullptr ? std::string_view() : found->value;
  }
  /// The first of this name, in any case; null when there is none.
  [[nodiscard]] const HtmlAttribute* find(std::string_view attribute) const {
    for (const HtmlAttribute& each : attributes) {
      if (ascii_equal_nocase(each.name, attribute)) return &each;
    }
    return nullptr;
  }
};

/// How the text of an element is read that holds no markup (§13.2.5.2 to 5).
enum class RawText : std::uint8_t { none, text_with_references, text, script, all_that_follows };

class HtmlTokens {
 public:
  static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);

  /// `page` must outlive it and what it returns.
  explicit HtmlTokens(std::string_view page, std::size_t from = 0) : page_(page), at_(from) {}

  /// Linear over all calls. Comments, document types and processing instructions are passed over.
  [[nodiscard]] HtmlToken next();
  /// Right behind the start tag of such an element: its text, up to its end tag, which is the next token.
  [[nodiscard]] std::string_view raw_text(std::string_view name, RawText kind);

  /// Bytes read so far.
  [[nodiscard]] std::size_t position() const { return at_; }
  /// Where a comment or tag that never ended would have been over had it been empty; nowhere when there was none. Browsers show nothing of
  /// what follows.
  [[nodiscard]] std::size_t unfinished() const { return unfinished_; }

 private:
  static constexpr std::size_t attribute_count_max = 64;

  [[nodiscard]] HtmlToken read_text(std::size_t from);
  [[nodiscard]] bool read_tag(std::size_t name_start, HtmlToken& token);
  [[nodiscard]] bool skip_declaration();
  void read_attribute();
  void end_here(std::size_t unfinished);

  std::string_view page_;
  std::size_t at_ = 0;
  std::size_t unfinished_ = nowhere;
  std::array<HtmlAttribute, attribute_count_max> attributes_;
  std::size_t attribute_count_ = 0;
};

}  // namespace pushmail::convert
