// The peers as the control plane gave them (handoff `peers`), or as the last-known file remembers them.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codec/mm7/message.h"
#include "core/contract/peer/profile.h"
#include "core/endpoint.h"
#include "core/record.h"

namespace pushmail::relay {

/// A peer as its record says, and what follows from that.
struct PeerEntry : PeerProfile {
  explicit PeerEntry(PeerProfile profile) : PeerProfile(std::move(profile)) {}
  std::vector<IpNetwork> networks{};  // of `allow`; none: any source
  mm7::Mm7Dialect dialect{};
};

class PeerTable {
 public:
  /// Replaces the table by that of a `peers` record; nested records that are broken are left out and counted, and so are knobs that we do
  /// not know or that do not take their value. Left out with a logged error: a peer that nothing authenticates, unless its record says
  /// that it is open; one whose list of networks cannot be read, which must not become "any source".
  std::size_t read(const RecordView& peers);
  [[nodiscard]] const PeerEntry* find(std::string_view name) const;
  [[nodiscard]] const std::map<std::string, PeerEntry, std::less<>>& all() const { return peers_; }

 private:
  std::map<std::string, PeerEntry, std::less<>> peers_;
};

}  // namespace pushmail::relay
