// What is to happen later in virtual time: the one queue of a simulation for everything that is neither a frame nor a timer of a stack.
#pragma once

#include <functional>
#include <map>
#include <utility>

#include "core/clock.h"

namespace pushmail::edge {

class Schedule {
 public:
  using Act = std::function<void()>;
  void at(Instant when, Act act) { acts_.emplace(when, std::move(act)); }
  /// When the next act is due; {0}: nothing is planned.
  [[nodiscard]] Instant next() const { return acts_.empty() ? Instant{} : acts_.begin()->first; }
  /// Runs what is due at `now`, in the order of its times.
  void run(Instant now) {
    while (!acts_.empty() && acts_.begin()->first <= now) {
      const Act act = std::move(acts_.begin()->second);
      acts_.erase(acts_.begin());
      act();
    }
  }

 private:
  std::multimap<Instant, Act> acts_;
};

}  // namespace pushmail::edge
