// What every table of states and events needs: rows with `from`, `event` and `to`, of which none may say twice what follows. Pure.
//
//   struct Row { State from; Event event; State to; };
//   constexpr auto rows = std::to_array<Row>({...});
//   static_assert(no_pair_twice(rows));
//   static_assert(all_reached(rows, State::idle, state_names.size()));
//   next_of(rows, State::idle, Event::connect)     // nothing: the event cannot happen there
//   StateBy<rows, State::idle> state;              // changes by move(Event) and by nothing else
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "core/result.h"

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

/// Whether each of the states 0 to `state_count` - 1 is `start` or follows from it by some walk.
template <typename Rows, typename State>
[[nodiscard]] constexpr bool all_reached(const Rows& rows, State start, std::size_t state_count) {
  constexpr std::size_t state_count_max = 64;
  std::array<bool, state_count_max> reached{};
  reached[static_cast<std::size_t>(start)] = true;
  for (bool grew = true; grew;) {
    grew = false;
    for (const auto& row : rows) {
      bool& to = reached[static_cast<std::size_t>(row.to)];
      if (!reached[static_cast<std::size_t>(row.from)] || to) continue;
      to = grew = true;
    }
  }
  return std::count(reached.begin(), reached.end(), true) == static_cast<std::ptrdiff_t>(state_count);
}

/// The state that follows; nothing where the table has no such row.
template <typename Rows, typename State, typename Event>
[[nodiscard]] constexpr std::optional<State> next_of(const Rows& rows, State from, Event event) {
  for (const auto& row : rows) {
    if (row.from == from && row.event == event) return row.to;
  }
  return std::nullopt;
}

/// A state that begins as `start` and changes by the events of its table alone. It reads as its enum.
template <const auto& rows, auto start>
class StateBy {
 public:
  using State = decltype(start);

  constexpr operator State() const { return at_; }
  /// An event that the table does not know in this state is a mistake of ours and stops the program.
  template <typename Event>
  constexpr void move(Event event) {
    const auto next = next_of(rows, at_, event);
    PM_CHECK(next.has_value());
    at_ = *next;
  }

 private:
  State at_ = start;
};

/// The table as text, as READMEs show it: a line for each state that something follows, `bound  lost > idle  unbind > unbinding`.
template <typename Rows, typename StateNames, typename EventNames>
[[nodiscard]] std::string drawing_of(const Rows& rows, const StateNames& states, const EventNames& events) {
  std::size_t widest = 0;
  for (const auto& name : states) widest = std::max(widest, name.size());
  std::string drawing;
  for (std::size_t state = 0; state < states.size(); ++state) {
    std::string line(states[state]);
    line.resize(widest, ' ');
    bool is_followed = false;
    for (const auto& row : rows) {
      if (static_cast<std::size_t>(row.from) != state) continue;
      is_followed = true;
      line.append("  ").append(events[static_cast<std::size_t>(row.event)]).append(" > ").append(states[static_cast<std::size_t>(row.to)]);
    }
    if (is_followed) drawing.append(line).push_back('\n');
  }
  return drawing;
}

}  // namespace pushmail
