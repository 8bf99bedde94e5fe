// Notices that somebody set the wall clock, by its distance from the monotonic clock, which nobody sets. NTP slews both alike.
#pragma once

#include <optional>

#include "core/clock.h"

namespace pushmail {

class WallSteps {
 public:
  explicit WallSteps(const Clock& clock) : clock_(clock), distance_(distance()) {}

  /// How far the wall clock was set since the last call, negative: back; nothing when it only went on. Steps of less than a second add up.
  [[nodiscard]] std::optional<Duration> look();

 private:
  [[nodiscard]] Duration distance() const { return {clock_.wall().us * 1000 - clock_.now().ns}; }

  const Clock& clock_;
  Duration distance_;
};

}  // namespace pushmail
