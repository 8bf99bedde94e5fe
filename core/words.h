// Enumerations whose values have a word each: in a column of the store, a record, JSON, a line of the log.
//
// `words<E>` is the one table of an enumeration, in the order of its values; from it come the word of a value and the value of a word.
//
//   enum class Policy : std::uint8_t { ask, push };
//   template <> inline constexpr auto words<Policy> = std::to_array<std::string_view>({"ask", "push"});
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace pushmail {

template <class E>
inline constexpr std::array<std::string_view, 0> words{};

template <class E>
concept HasWords = !words<E>.empty();

template <HasWords E>
[[nodiscard]] constexpr std::string_view to_string(E value) {
  return words<E>[static_cast<std::size_t>(value)];
}
/// Nothing where no value has this word.
template <HasWords E>
[[nodiscard]] constexpr std::optional<E> parse_word(std::string_view word) {
  for (std::size_t i = 0; i < words<E>.size(); ++i) {
    if (words<E>[i] == word) return static_cast<E>(i);
  }
  return std::nullopt;
}

}  // namespace pushmail
