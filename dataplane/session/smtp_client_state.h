// The life of a connection of SmtpClient as a table; which reply is awaited within `ready` is the dialogue's queue (smtp_connection.h). An
// event that the table does not know in a state is a mistake of ours and stops the program.
//
//              opened              welcomed             quit
//   OPENING ----------> GREETING ------------> READY ----------> QUITTING
//      |                  |  `--------------------------- quit ---^  |
//      `------ close -----+----------- close ----+------ close ------´
//                                                v
//                                             CLOSING
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/transition_table.h"

namespace pushmail {

enum class SmtpClientState : std::uint8_t { opening, greeting, ready, quitting, closing };
inline constexpr std::array<std::string_view, 5> smtp_client_state_names{"opening", "greeting", "ready", "quitting", "closing"};

enum class SmtpClientEvent : std::uint8_t {
  opened,
  welcomed,  // EHLO or HELO was answered well: mails may go
  quit,      // QUIT is said
  close,     // we end it, or have ended it
};
inline constexpr std::array<std::string_view, 4> smtp_client_event_names{"opened", "welcomed", "quit", "close"};

struct SmtpClientStep {
  SmtpClientState from;
  SmtpClientEvent event;
  SmtpClientState to;
};
inline constexpr auto smtp_client_steps = std::to_array<SmtpClientStep>({
    {SmtpClientState::opening, SmtpClientEvent::opened, SmtpClientState::greeting},
    {SmtpClientState::opening, SmtpClientEvent::close, SmtpClientState::closing},
    {SmtpClientState::greeting, SmtpClientEvent::welcomed, SmtpClientState::ready},
    {SmtpClientState::greeting, SmtpClientEvent::quit, SmtpClientState::quitting},
    {SmtpClientState::greeting, SmtpClientEvent::close, SmtpClientState::closing},
    {SmtpClientState::ready, SmtpClientEvent::quit, SmtpClientState::quitting},
    {SmtpClientState::ready, SmtpClientEvent::close, SmtpClientState::closing},
    {SmtpClientState::quitting, SmtpClientEvent::close, SmtpClientState::closing},
    {SmtpClientState::closing, SmtpClientEvent::close, SmtpClientState::closing},
});

static_assert(no_pair_twice(smtp_client_steps));
static_assert(all_reached(smtp_client_steps, SmtpClientState::opening, smtp_client_state_names.size()));

}  // namespace pushmail
