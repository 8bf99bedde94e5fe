// What a watcher does, as a table; one connection at a time. An event that the table does not know in a state is a mistake of ours and
// stops the program. The words that the control plane gets are those of the states, and of the failure that ended one (errors.h,
// state_word).
//
//   RESTING --connect--> CONNECTING --logged_in--> READY --idle--> IDLING
//      ^                     |                      | ^--- news ----´ |
//      `--- fail, taken -----+---- done, fail, taken +---- fail, taken ´
//
// taken: the connection goes without blame, for a new account, a cancelled fetch, or the end.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/transition_table.h"

namespace pushmail::mailbox {

enum class WatchState : std::uint8_t { resting, connecting, ready, idling };
inline constexpr std::array<std::string_view, 4> watch_state_names{"resting", "connecting", "ready", "idling"};

enum class WatchEvent : std::uint8_t {
  connect,
  logged_in,
  idle,  // IDLE, until the server or a command says otherwise
  news,
  done,  // nothing more to do now
  fail,
  taken,
};
inline constexpr std::array<std::string_view, 7> watch_event_names{"connect", "logged_in", "idle", "news", "done", "fail", "taken"};

struct WatchStep {
  WatchState from;
  WatchEvent event;
  WatchState to;
};
inline constexpr auto watch_steps = std::to_array<WatchStep>({
    {WatchState::resting, WatchEvent::connect, WatchState::connecting},
    {WatchState::connecting, WatchEvent::logged_in, WatchState::ready},
    {WatchState::connecting, WatchEvent::fail, WatchState::resting},
    {WatchState::connecting, WatchEvent::taken, WatchState::resting},
    {WatchState::ready, WatchEvent::idle, WatchState::idling},
    {WatchState::ready, WatchEvent::done, WatchState::resting},
    {WatchState::ready, WatchEvent::fail, WatchState::resting},
    {WatchState::ready, WatchEvent::taken, WatchState::resting},
    {WatchState::idling, WatchEvent::news, WatchState::ready},
    {WatchState::idling, WatchEvent::fail, WatchState::resting},
    {WatchState::idling, WatchEvent::taken, WatchState::resting},
});

static_assert(no_pair_twice(watch_steps));
static_assert(all_reached(watch_steps, WatchState::resting, watch_state_names.size()));

}  // namespace pushmail::mailbox
