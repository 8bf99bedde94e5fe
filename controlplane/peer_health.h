// Whether what an MMSC owes us comes: reports about the messages that it took, and answers of phones to the senders that they see. An MMSC
// that was told of one short code drops whatever is sent to a longer one, and says nothing of it to anybody.
//
// Came from: the store (PeerTraffic, a week of it). Goes to: `peer show`. Pure.
#pragma once

#include <string>
#include <vector>

#include "controlplane/settings.h"
#include "controlplane/store/store.h"

namespace pushmail {

/// So many of a week say enough, and no more are counted.
inline constexpr std::uint64_t traffic_looked_at_max = 10'000;
/// So many messages without one report, and so many without one answer, are no chance.
inline constexpr std::uint64_t silent_reports_least = 5;
inline constexpr std::uint64_t silent_answers_least = 20;

/// What is missing, and what the MMSC's operator must be told; empty: nothing is known to be wrong.
[[nodiscard]] std::vector<std::string> advice_about(const PeerProfile& peer, const PeerTraffic& traffic);

}  // namespace pushmail
