// How a [peer.NAME] does, for `pushmailctl peer show`: from the store (reports, doubts) and from the data plane (pauses).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/clock.h"

namespace pushmail::api {

/// What is known of a peer now.
struct PeerStanding {
  std::string name{};
  std::string url{};
  bool deduplicates = false;
  std::size_t reports = 0;  // whose time is known
  Duration report_time_p95{};
  Duration doubt_lasts{};             // so long a report is waited for when nobody knows whether a submission arrived
  std::uint64_t unknown = 0;          // submissions in doubt now
  Timestamp paused_until{};           // 0: not paused
  std::string reason{};               // of the pause
  std::string error{};                // of its last try that failed, also when it answers again: a handshake's reason, a status
  Timestamp error_at{};               // 0: none failed
  std::uint64_t silent = 0;           // messages of the last week that it took and never reported about
  std::uint64_t answers = 0;          // of phones, in the last week
  std::vector<std::string> advice{};  // what its operator must be told
};

}  // namespace pushmail::api
