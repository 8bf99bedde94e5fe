// How long a peer takes to report: what its submissions in doubt wait for.
//
// Came from: Reports (the first report of each submission). Kept in the store, the last `kept_max` of each peer, so a restart forgets
// nothing. Goes to: InDoubt (how long), the API (`peer show`).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/store/store.h"
#include "core/clock.h"
#include "core/timers.h"

namespace pushmail {

class ReportTimes {
 public:
  static constexpr std::size_t kept_max = 200;
  static constexpr std::size_t known_from = 20;  // with fewer reports nothing is known
  static constexpr Duration wait_unknown = timers::doubt_usual;
  static constexpr Duration wait_least = timers::doubt.first;
  static constexpr Duration wait_most = timers::doubt.most;

  explicit ReportTimes(Store& store) : store_(store) {}

  /// Inside Store::write().
  [[nodiscard]] Result<void> add(const std::string& peer, Duration took);

  struct Known {
    std::size_t count = 0;
    Duration p95{};                // 95th percentile, nearest rank; 0 for no reports
    Duration wait = wait_unknown;  // for a report of a submission in doubt: twice that, within bounds
  };
  [[nodiscard]] Result<Known> of(const std::string& peer);

 private:
  Store& store_;
};

}  // namespace pushmail
