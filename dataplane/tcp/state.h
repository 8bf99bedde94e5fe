// The life of a connection as a table: RFC 9293 §3.3.2. Code asks for an event; an event that the table does not know in a state is
// a mistake of ours and stops the program. LISTEN is a port (listen in stack.h) and TIME-WAIT a small entry (time_wait.h), not a record.
//
//                     active_open                 syn_in
//        SYN_SENT <---------------- CLOSED ----------------> SYN_RECEIVED
//           | syn_ack_in     (syn_in: simultaneous open)         | syn_acked
//           +---------------------> ESTABLISHED <----------------+
//                       fin_out  /              \  fin_in
//                    FIN_WAIT_1                  CLOSE_WAIT
//            fin_acked /      \ fin_in                | fin_out
//            FIN_WAIT_2      CLOSING               LAST_ACK
//               fin_in \      / fin_acked             | fin_acked
//                     TIME_WAIT                     CLOSED
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/result.h"
#include "core/transition_table.h"

namespace pushmail::tcp {

enum class State : std::uint8_t {
  closed,
  syn_sent,
  syn_received,
  established,
  fin_wait_1,
  fin_wait_2,
  close_wait,
  closing,
  last_ack,
  time_wait,
};
inline constexpr std::array<std::string_view, 10> state_names{"CLOSED",     "SYN_SENT",   "SYN_RECEIVED", "ESTABLISHED", "FIN_WAIT_1",
                                                              "FIN_WAIT_2", "CLOSE_WAIT", "CLOSING",      "LAST_ACK",    "TIME_WAIT"};

enum class Event : std::uint8_t {
  active_open,
  syn_in,      // a SYN without ACK
  syn_ack_in,  // a SYN that acknowledges ours
  syn_acked,
  fin_out,  // our FIN was sent for the first time
  fin_in,   // the peer's FIN, after all its data
  fin_acked,
};

inline constexpr std::array<std::string_view, 7> event_names{"active_open", "syn_in", "syn_ack_in", "syn_acked",
                                                             "fin_out",     "fin_in", "fin_acked"};

struct Transition {
  State from;
  Event event;
  State to;
};

inline constexpr std::array<Transition, 13> transitions{{
    {State::closed, Event::active_open, State::syn_sent},
    {State::closed, Event::syn_in, State::syn_received},
    {State::syn_sent, Event::syn_ack_in, State::established},
    {State::syn_sent, Event::syn_in, State::syn_received},
    {State::syn_received, Event::syn_acked, State::established},
    {State::established, Event::fin_out, State::fin_wait_1},
    {State::established, Event::fin_in, State::close_wait},
    {State::fin_wait_1, Event::fin_acked, State::fin_wait_2},
    {State::fin_wait_1, Event::fin_in, State::closing},
    {State::fin_wait_2, Event::fin_in, State::time_wait},
    {State::closing, Event::fin_acked, State::time_wait},
    {State::close_wait, Event::fin_out, State::last_ack},
    {State::last_ack, Event::fin_acked, State::closed},
    // RST, abort and time-out need no rows: the record goes away. SYN_RECEIVED has no fin_out, since our FIN waits for the handshake.
}};

static_assert(no_pair_twice(transitions));
static_assert(all_reached(transitions, State::closed, state_names.size()));

[[nodiscard]] constexpr State next_state(State from, Event event) {
  if (const auto next = next_of(transitions, from, event)) return *next;
  check_failed("the state table has no such row", "dataplane/tcp/state.h", __LINE__);
}

/// The handshake is over: sequence numbers of both sides are agreed.
[[nodiscard]] constexpr bool synchronized(State state) { return state >= State::established; }
/// Our FIN may still come, and data before it.
[[nodiscard]] constexpr bool may_send(State state) { return state == State::established || state == State::close_wait; }
/// The peer's data may still come.
[[nodiscard]] constexpr bool may_receive(State state) {
  return state == State::established || state == State::fin_wait_1 || state == State::fin_wait_2;
}
[[nodiscard]] constexpr bool fin_sent(State state) {
  return state == State::fin_wait_1 || state == State::fin_wait_2 || state == State::closing || state == State::last_ack;
}

}  // namespace pushmail::tcp
