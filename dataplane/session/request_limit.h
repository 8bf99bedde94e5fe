// What a peer's silence teaches: how many requests a kept connection of it takes before it is closed without a `Connection: close`.
//
// The first such close sets the limit; it holds ten minutes, so that an MMSC that was restarted costs some connections and no more. The
// same close after that doubles the time, up to six hours: a peer that always does it is asked again a few times a day.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/clock.h"
#include "core/timers.h"

namespace pushmail {

class RequestLimit {
 public:
  static constexpr Duration hold_least = timers::request_limit.first;
  static constexpr Duration hold_most = timers::request_limit.most;

  /// The peer closed a connection soon after its `answers`-th whole answer, unannounced.
  void on_unannounced_close(std::uint32_t answers, Instant now) {
    // Without any answer it was no kept connection.
    if (answers == 0) return;
    if (now < until_) {
      limit_ = std::min(limit_, answers);
      return;
    }
    hold_ = answers == limit_ ? std::min(Duration{hold_.ns * 2}, hold_most) : hold_least;
    limit_ = answers;
    until_ = now + hold_;
  }
  /// Requests that a connection may carry; 0: no limit is known.
  [[nodiscard]] std::uint32_t at(Instant now) const { return now < until_ ? limit_ : 0; }

 private:
  std::uint32_t limit_ = 0;
  Duration hold_ = hold_least;
  Instant until_{};
};

}  // namespace pushmail
