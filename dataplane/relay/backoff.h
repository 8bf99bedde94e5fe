// How long to wait before the next try: doubled from the first wait up to the longest, with jitter, so that what failed together does not
// come back together.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/clock.h"
#include "core/timers.h"

namespace pushmail::relay {

struct RetryPolicy {
  Duration first = timers::mail_retry.first;
  Duration most = timers::mail_retry.most;
};

/// After the `tries`-th failed try (1 = the first). Three quarters of the doubled wait are certain, the last quarter is drawn.
[[nodiscard]] constexpr Duration retry_delay(const RetryPolicy& policy, std::uint32_t tries, std::uint64_t random) {
  std::int64_t wait = std::max<std::int64_t>(policy.first.ns, 1);
  for (std::uint32_t n = 1; n < tries && wait < policy.most.ns; ++n) wait *= 2;
  wait = std::min(wait, std::max(policy.most.ns, policy.first.ns));
  return {wait - wait / 4 + static_cast<std::int64_t>(random % static_cast<std::uint64_t>(wait / 4 + 1))};
}

}  // namespace pushmail::relay
