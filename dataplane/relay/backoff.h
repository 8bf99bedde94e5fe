// How long to wait before the next try: doubled from the first wait up to the longest, with jitter, so that what failed together does not
// come back together.
#pragma once

#include <cstdint>

#include "core/clock.h"
#include "core/timers.h"

namespace pushmail::relay {

struct RetryPolicy {
  Duration first = timers::mail_retry.first;
  Duration most = timers::mail_retry.most;
};

static_assert(timers::submit_retry.jitter_percent == timers::mail_retry.jitter_percent);

/// After the `tries`-th failed try (1 = the first).
[[nodiscard]] constexpr Duration retry_delay(const RetryPolicy& policy, std::uint32_t tries, std::uint64_t random) {
  return with_jitter(doubled(policy.first, policy.most, tries == 0 ? 0 : tries - 1), timers::mail_retry.jitter_percent, random);
}

}  // namespace pushmail::relay
