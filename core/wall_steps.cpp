#include "core/wall_steps.h"

namespace pushmail {

std::optional<Duration> WallSteps::look() {
  constexpr Duration least = seconds(1);
  const Duration now = distance();
  const Duration step{now.ns - distance_.ns};
  if (step.ns < least.ns && step.ns > -least.ns) return std::nullopt;
  distance_ = now;
  return step;
}

}  // namespace pushmail
