// Which elements are open, as browsers nest them (HTML standard §13.2.6): what opens or closes an element beside its own tags. Not for use
// outside this folder.
//
// Came from: html_text.cpp, tag by tag. Goes to: html_writer.cpp. No tree is built; what stands inside a table but in no cell is read where
// it stands.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "codec/convert/html_elements.h"
#include "codec/convert/html_writer.h"

namespace pushmail::convert {

class HtmlTree {
 public:
  explicit HtmlTree(HtmlWriter& writer) : writer_(writer) {}

  void start(const Element& element, const HtmlToken& tag);
  void end(const HtmlToken& tag);
  /// Closes all that is open.
  void finish();
  /// Inside svg or math: elements there hold no raw text.
  [[nodiscard]] bool is_foreign() const { return foreign_count_ > 0; }

 private:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  /// After as many looks at open elements a page is no mail, and nothing is found any more.
  static constexpr std::size_t step_count_max = 20'000'000;
  enum class Keep : std::uint8_t { formatting, nothing };

  [[nodiscard]] const std::vector<OpenElement>& open() const { return writer_.open_elements(); }
  [[nodiscard]] Nesting nesting(std::size_t i) const { return open()[i].element->nesting; }

  /// The innermost open element of one of these kinds, and not behind one of those.
  [[nodiscard]] std::size_t find(std::initializer_list<Nesting> wanted, std::initializer_list<Nesting> borders);
  [[nodiscard]] std::size_t find(const Element& wanted, std::initializer_list<Nesting> borders);
  void push(const Element& element, const HtmlToken& tag);
  void remove(std::size_t index);
  /// Closes this element and all inside it; formatting goes on behind it.
  void close_from(std::size_t index, Keep keep);
  void close_paragraph();
  /// Closes what is open inside the innermost of these; false when none is open.
  bool close_to(std::initializer_list<Nesting> kinds);
  void start_list_item(Nesting kind);
  bool start_in_table(const Element& element);
  bool leave_foreign(const Element& element);
  void end_other(const Element& element, std::string_view name);

  HtmlWriter& writer_;
  std::size_t foreign_count_ = 0;
  std::size_t paragraph_count_ = 0;  // open ones
  std::size_t steps_ = 0;            // of all searches
};

}  // namespace pushmail::convert
