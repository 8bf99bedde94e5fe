// Which of two alternatives is read: the plain text, or the page beside it. Not for use outside this folder.
//
// Came from: sort_parts.cpp, which has both. The question is what each says, in words that are counted, not known: a plain text that is an
// alternative shares its words with the page. One that does not ("use a program that can show HTML", in any language) speaks about the
// mail; one that has but a part of them is its beginning; one with markup in it is the page's source.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/bytes.h"

namespace pushmail::convert {

/// The different words of a text: letters and digits in a row, compared without case; of scripts without blanks each pair of characters.
/// Addresses are no words. At most 700 are kept, which is more than the question needs.
class WordSet {
 public:
  void add(std::string_view utf8);
  [[nodiscard]] std::size_t count() const { return count_; }
  /// About how many words they are: a pair of characters is half a word.
  [[nodiscard]] std::size_t size_in_words() const { return count_ - pairs_ / 2; }
  /// How many of them the other has as well.
  [[nodiscard]] std::size_t shared_with(const WordSet& other) const;

 private:
  static constexpr std::size_t slot_count = 1024;
  static constexpr std::size_t count_max = 700;

  bool add_word(std::uint32_t hash);
  [[nodiscard]] bool has(std::uint32_t hash) const;

  std::array<std::uint32_t, slot_count> slots_{};  // 0: free
  std::size_t count_ = 0;
  std::size_t pairs_ = 0;  // among them
};

/// Marks of a plain text that was not written for people.
struct Markup {
  std::size_t tags = 0;              // of elements that HTML knows
  std::size_t closing_tags = 0;      // the share of them that closes, or breaks a line
  std::size_t line_breaks = 0;       // `<br>`
  std::size_t references = 0;        // `&#252;`, `&amp;`
  std::size_t inner_references = 0;  // those with a letter beside them
  std::size_t style_rules = 0;       // `td { color: red }`
  bool starts_with_tag = false;
  [[nodiscard]] bool any() const { return tags > 1 || references > 0 || style_rules > 0; }
};
/// Linear; counts in the first 64 KiB.
[[nodiscard]] Markup markup_of(std::string_view utf8);
/// Whether a text is the source of a page, whatever its type says.
[[nodiscard]] bool is_page_source(std::string_view utf8);

/// Of so many words a plain text without markup needs no comparison.
inline constexpr std::size_t words_of_a_message = 200;

struct Said {
  WordSet words;
  bool has_markup = false;
  bool has_pictures = false;  // of a page: some that stay on a server, so that words may be missing
};
/// What the decoded text of a plain part says.
[[nodiscard]] Said said_by_plain(std::string_view utf8);
[[nodiscard]] bool page_says_more(const Said& plain, const Said& page);

}  // namespace pushmail::convert
