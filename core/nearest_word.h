// "did you mean ...?": the known word that a mistyped one is nearest to.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pushmail {

/// Insertions, removals and replacements of one byte that make `b` of `a` (Levenshtein).
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

/// How far a known word is from the one that was written: the edits, or one slip where that is its beginning (`size` for size_max).
[[nodiscard]] std::size_t slips(std::string_view written, std::string_view known);

/// Keeps the nearest of the words that it is shown, as long as one is near enough to be meant.
class NearestWord {
 public:
  /// `wanted` must outlive this.
  explicit NearestWord(std::string_view wanted) : wanted_(wanted) {}
  void offer(std::string_view word) { offer(word, slips(wanted_, word)); }
  /// The same with a distance of the caller's own; `name` is what will be suggested.
  void offer(std::string_view name, std::size_t distance);
  /// `; did you mean NAME?`, or nothing.
  [[nodiscard]] std::string suggestion() const;

 private:
  std::string_view wanted_;
  std::string nearest_{};
  std::size_t least_ = 4;  // three slips at most
};

}  // namespace pushmail
