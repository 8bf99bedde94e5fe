// What every table of states and events needs: rows with `from`, `event` and `to`, of which none may say twice what follows. Pure.
//
//   struct Row { State from; Event event; State to; };
//   constexpr auto rows = std::to_array<Row>({...});
//   static_assert(no_pair_twice(rows));
//   next_of(rows, State::idle, Event::connect)     // nothing: the event cannot happen there
#pragma once

#include <cstddef>
#include <optional>
#include <utility>

namespace pushmail {

/// Whether no two rows say the same of `key_of(row)`.
template <typename Rows, typename Key>
[[nodiscard]] constexpr bool no_key_twice(const Rows& rows, Key key_of) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      if (key_of(rows[i]) == key_of(rows[k])) return false;
    }
  }
  return true;
}

/// Whether a state and an event have one successor.
template <typename Rows>
[[nodiscard]] constexpr bool no_pair_twice(const Rows& rows) {
  return no_key_twice(rows, [](const auto& row) { return std::pair(row.from, row.event); });
}

/// The state that follows; nothing where the table has no such row.
template <typename Rows, typename State, typename Event>
[[nodiscard]] constexpr std::optional<State> next_of(const Rows& rows, State from, Event event) {
  for (const auto& row : rows) {
    if (row.from == from && row.event == event) return row.to;
  }
  return std::nullopt;
}

}  // namespace pushmail
