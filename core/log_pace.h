// A line that would repeat with each failure is written now and then, with how often it happened meanwhile.
#pragma once

#include <cstdint>
#include <utility>

#include "core/clock.h"

namespace pushmail {

class LogPace {
 public:
  /// Counts one more. How many since the last line, when a line is due: the first, one with another errno, or a minute later; 0 when not.
  [[nodiscard]] std::uint64_t count(Instant now, int error) {
    ++counted_;
    if (error == last_error_ && now - last_ < every) return 0;
    last_ = now;
    last_error_ = error;
    return std::exchange(counted_, 0);
  }

 private:
  static constexpr Duration every = seconds(60);
  std::uint64_t counted_ = 0;
  Instant last_{};
  int last_error_ = 0;
};

}  // namespace pushmail
