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

namespace pushmail::notify {

enum class SmppState : std::uint8_t { idle, connecting, binding, bound, unbinding, stopped };
inline constexpr std::array<std::string_view, 6> smpp_state_names{"idle", "connecting", "binding", "bound", "unbinding", "stopped"};

enum class SmppEvent : std::uint8_t {
  connect,        // the pause before the next try is over
  connected,
  bind_accepted,
  lost,           // the connection ended, or we end it
  unbind,         // we take our leave
  stop,           // without a leave; or the leave was answered
};

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

namespace detail {
constexpr bool no_smpp_pair_twice() {
  for (std::size_t i = 0; i < smpp_transitions.size(); ++i) {
    for (std::size_t j = i + 1; j < smpp_transitions.size(); ++j) {
      if (smpp_transitions[i].from == smpp_transitions[j].from && smpp_transitions[i].event == smpp_transitions[j].event) return false;
    }
  }
  return true;
}
}  // namespace detail
static_assert(detail::no_smpp_pair_twice());

[[nodiscard]] constexpr SmppState next_state(SmppState from, SmppEvent event) {
  for (const SmppTransition& row : smpp_transitions) {
    if (row.from == from && row.event == event) return row.to;
  }
  check_failed("the table of SMPP states has no such row", "controlplane/notify/smpp_state.h", __LINE__);
}

}  // namespace pushmail::notify
