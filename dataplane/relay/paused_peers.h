// Peers that get no SubmitReq for a while: their answers say that nothing would be taken, or say nothing. The control plane is told of
// each.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "dataplane/relay/context.h"

namespace pushmail::relay {

class PausedPeers {
 public:
  explicit PausedPeers(const Context& context) : context_(context) {}

  /// Until when; in the past, or Instant{}, when it is not paused.
  [[nodiscard]] Instant until(std::string_view peer) const;
  /// For longer each time, until forget().
  void pause(const std::string& peer, std::string_view trouble);
  /// It has taken a message.
  void forget(const std::string& peer);
  /// It has answered, whatever it was.
  void answered(const std::string& peer) { peers_[peer].unknowns = 0; }
  /// A submission came to an unknown end; several in a row pause the peer.
  void count_unknown(const std::string& peer);
  /// The table of peers is new.
  void clear() { peers_.clear(); }
  /// The control plane is there again.
  void report_all() const;

 private:
  struct Paused {
    Instant until;
    std::uint32_t times = 0;
    std::uint32_t unknowns = 0;  // in a row
    std::string reason;
  };
  void report(const std::string& peer) const;

  const Context& context_;
  std::map<std::string, Paused, std::less<>> peers_;
};

}  // namespace pushmail::relay
