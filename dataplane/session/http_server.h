// MM7 in: the HTTP server that MMSCs send DeliverReq and reports to (TS 23.140 §10, RFC 9110, RFC 9112).
//
// Came from: Stream (accepted connections). Goes to: Mm7Sink, each request whole, read and authenticated; the answer comes back by
// ticket and leaves in the order of the requests. Invariant: nothing says "accepted" here but answer(), which the relay calls after the
// journal's commit. Broken requests are answered here: HTTP status for framing and access, SOAP Fault for what is not MM7.
//
//   head ──complete──> body ──complete──> head            (next request of the connection)
//    │  └──refused───> skip ──complete──> head            (401, 405, 415, 417: the body is read past)
//    └──framing broken, close asked──> nothing            (answers go out, then FIN; input is thrown away)
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/limits.h"
#include "core/timers.h"
#include "dataplane/session/basic_auth.h"
#include "dataplane/session/connection_limiter.h"
#include "dataplane/session/password_guard.h"
#include "dataplane/session/sinks.h"
#include "dataplane/session/ticket_table.h"
#include "dataplane/tcp/stream.h"

namespace pushmail {

/// An MMSC as the server knows it. The first peer that allows the source and whose credentials match is the one who speaks.
struct HttpPeer {
  std::string name;
  std::vector<IpNetwork> allow;  // none: any source
  BasicCredentials credentials;  // user empty: only `allow` counts
  /// Its addresses are known: they have places of their own, and nobody keeps them out by guessing.
  [[nodiscard]] bool has_addresses() const { return !allow.empty() && std::ranges::none_of(allow, &IpNetwork::is_everybody); }
  std::string service_code;     // in DeliverRsp; empty: not sent
  int fault_http_status = 500;  // of a SOAP Fault (SOAP 1.1 §6.2)
};

struct HttpServerSettings {
  std::vector<HttpPeer> peers;
  std::uint64_t body_size_max = limits::http_body_size_max;
  std::uint64_t body_memory_max = limits::item_memory_size_max;  // of all bodies that are being received
  std::uint32_t pipelined_count_max = 16;                        // unanswered requests of one connection; then it is not read
  ConnectionLimits connections;                                  // each peer whose addresses are known has its reserved ones
  BudgetLimits wrong_passwords{.burst = {.count = 10, .window = seconds(60)}, .lasting = {.count = 60, .window = seconds(3600)}};
  Duration idle = timers::session_idle;
  Duration head_time = timers::http_head;
  Duration message_time = timers::message_time;
  Duration linger = timers::session_linger;  // after our FIN
  Duration retry_after = timers::http_retry_after;
};

/// What happened, for the worker's counters.
struct HttpServerCounts {
  std::uint64_t connections = 0;
  std::uint64_t turned_away = 0;  // at accept: no place, no peer's address, or too many wrong passwords
  std::uint64_t requests = 0;     // given to the sink
  std::uint64_t refused = 0;      // by HTTP status
  std::uint64_t faults = 0;       // by SOAP Fault
  std::uint64_t unavailable = 0;  // 503
  std::uint64_t timed_out = 0;
  std::uint64_t late_answers = 0;  // tickets whose connection had gone
};

class HttpServer final : public Acceptor {
 public:
  HttpServer(HttpServerSettings settings, Mm7Sink& sink, const Clock& clock);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  /// Its connections must have closed, or their network must have gone.
  ~HttpServer() override;

  void on_accept(Stream& stream) override;
  /// Deadlines, and connections that may go on reading since they were answered. Once a turn.
  void tick(Instant now);
  /// Whether tick has work now: the worker must not sleep.
  [[nodiscard]] bool has_work() const { return !runnable_.empty(); }

  /// DeliverRsp or DeliveryReportRsp with HTTP 200.
  void answer(Ticket ticket, const mm7::Status& status);
  /// 503 with Retry-After: nothing was kept, the peer sends again.
  void refuse_temporarily(Ticket ticket);

  void set_peers(std::vector<HttpPeer> peers);
  [[nodiscard]] const HttpServerCounts& counts() const { return counts_; }
  /// Connections that had to go for another one.
  [[nodiscard]] std::uint64_t evicted() const { return limiter_.evicted(); }
  [[nodiscard]] std::uint64_t wrong_passwords() const { return guard_.wrong_count(); }
  [[nodiscard]] std::size_t connection_count() const { return connections_.size(); }

 private:
  class Connection;
  struct Question {
    Connection* connection;
    std::uint64_t sequence;  // of the request in its connection
  };

  /// The status that turns a source away before it says anything; 0: it may speak.
  [[nodiscard]] int refusal_at_accept(const IpAddress& source) const;
  void forget(Connection& connection);

  HttpServerSettings settings_;
  Mm7Sink& sink_;
  const Clock& clock_;
  Instant now_;
  Instant next_check_{};
  ConnectionLimiter limiter_;
  PasswordGuard guard_;
  RefusalLog refusals_{"http_turned_away"};
  std::uint64_t body_memory_ = 0;
  TicketTable<Question> tickets_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<Connection*> runnable_;
  HttpServerCounts counts_;
};

}  // namespace pushmail
