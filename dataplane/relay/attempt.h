// One try to send an item, and what is known of its fate: on disk before the first byte of SubmitReq, or of a mail, leaves.
//
//           begin               success                     some recipients have the mail, the others wait for the next try; a
//   none ──────────> begun ──────────────> answered         SubmitRsp or the last recipient ends the item: its outcome says all
//                    ^ │ │ refusal, not_sent
//                    │ │ └───────────────> refused          nothing is in doubt
//                    │ │ loss, restart
//                    │ └─────────────────> unknown          nobody knows whether it arrived: the next begin sends it again, marked
//                    └── begin ── from answered, refused, unknown
//
// The journal's record of an item is the last one written: begun, answered or refused. `unknown` is never written: begun without an
// answer says it, and a restart reads it so.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/ids.h"
#include "core/record.h"
#include "core/transition_table.h"

namespace pushmail::relay {

enum class AttemptPhase : std::uint8_t { none, begun, answered, refused, unknown };
/// success: the peer has it. refusal: the peer's word that it has not. not_sent: the peer cannot have seen it. loss: no answer, or one
/// that says nothing. restart: found in the journal at start.
enum class AttemptEvent : std::uint8_t { begin, success, refusal, not_sent, loss, restart };

inline constexpr std::array<std::string_view, 5> attempt_phase_names{"none", "begun", "answered", "refused", "unknown"};
[[nodiscard]] constexpr std::string_view to_string(AttemptPhase phase) { return attempt_phase_names[static_cast<std::size_t>(phase)]; }

inline constexpr std::array<std::string_view, 6> attempt_event_names{"begin", "success", "refusal", "not_sent", "loss", "restart"};

struct AttemptStep {
  AttemptPhase from;
  AttemptEvent event;
  AttemptPhase to;
};
inline constexpr auto attempt_steps = std::to_array<AttemptStep>({
    {AttemptPhase::none, AttemptEvent::begin, AttemptPhase::begun},
    {AttemptPhase::answered, AttemptEvent::begin, AttemptPhase::begun},
    {AttemptPhase::refused, AttemptEvent::begin, AttemptPhase::begun},
    {AttemptPhase::unknown, AttemptEvent::begin, AttemptPhase::begun},
    {AttemptPhase::begun, AttemptEvent::success, AttemptPhase::answered},
    {AttemptPhase::begun, AttemptEvent::refusal, AttemptPhase::refused},
    {AttemptPhase::begun, AttemptEvent::not_sent, AttemptPhase::refused},
    {AttemptPhase::begun, AttemptEvent::loss, AttemptPhase::unknown},
    {AttemptPhase::begun, AttemptEvent::restart, AttemptPhase::unknown},
    {AttemptPhase::answered, AttemptEvent::restart, AttemptPhase::answered},
    {AttemptPhase::refused, AttemptEvent::restart, AttemptPhase::refused},
});

/// The phase that follows; nothing where the event cannot happen.
[[nodiscard]] constexpr std::optional<AttemptPhase> next_phase(AttemptPhase from, AttemptEvent event) {
  return next_of(attempt_steps, from, event);
}
static_assert(no_pair_twice(attempt_steps), "a phase and an event have one successor");
static_assert(all_reached(attempt_steps, AttemptPhase::none, attempt_phase_names.size()));

/// What an item carries of its tries; in the journal as Kind::attempt.
struct Attempt {
  AttemptPhase phase = AttemptPhase::none;
  std::uint32_t number = 0;             // of the last try, from 1
  std::uint32_t doubts = 0;             // tries that ended unknown
  Timestamp began{};                    // the last try
  std::string peer{};                   // [peer.NAME], or the next hop
  std::vector<std::string> done{};      // mail recipients with a final reply
  std::vector<std::string> rejected{};  // `address: reply` of those among them that were refused

  /// Applies an event that the table has; counts tries and doubts.
  void apply(AttemptEvent event);
};

/// The journal's record of it.
[[nodiscard]] RecordWriter to_record(const Attempt& attempt, const ItemId& item, const TraceId& trace);
/// As it was written, before AttemptEvent::restart; a phase that we do not know counts as begun.
[[nodiscard]] Attempt attempt_of(const RecordView& record);

}  // namespace pushmail::relay
