// A clock that a test moves; wall and monotonic time go together.
#pragma once

#include <algorithm>

#include "core/clock.h"

namespace pushmail::notify {

class HandClock final : public Clock {
 public:
  [[nodiscard]] Timestamp wall() const override { return {start_us + at_.ns / 1000}; }
  [[nodiscard]] Instant now() const override { return at_; }
  void advance(Duration by) { at_ = at_ + by; }
  void advance_to(Instant at) { at_ = std::max(at_, at); }

 private:
  static constexpr std::int64_t start_us = 1'795'000'000'000'000;
  Instant at_{1'000'000'000};
};

}  // namespace pushmail::notify
