// When the service manager is told that the data plane lives: while the worker makes its turns. Who tells is the I/O thread, and the turns
// are the worker's, so a stuck one of either is silence, and systemd starts the program anew (WatchdogSec).
#pragma once

#include <cstdint>

#include "core/clock.h"
#include "core/timers.h"

namespace pushmail {

class Alive {
 public:
  /// Whether a word is due. `turns`: the worker's so far.
  [[nodiscard]] bool is_due(Instant now, std::uint64_t turns) {
    if (turns == turns_ || now - last_ < timers::manager_notified) return false;
    turns_ = turns;
    last_ = now;
    return true;
  }

 private:
  std::uint64_t turns_ = 0;
  Instant last_{};
};

}  // namespace pushmail
