// The life of our SMPP session as a table (SMPP 3.4 §2.2). SmppProtocol asks for an event; one that the table does not know in a state is
// a mistake of ours and stops the program.
//
//              connect               connected             bind_accepted
//      IDLE ------------> CONNECTING ----------> BINDING ----------------> BOUND
//       ^                     |                     |                        |  |
//       `---------------------+------ lost ---------+------------------------'  | unbind
//                                                                               v
//      stop, from IDLE, CONNECTING or BINDING ----> STOPPED <-- lost, stop -- UNBINDING
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/result.h"
#include "core/transition_table.h"

namespace pushmail::notify {

enum class SmppState : std::uint8_t { idle, connecting, binding, bound, unbinding, stopped };
inline constexpr std::array<std::string_view, 6> smpp_state_names{"idle", "connecting", "binding", "bound", "unbinding", "stopped"};

enum class SmppEvent : std::uint8_t {
  connect,  // the pause before the next try is over
  connected,
  bind_accepted,
  lost,    // the connection ended, or we end it
  unbind,  // we take our leave
  stop,    // without a leave; or the leave was answered
};

inline constexpr std::array<std::string_view, 6> smpp_event_names{"connect", "connected", "bind_accepted", "lost", "unbind", "stop"};

struct SmppTransition {
  SmppState from;
  SmppEvent event;
  SmppState to;
};

inline constexpr auto smpp_transitions = std::to_array<SmppTransition>({
    {SmppState::idle, SmppEvent::connect, SmppState::connecting},
    {SmppState::idle, SmppEvent::stop, SmppState::stopped},
    {SmppState::connecting, SmppEvent::connected, SmppState::binding},
    {SmppState::connecting, SmppEvent::lost, SmppState::idle},
    {SmppState::connecting, SmppEvent::stop, SmppState::stopped},
    {SmppState::binding, SmppEvent::bind_accepted, SmppState::bound},
    {SmppState::binding, SmppEvent::lost, SmppState::idle},
    {SmppState::binding, SmppEvent::stop, SmppState::stopped},
    {SmppState::bound, SmppEvent::lost, SmppState::idle},
    {SmppState::bound, SmppEvent::unbind, SmppState::unbinding},
    {SmppState::unbinding, SmppEvent::lost, SmppState::stopped},
    {SmppState::unbinding, SmppEvent::stop, SmppState::stopped},
    // STOPPED has no rows: nothing begins again.
});

static_assert(no_pair_twice(smpp_transitions));
static_assert(all_reached(smpp_transitions, SmppState::idle, smpp_state_names.size()));

[[nodiscard]] constexpr SmppState next_state(SmppState from, SmppEvent event) {
  if (const auto next = next_of(smpp_transitions, from, event)) return *next;
  check_failed("the table of SMPP states has no such row", "controlplane/notify/smpp_state.h", __LINE__);
}

}  // namespace pushmail::notify
