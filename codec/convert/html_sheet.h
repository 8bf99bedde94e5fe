// The style sheets of a page, as far as they say what is seen. Not for use outside this folder.
//
// Came from: html_text.cpp, the text of style elements. Goes to: html_writer.cpp, element by element. A cascade of the few properties that
// hide things or tell colours (CSS Cascade 4 §6): importance, then specificity, then order. Selectors are elements, classes and ids, in
// each other; what stands under a condition (`@media`, `:hover`, `+`) is not obeyed.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "codec/convert/html_style.h"
#include "core/bytes.h"

namespace pushmail::convert {

/// What selectors look at; views into the page.
struct StyledElement {
  std::string_view name;  // as written, in any case
  std::string_view classes;
  std::string_view id;
};

class HtmlSheet {
 public:
  /// The text of a style element with its `media` attribute. The text must outlive the sheet. At most 128 rules are kept.
  void add(std::string_view text, std::string_view media);

  [[nodiscard]] bool hides_anything() const { return hides_; }
  [[nodiscard]] bool empty() const { return rules_.empty(); }
  /// There is a sheet that is not in the page.
  void add_unknown() { is_partial_ = true; }
  /// There are more rules than are known or kept, so that no colour is sure.
  [[nodiscard]] bool is_partial() const { return is_partial_; }

  /// What the rules say of an element inside `around` (the outermost first), with what its own style says, which wins. After a million
  /// comparisons a page is no mail, and its sheets are forgotten.
  [[nodiscard]] StyleFacts facts_of(const StyledElement& element, std::span<const StyledElement> around, const StyleFacts& own);

 private:
  static constexpr std::size_t rule_count_max = 128;
  static constexpr std::size_t step_count_max = 1'000'000;
  static constexpr std::size_t compound_count_max = 4;
  static constexpr std::size_t word_count_max = 3;

  /// `td.phone#x`
  struct Compound {
    std::string_view element;                            // empty: any
    std::array<std::string_view, word_count_max> words;  // with their `.` or `#`
    std::uint8_t word_count = 0;
    bool is_child = false;  // directly inside the one before it
  };
  struct Rule {
    std::array<Compound, compound_count_max> compounds;
    std::uint8_t compound_count = 0;
    unsigned specificity = 0;
    StyleFacts facts;
  };

  void add_rule(std::string_view selectors, const StyleFacts& facts);
  [[nodiscard]] static bool read_selector(std::string_view selector, Rule& rule);
  [[nodiscard]] static bool read_compound(std::string_view text, Rule& rule, Compound& compound);
  [[nodiscard]] bool matches(const Compound& compound, const StyledElement& element);
  [[nodiscard]] bool matches(const Rule& rule, const StyledElement& element, std::span<const StyledElement> around);

  std::vector<Rule> rules_;
  std::size_t steps_ = 0;
  bool hides_ = false;
  bool is_partial_ = false;
};

/// Whether a white-space separated attribute has this word, exactly.
[[nodiscard]] bool has_word(std::string_view words, std::string_view wanted);
/// Whether a white-space separated attribute (`class`, `id`) has a word that contains one of these; compared without case.
[[nodiscard]] bool has_word_like(std::string_view words, std::span<const std::string_view> pieces);

}  // namespace pushmail::convert
