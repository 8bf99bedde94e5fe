// TLS 1.2 and 1.3 as a Stream over a Stream, on whichever link carries the bytes (RFC 5246, RFC 8446).
//
//   session ── plain ──> covered stream ── core/tls ── records ──> Stream beneath (our TCP, kernel sockets, the simulated link)
//
// Came from: TlsListener (implicit TLS), TlsPeer (connections that we open), and both as StreamCover (STARTTLS). Goes to: the session's
// StreamEvents, on_open once both sides agree. Invariants: nothing in clear passes a covered stream in either direction; handshakes are
// made in poll() alone, in order and so many a turn, and each ends in time; a source that only begins them is refused before it costs one.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/budget.h"
#include "core/clock.h"
#include "core/timers.h"
#include "core/tls.h"
#include "dataplane/session/refusal_log.h"
#include "dataplane/tcp/stream.h"

namespace pushmail {

struct TlsLimits {
  std::uint32_t handshakes_per_turn = 4;  // steps, of which one in a handshake signs: a fraction of a millisecond to two
  Duration handshake_time = timers::tls_handshake;
  Duration linger = timers::session_linger;  // after our alert
  std::size_t lingering_max = 256;           // of all sources; beyond them a failed handshake ends without its alert
  /// Handshakes of one source that are under way or have failed; one that succeeds gives its own back.
  BudgetLimits per_source{.burst = {.count = 60, .window = seconds(60)}, .lasting = {.count = 1200, .window = seconds(3600)}};
};

/// What each peer's client has to show, by the peer's name.
using ClientChecks = std::map<std::string, tls::ClientCheck, std::less<>>;

struct TlsCounts {
  std::uint64_t handshakes = 0;  // that both sides agreed in
  std::uint64_t failed = 0;
  std::uint64_t refused = 0;  // beyond their source's budget
};

/// A worker's network, and what is covered on it. The streams beneath must have gone, or their network, when it goes.
class TlsNetwork final : public Network {
 public:
  explicit TlsNetwork(Network& below, TlsLimits limits = {});
  TlsNetwork(const TlsNetwork&) = delete;
  TlsNetwork& operator=(const TlsNetwork&) = delete;
  ~TlsNetwork() override;

  // Plain streams, as the network beneath has them.
  [[nodiscard]] Result<void> listen(const Endpoint& local, Acceptor& acceptor) override { return below_.listen(local, acceptor); }
  void stop_listening() override { below_.stop_listening(); }
  [[nodiscard]] Result<Stream*> connect(const Endpoint& peer, StreamEvents& events) override { return below_.connect(peer, events); }
  std::size_t poll(Instant now) override;
  void wait(int wake_fd, Duration longest) override;

  /// What the other side has shown, at each handshake. `label`: of the TlsPeer; `client NAME` for a peer that has proven itself to us.
  using OnCertificate = std::function<void(std::string_view label, const tls::Certificate& shown)>;
  void on_certificate(OnCertificate told) { on_certificate_ = std::move(told); }

  /// A connection that we open, as a client. `label`: whose certificate on_certificate is called with; empty: nobody's.
  [[nodiscard]] Result<Stream*> connect(const Endpoint& peer, StreamEvents& events, tls::Session session, std::string label = {});
  /// Over a stream that is open, as a client.
  [[nodiscard]] Stream* cover_as_client(Stream& below, StreamEvents& events, tls::Session session, std::string label = {});
  /// Over a stream that is open, as a server; the new stream has no events yet. core_tls_too_many: the source's budget is spent, and
  /// `below` is as it was.
  /// `checks`: what makes its proof(), and there until the handshake ends; null: nobody is asked.
  [[nodiscard]] Result<Stream*> cover_as_server(Stream& below, const tls::ServerSettings& settings, const ClientChecks* checks = nullptr);
  /// Whether the budget of its source is spent; that is counted and logged.
  [[nodiscard]] bool refuses(const Stream& below);
  /// Sources that the operator named: nobody else's handshakes can be charged to them, and a whole MMSC may be behind one address.
  void exempt(std::vector<IpNetwork> sources) { exempt_ = std::move(sources); }

  [[nodiscard]] const TlsCounts& counts() const { return counts_; }
  [[nodiscard]] std::size_t stream_count() const { return streams_.size(); }

 private:
  class Covered;
  Covered& add(std::unique_ptr<Covered> made);
  void forget(Covered& stream);
  void note_failure(const Covered& stream, std::string_view reason);
  [[nodiscard]] bool is_exempt(const IpAddress& source) const;

  Network& below_;
  TlsLimits limits_;
  Instant now_{};
  Instant next_check_{};
  TwoBudgets per_source_;
  std::vector<IpNetwork> exempt_;
  TlsCounts counts_;
  std::size_t lingering_ = 0;
  RefusalLog refusals_{"tls_failed"};
  OnCertificate on_certificate_;
  Bytes plain_;                   // what a read gives, lent on
  std::deque<Covered*> waiting_;  // have bytes of a handshake that were not looked at
  std::vector<std::unique_ptr<Covered>> streams_;
};

/// A port where TLS is spoken from the first byte on, and STARTTLS of a server, which needs an acceptor only for the former. The network
/// outlives it, and is not polled without it.
class TlsListener final : public Acceptor, public StreamCover {
 public:
  TlsListener(TlsNetwork& network, tls::ServerSettings settings, Acceptor* behind = nullptr)
      : network_(network), settings_(std::move(settings)), behind_(behind) {}
  /// For handshakes that begin from now on. `checks`: for settings that ask clients for a certificate.
  void use(tls::ServerSettings settings, ClientChecks checks = {});
  void on_accept(Stream& below) override;
  [[nodiscard]] const ErrorInfo* refusal(const Stream& below) override;
  [[nodiscard]] Result<Stream*> cover(Stream& below, StreamEvents& events) override;

 private:
  [[nodiscard]] const ClientChecks* asked() const { return checks_.empty() ? nullptr : &checks_; }

  TlsNetwork& network_;
  tls::ServerSettings settings_;
  ClientChecks checks_;
  Acceptor* behind_;
};

/// One peer that we speak TLS to, under the name that its certificate must carry: as the network of a client that speaks nothing else to
/// it, and as STARTTLS of a client.
class TlsPeer final : public Network, public StreamCover {
 public:
  /// `label`: what its certificates are shown as in the status.
  TlsPeer(TlsNetwork& network, tls::ClientSettings settings, std::string name, std::string label = {})
      : network_(network), settings_(std::move(settings)), name_(std::move(name)), label_(std::move(label)) {}
  /// For handshakes that begin from now on.
  void use(tls::ClientSettings settings) { settings_ = std::move(settings); }
  [[nodiscard]] Result<Stream*> connect(const Endpoint& peer, StreamEvents& events) override;
  [[nodiscard]] Result<Stream*> cover(Stream& below, StreamEvents& events) override;
  [[nodiscard]] Result<void> listen(const Endpoint& local, Acceptor& acceptor) override { return network_.listen(local, acceptor); }
  void stop_listening() override { network_.stop_listening(); }
  std::size_t poll(Instant now) override { return network_.poll(now); }
  void wait(int wake_fd, Duration longest) override { network_.wait(wake_fd, longest); }

 private:
  TlsNetwork& network_;
  tls::ClientSettings settings_;
  std::string name_;
  std::string label_;
};

}  // namespace pushmail
