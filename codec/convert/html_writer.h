// What the elements of a page mean to a reader of plain text. Not for use outside this folder.
//
// Came from: html_tree.cpp, which knows what opens and closes what. Goes to: text_layout.cpp, where words become lines. Keeps the open
// elements with what they hand down: hidden or not, the size and colour of letters.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "codec/convert/html_elements.h"
#include "codec/convert/html_sheet.h"
#include "codec/convert/html_style.h"
#include "codec/convert/html_tokens.h"
#include "codec/convert/text.h"
#include "codec/convert/text_layout.h"

namespace pushmail::convert {

/// Whether what a page's styles hide counts as text: a page that shows it by means that are not read here would be empty without.
enum class Styled : std::uint8_t { obeyed, ignored };

struct OpenElement {
  const Element* element = nullptr;
  std::uint32_t name_hash = 0;  // of an element that is not in the table
  StyleFacts style;             // its own, with the sheets'
  // With what is around it.
  bool is_hidden = false;
  bool is_tiny = false;
  SignFont font = SignFont::none;
  Colour colour;
  Colour ground;
  // What is to be undone when it closes.
  bool is_quote = false;   // it entered one
  bool is_struck = false;  // it opened the mark
  bool keeps_lines = false;
  bool is_for_looks = false;  // a table without data
  char numbering = '1';       // of a list: 1, a, A, i, I
  unsigned next_number = 1;   // of the next item of a list
  std::string link;
  std::size_t text_start = 0;
};

class HtmlWriter {
 public:
  /// As deep as browsers nest; what is deeper is read as if it stood beside each other.
  static constexpr std::size_t depth_max = 512;

  /// All must outlive it.
  HtmlWriter(Styled styled, HtmlSheet& sheet, const HtmlReading& reading) : styled_(styled), sheet_(sheet), reading_(reading) {}

  /// Opens an element and keeps it open, unless the page is too deep.
  void open(const Element& element, const HtmlToken& tag);
  /// One that has nothing inside.
  void single(const Element& element, const HtmlToken& tag);
  /// Closes the element at this place of the list; those inside it stay open.
  void close(std::size_t index);
  /// Text as the page has it, with character references or without.
  void text(std::string_view html, bool has_references);
  /// Lines that begin or end where no element does.
  void lines(unsigned count) {
    if (!is_hidden()) out_.lines(count);
  }
  void break_line() {
    if (!is_hidden()) out_.break_line();
  }

  [[nodiscard]] const std::vector<OpenElement>& open_elements() const { return open_; }
  [[nodiscard]] std::size_t position() const { return out_.position(); }
  [[nodiscard]] bool has_dropped_text() const { return has_dropped_text_; }
  [[nodiscard]] bool is_too_deep() const { return is_too_deep_; }
  /// The text, and what is known of the pictures. It is empty afterwards.
  [[nodiscard]] HtmlText take();

 private:
  struct Shown {
    bool is_deferred = false;
    std::size_t number = 0;
  };

  [[nodiscard]] bool is_hidden() const { return !open_.empty() && open_.back().is_hidden; }
  void inherit(std::size_t index);
  void open_layout(OpenElement& open, const HtmlToken& tag);
  void close_layout(const OpenElement& open);
  void open_quote(OpenElement& open, const HtmlToken& tag);
  void write(std::string_view utf8);
  [[nodiscard]] OpenElement* innermost(std::initializer_list<Layout> layouts);
  [[nodiscard]] std::string item_marker(const HtmlToken& tag);
  void image(const HtmlToken& tag, const StyleFacts& style);
  void field(const HtmlToken& tag);
  void image_area(const HtmlToken& tag);
  void described(std::string_view description);
  void link(const std::string& address, std::size_t text_start);

  Styled styled_;
  HtmlSheet& sheet_;
  const HtmlReading& reading_;
  TextLayout out_;
  std::vector<OpenElement> open_;
  std::vector<StyledElement> styled_elements_;  // those of open_, for the sheets
  std::size_t list_depth_ = 0;
  std::size_t struck_depth_ = 0;
  std::size_t links_open_ = 0;
  std::size_t words_size_ = 0;  // bytes of text that is no link
  std::vector<std::string> pictures_;
  std::size_t remote_pictures_ = 0;
  std::size_t inner_pictures_ = 0;
  std::unordered_map<std::string, Shown> addresses_;
  std::string memory_;  // of decoded attributes
  bool has_dropped_text_ = false;
  bool is_too_deep_ = false;
};

}  // namespace pushmail::convert
