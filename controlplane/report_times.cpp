#include "controlplane/report_times.h"

#include <algorithm>

namespace pushmail {

Result<void> ReportTimes::add(const std::string& peer, Duration took) {
  // A clock that was set back makes no negative times.
  return store_.add_report_time(peer, std::max(took, Duration{}), kept_max);
}

Result<ReportTimes::Known> ReportTimes::of(const std::string& peer) {
  PM_TRY(auto times, store_.report_times(peer, kept_max));
  Known known{.count = times.size()};
  if (times.empty()) return known;
  const auto rank = times.begin() + static_cast<std::ptrdiff_t>((times.size() * 95 + 99) / 100 - 1);
  std::ranges::nth_element(times, rank);
  known.p95 = *rank;
  if (known.count >= known_from) known.wait = std::clamp(Duration{known.p95.ns * 2}, wait_least, wait_most);
  return known;
}

}  // namespace pushmail
