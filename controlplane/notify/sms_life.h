// The life of an outgoing SMS as a table. Notifier asks for an event; one that the table does not know in a state is a mistake of ours and
// stops the program.
//
//                  hand_over                     accepted
//      PENDING ----------------> SUBMITTING ----------------> SENT
//       ^  |  ^  \                |  |   | doubt_again, refused
//       |  |  |   \ give_up       |  |   v
//       |  |  |    `----------------------------------------> FAILED
//       |  |  `-- put_off, back --'  |
//       |  `---- withhold (to itself)|
//       `----------- doubt ----------'
//
// doubt: it may have left and no answer came. It goes once more, minutes later and with nothing beside it, so that a text which ends the
// session is found and hurts no other; a second doubt sets it aside. So a phone never gets one text more than twice.
#pragma once

#include <array>
#include <cstdint>

#include "controlplane/store/rows.h"
#include "core/result.h"
#include "core/transition_table.h"

namespace pushmail::notify {

enum class SmsEvent : std::uint8_t {
  hand_over,  // written down as submitting, then given to the bearer
  accepted,   // the SMSC has it
  refused,    // the SMSC never takes it
  put_off,    // the SMSC takes it later
  back,       // the session ended before any of it left
  doubt,      // the session ended after some of it left
  doubt_again,
  withhold,  // the ceiling of this hour is reached
  give_up,   // nobody needs it any more, or it waited too long
};

inline constexpr std::array<std::string_view, 9> sms_event_names{"hand_over", "accepted",    "refused",  "put_off", "back",
                                                                 "doubt",     "doubt_again", "withhold", "give_up"};

struct SmsTransition {
  SmsState from;
  SmsEvent event;
  SmsState to;
};

inline constexpr auto sms_transitions = std::to_array<SmsTransition>({
    {SmsState::pending, SmsEvent::hand_over, SmsState::submitting},
    {SmsState::pending, SmsEvent::withhold, SmsState::pending},
    {SmsState::pending, SmsEvent::give_up, SmsState::failed},
    {SmsState::submitting, SmsEvent::accepted, SmsState::sent},
    {SmsState::submitting, SmsEvent::refused, SmsState::failed},
    {SmsState::submitting, SmsEvent::put_off, SmsState::pending},
    {SmsState::submitting, SmsEvent::back, SmsState::pending},
    {SmsState::submitting, SmsEvent::doubt, SmsState::pending},
    {SmsState::submitting, SmsEvent::doubt_again, SmsState::failed},
});

static_assert(no_pair_twice(sms_transitions));
static_assert(all_reached(sms_transitions, SmsState::pending, words<SmsState>.size()));

[[nodiscard]] constexpr SmsState next_state(SmsState from, SmsEvent event) {
  if (const auto next = next_of(sms_transitions, from, event)) return *next;
  check_failed("the table of SMS has no such row", "controlplane/notify/sms_life.h", __LINE__);
}

}  // namespace pushmail::notify
