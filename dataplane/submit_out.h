// MM7 out: one HTTP client for each peer of the table, behind the relay's OutgoingPort.
//
// Came from: relay (SubmitOrder). Goes to: HttpClient, and back as on_submit_result from inside the network's poll or tick. A peer whose
// profile changed gets a new client; the old one lives until its last connection has closed.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/contract/counters/counters.h"
#include "dataplane/relay/relay.h"
#include "dataplane/session/http_client.h"
#include "dataplane/tls/tls_network.h"

namespace pushmail {

class SubmitOut {
 public:
  /// Whom we trust as each peer that is reached by https.
  using Trust = std::map<std::string, tls::ClientSettings, std::less<>>;
  SubmitOut(TlsNetwork& network, Trust trust, const Clock& clock, FaultPoints faults);
  ~SubmitOut();
  SubmitOut(const SubmitOut&) = delete;
  SubmitOut& operator=(const SubmitOut&) = delete;

  /// Before anything else: who hears of results.
  void set_relay(relay::Relay& relay) { relay_ = &relay; }
  void set_peers(const relay::PeerTable& peers);
  /// For handshakes from now on. Who is reached by https, and who is not any more, is seen with the next set_peers.
  void set_trust(Trust trust);
  /// The order's body stays where it is until on_submit_result.
  void submit(const relay::SubmitOrder& order);
  /// Its answer said so (4006): fewer requests run with it at the same time.
  void peer_overloaded(std::string_view peer);
  void publish(Counters& counters) const;
  void tick(Instant now);
  [[nodiscard]] bool has_work() const;
  /// Resets all connections; their results come with the next polls.
  void close_all();
  /// What waits goes back as not sent, at once; what is out gets its answer, and then the connections end.
  void drain();
  [[nodiscard]] std::size_t connection_count() const;

 private:
  class PeerClient;
  TlsNetwork& network_;
  Trust trust_;
  const Clock& clock_;
  FaultPoints faults_;
  relay::Relay* relay_ = nullptr;
  std::map<std::string, std::unique_ptr<PeerClient>, std::less<>> clients_;
  std::vector<std::unique_ptr<PeerClient>> retired_;
  HttpClientTotals retired_totals_;                // of those that are gone
  std::vector<std::pair<ItemId, Error>> refused_;  // told at the next tick, never from inside submit()
};

}  // namespace pushmail
