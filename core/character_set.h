// A set of characters as a table: one look-up for each, where find_first_of calls memchr and a predicate compares several times.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace pushmail {

/// Made at compile time, of its members or of a predicate; a predicate itself.
class CharacterSet {
 public:
  consteval explicit CharacterSet(std::string_view members) {
    for (const char c : members) is_member_[static_cast<unsigned char>(c)] = true;
  }
  consteval explicit CharacterSet(bool (*is_member)(char)) {
    for (std::size_t c = 0; c < is_member_.size(); ++c) is_member_[c] = is_member(static_cast<char>(c));
  }
  [[nodiscard]] constexpr bool operator()(char c) const { return is_member_[static_cast<unsigned char>(c)]; }
  [[nodiscard]] constexpr bool contains(char c) const { return (*this)(c); }
  /// Where the first of them stands in `text`, from `at` on; its size when none does.
  [[nodiscard]] constexpr std::size_t find_in(std::string_view text, std::size_t at = 0) const {
    while (at < text.size() && !contains(text[at])) ++at;
    return std::min(at, text.size());
  }
  [[nodiscard]] constexpr bool holds_all(std::string_view text) const { return std::ranges::all_of(text, *this); }

 private:
  std::array<bool, 256> is_member_{};
};

}  // namespace pushmail
