// When a mailbox is looked at next: a pure function of the binding's plan and of when it was looked at last.
//
// Used by controlplane/watch (which sends `poll` to the fetcher). Modes: idle needs no polls, but gets one per round as a safety net
// against servers that forget to tell; poll is round robin; fixed follows the subscriber's clock.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/schedule/zone.h"
#include "core/clock.h"

namespace pushmail::schedule {

/// Minutes of the day, sorted, each once: `07:00,12:30`. Nothing when it is not of this form, or empty.
[[nodiscard]] std::optional<std::vector<int>> parse_times(std::string_view text);

struct Plan {
  enum class Mode : std::uint8_t { round_robin, fixed };
  Mode mode = Mode::round_robin;
  Duration round = seconds(900);  // round robin: every mailbox once in this time
  std::vector<int> times{};       // fixed: minutes of the local day
  const Zone* zone = nullptr;     // fixed; null is UTC
  std::string_view key{};         // the binding's id: spreads the mailboxes over the round, the same each time
};

/// The first time after `last` at which the mailbox is due. `last` is when it was looked at, or when the control plane started.
[[nodiscard]] Timestamp next_due(const Plan& plan, Timestamp last);

}  // namespace pushmail::schedule
