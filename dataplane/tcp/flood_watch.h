// When a flood begins and when it is over, out of a counter that only moves during one. Begun by the first count, over after a quiet
// minute: so there is at most one line of each kind a minute, whatever the flood does.
//
// Came from: the stack's counters, once a second. Goes to: a log line of the worker's link.
#pragma once

#include <cstdint>
#include <optional>

#include "core/clock.h"
#include "core/timers.h"

namespace pushmail::tcp {

class FloodWatch {
 public:
  static constexpr Duration quiet_for = timers::flood_quiet;

  enum class News : std::uint8_t { began, ended };
  struct Report {
    News news;
    std::uint64_t count;  // since it began
    Duration lasted;      // from the first count to the last
  };
  /// `total` is what the counter says at `now`; nothing: no news.
  [[nodiscard]] std::optional<Report> see(std::uint64_t total, Instant now) {
    const bool moved = total != seen_;
    if (moved && !under_way_) {
      under_way_ = true;
      before_ = seen_;
      began_at_ = last_at_ = now;
      seen_ = total;
      return Report{News::began, total - before_, {}};
    }
    seen_ = total;
    if (moved) last_at_ = now;
    if (!under_way_ || now - last_at_ < quiet_for) return std::nullopt;
    under_way_ = false;
    return Report{News::ended, total - before_, last_at_ - began_at_};
  }

 private:
  std::uint64_t seen_ = 0;
  std::uint64_t before_ = 0;
  bool under_way_ = false;
  Instant began_at_;
  Instant last_at_;
};

}  // namespace pushmail::tcp
