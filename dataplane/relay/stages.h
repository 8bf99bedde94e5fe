// The stages of an item in the relay as a table. The relay asks for an event; one that the table does not know in a stage is a mistake of
// ours and stops the program. README.md shows the whole table; the main roads are
//
//   phone, forwarded:  committing -> peeking -> routing -> [waiting] -> converting -> attempting -> sending -> finishing -> gone
//   mailbox:           receiving -> converting -> attempting -> sending -> finishing -> gone
//   again:             attempting (its record becomes durable) -> sending -> backing_off -> attempting ...
//   postmaster:        committing -> attempting ...: nothing is asked and nothing converted
//
// A submission whose fate nobody knows leaves `sending` otherwise: the control plane takes it over. A mail of the mailbox is gone then;
// one of the journal is `waiting` until it is asked for again.
//
// `finishing` is left when the outcome is durable; from then on the outcome alone is remembered, until the control plane has it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/transition_table.h"

namespace pushmail::relay {

enum class Stage : std::uint8_t {
  committing,
  peeking,
  routing,
  waiting,
  receiving,
  converting,
  attempting,
  sending,
  backing_off,
  finishing
};
inline constexpr std::array<std::string_view, 10> stage_names{"committing", "peeking",    "routing", "waiting",     "receiving",
                                                              "converting", "attempting", "sending", "backing_off", "finishing"};

enum class StageEvent : std::uint8_t {
  offer,      // the control plane announces a mail of the mailbox, or announces it anew
  peek,       // the codec lane looks for sender and recipients
  ask,        // the control plane is asked for a route
  bad_route,  // its answer cannot be used: it is asked again
  wait,       // nothing more is done until the control plane says so
  convert,    // the codec lane makes what is sent
  put_off,    // later: the peer, the codec lane or the journal cannot take it now
  attempt,    // a try is written down
  send,       // the try is durable: the bytes leave
  end,        // its outcome is known
};
inline constexpr std::array<std::string_view, 10> stage_event_names{"offer",   "peek",    "ask",     "bad_route", "wait",
                                                                    "convert", "put_off", "attempt", "send",      "end"};

struct StageStep {
  Stage from;
  StageEvent event;
  Stage to;
};
inline constexpr auto stage_steps = std::to_array<StageStep>({
    {Stage::committing, StageEvent::offer, Stage::receiving},
    {Stage::committing, StageEvent::peek, Stage::peeking},
    {Stage::committing, StageEvent::attempt, Stage::attempting},
    {Stage::committing, StageEvent::put_off, Stage::backing_off},
    {Stage::committing, StageEvent::end, Stage::finishing},
    {Stage::peeking, StageEvent::peek, Stage::peeking},
    {Stage::peeking, StageEvent::ask, Stage::routing},
    {Stage::peeking, StageEvent::end, Stage::finishing},
    {Stage::routing, StageEvent::ask, Stage::routing},
    {Stage::routing, StageEvent::bad_route, Stage::routing},
    {Stage::routing, StageEvent::wait, Stage::waiting},
    {Stage::routing, StageEvent::convert, Stage::converting},
    {Stage::routing, StageEvent::put_off, Stage::backing_off},
    {Stage::routing, StageEvent::attempt, Stage::attempting},
    {Stage::routing, StageEvent::end, Stage::finishing},
    {Stage::waiting, StageEvent::bad_route, Stage::routing},
    {Stage::waiting, StageEvent::wait, Stage::waiting},
    {Stage::waiting, StageEvent::convert, Stage::converting},
    {Stage::waiting, StageEvent::put_off, Stage::backing_off},
    {Stage::waiting, StageEvent::attempt, Stage::attempting},
    {Stage::waiting, StageEvent::end, Stage::finishing},
    {Stage::receiving, StageEvent::offer, Stage::receiving},
    {Stage::receiving, StageEvent::convert, Stage::converting},
    {Stage::receiving, StageEvent::end, Stage::finishing},
    {Stage::converting, StageEvent::put_off, Stage::backing_off},
    {Stage::converting, StageEvent::attempt, Stage::attempting},
    {Stage::converting, StageEvent::end, Stage::finishing},
    {Stage::attempting, StageEvent::put_off, Stage::backing_off},
    {Stage::attempting, StageEvent::send, Stage::sending},
    {Stage::attempting, StageEvent::end, Stage::finishing},
    {Stage::sending, StageEvent::put_off, Stage::backing_off},
    {Stage::sending, StageEvent::wait, Stage::waiting},
    {Stage::sending, StageEvent::end, Stage::finishing},
    {Stage::backing_off, StageEvent::convert, Stage::converting},
    {Stage::backing_off, StageEvent::put_off, Stage::backing_off},
    {Stage::backing_off, StageEvent::attempt, Stage::attempting},
    {Stage::backing_off, StageEvent::end, Stage::finishing},
});

static_assert(no_pair_twice(stage_steps));
static_assert(all_reached(stage_steps, Stage::committing, stage_names.size()));

}  // namespace pushmail::relay
