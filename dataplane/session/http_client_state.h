// The life of a connection of HttpClient as a table: one request at a time, one answer to each (RFC 9112 §9.3). An event that the table
// does not know in a state is a mistake of ours and stops the program.
//
//              opened             start                      answered
//   OPENING ----------> IDLE ---------------> WAITING -------------------> IDLE
//      |                  |                     |  ^ hold_half, go_on: only with fault points
//      `------ close -----+------ close --------´  v
//                         v                     HALF_SENT
//                      CLOSING
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/transition_table.h"

namespace pushmail {

enum class HttpClientState : std::uint8_t { opening, idle, half_sent, waiting, closing };
inline constexpr std::array<std::string_view, 5> http_client_state_names{"opening", "idle", "half_sent", "waiting", "closing"};

enum class HttpClientEvent : std::uint8_t {
  opened,
  start,      // a request begins
  hold_half,  // its second half waits until the first has left
  go_on,
  answered,  // whole, and the connection may be used again
  close,     // we end it, or have ended it
};
inline constexpr std::array<std::string_view, 6> http_client_event_names{"opened", "start", "hold_half", "go_on", "answered", "close"};

struct HttpClientStep {
  HttpClientState from;
  HttpClientEvent event;
  HttpClientState to;
};
inline constexpr auto http_client_steps = std::to_array<HttpClientStep>({
    {HttpClientState::opening, HttpClientEvent::opened, HttpClientState::idle},
    {HttpClientState::opening, HttpClientEvent::close, HttpClientState::closing},
    {HttpClientState::idle, HttpClientEvent::start, HttpClientState::waiting},
    {HttpClientState::idle, HttpClientEvent::close, HttpClientState::closing},
    {HttpClientState::half_sent, HttpClientEvent::go_on, HttpClientState::waiting},
    {HttpClientState::half_sent, HttpClientEvent::close, HttpClientState::closing},
    {HttpClientState::waiting, HttpClientEvent::hold_half, HttpClientState::half_sent},
    {HttpClientState::waiting, HttpClientEvent::answered, HttpClientState::idle},
    {HttpClientState::waiting, HttpClientEvent::close, HttpClientState::closing},
    {HttpClientState::closing, HttpClientEvent::close, HttpClientState::closing},
});

static_assert(no_pair_twice(http_client_steps));
static_assert(all_reached(http_client_steps, HttpClientState::opening, http_client_state_names.size()));

}  // namespace pushmail
