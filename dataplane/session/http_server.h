// The HTTP server: connections, framing, order, limits and deadlines; what requests mean is its service's (RFC 9110, RFC 9112).
//
// Came from: Stream (accepted connections). Goes to: HttpService, each request whole; the answer comes back at once or by ticket, and
// leaves in the order of the requests. Requests that break framing, and bodies that are too much, are answered here by HTTP status.
//
//   head ──complete──> body ──complete──> head            (next request of the connection)
//    │  └──refused───> skip ──complete──> head            (401, 405, 415, 417: the body is read past)
//    └──framing broken, close asked──> nothing            (answers go out, then FIN; input is thrown away)
//
// While it drains every request is the last one of its connection (RFC 9112 §9.6), and who asks nothing gets our FIN.
#pragma once

#include <vector>

#include "core/clock.h"
#include "core/limits.h"
#include "core/timers.h"
#include "dataplane/session/http_service.h"
#include "dataplane/session/refusal_log.h"
#include "dataplane/session/server_connections.h"
#include "dataplane/session/ticket_table.h"
#include "dataplane/tcp/stream.h"

namespace pushmail {

struct HttpServerSettings {
  std::uint64_t body_size_max = limits::http_body_size_max;
  std::uint64_t body_memory_max = limits::item_memory_size_max;  // of all bodies that are being received
  std::uint32_t pipelined_count_max = 16;                        // unanswered requests of one connection; then it is not read
  ConnectionLimits connections;                                  // each group of known addresses has its reserved ones
  Duration idle = timers::session_idle;
  Duration head_time = timers::http_head;
  Duration message_time = timers::message_time;
  Duration linger = timers::session_linger;  // after our FIN
  Duration retry_after = timers::http_retry_after;
};

struct HttpServerCounts : ServerCounts {
  std::uint64_t refused = 0;      // by HTTP status
  std::uint64_t unavailable = 0;  // 503
};

class HttpServer final : public Acceptor {
 public:
  HttpServer(const HttpServerSettings& settings, HttpService& service, const Clock& clock);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  /// Its connections must have closed, or their network must have gone.
  ~HttpServer() override;

  void on_accept(Stream& stream) override;
  /// Deadlines, and connections that may go on reading since they were answered. Once a turn.
  void tick(Instant now) { connections_.tick(now); }
  /// Whether tick has work now: the worker must not sleep.
  [[nodiscard]] bool has_work() const { return connections_.has_runnable(); }
  /// What is under way is answered with `Connection: close`; new connections get 503. Between two turns.
  void drain() { connections_.drain(); }

  void answer(Ticket ticket, HttpReply reply);
  /// 503 with Retry-After: nothing was kept, the peer sends again.
  void refuse_temporarily(Ticket ticket);

  void set_limits(ConnectionLimits limits) { connections_.limiter().set_limits(limits); }
  /// Sources whose connections have places of their own.
  void set_groups(std::vector<SourceGroup> groups) { connections_.limiter().set_groups(std::move(groups)); }
  [[nodiscard]] const HttpServerCounts& counts() const { return counts_; }
  /// Connections that had to go for another one.
  [[nodiscard]] std::uint64_t evicted() const { return connections_.limiter().evicted(); }
  [[nodiscard]] std::size_t connection_count() const { return connections_.size(); }

 private:
  class Connection;
  struct Question {
    Connection* connection;
    std::uint64_t sequence;  // of the request in its connection
  };

  HttpServerSettings settings_;
  HttpService& service_;
  const Clock& clock_;
  RefusalLog refusals_{"http_turned_away"};
  HttpServerCounts counts_;
  MemoryBudget body_memory_;
  TicketTable<Question> tickets_;
  ServerConnections connections_;
};

}  // namespace pushmail
