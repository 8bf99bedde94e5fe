// MM7 out: one HTTP client for each peer, with a pool of kept connections (RFC 9110, RFC 9112).
//
// Came from: dataplane/relay (a SubmitReq, its body lent). Goes to: the MMSC, over Network. One request at a time on a connection:
// an MMSC answers in order, and a request whose turn has not come has not been sent. Invariant: every request ends in exactly one
// result, told from inside Network::poll or tick, never from inside post(); its body is released exactly once, before its result.
//
//   opening ──on_open──> idle ──request──> waiting ──answer whole──> idle (from the second next tick on) | closing
//      └── refused, late: not_sent            └── ended without: endings.h ──> a new connection | unknown | not_sent
//
// A 401 with a Digest challenge is answered once (RFC 7616): the request goes to the front of what waits, and so to the same connection
// where that is kept; from then on every request answers the last challenge.
//
// What waits, waits in order and without a number or a time of its own: it goes back as not_sent only when the peer takes no connection at
// all, or has answered nothing on any connection for a whole answer_time. How many connections: concurrency.h.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/clock.h"
#include "core/limits.h"
#include "core/timers.h"
#include "dataplane/session/basic_auth.h"
#include "dataplane/session/client_connections.h"
#include "dataplane/session/digest_auth.h"
#include "dataplane/session/endings.h"
#include "dataplane/session/fault_points.h"
#include "dataplane/session/http_coding.h"
#include "dataplane/session/request_limit.h"
#include "dataplane/tcp/stream.h"

namespace pushmail {

struct HttpClientSettings {
  Endpoint endpoint;
  std::string host;  // value of Host
  std::string path = "/";
  BasicCredentials credentials;               // user empty: not sent
  std::string soap_action{};                  // inside the quotes; holds none, and no control character
  HttpScheme scheme = HttpScheme::basic;      // digest: credentials only in answer to a challenge (RFC 7616)
  http::RequestCoding coding{};               // of our bodies, where it makes them smaller
  std::uint32_t connections_max = 32;         // the contract with the peer
  std::uint32_t requests_per_connection = 0;  // then we close it; 0: as many as the peer takes
  bool deduplicates = false;                  // the peer recognises a TransactionID that it had before
  std::uint64_t answer_size_max = limits::MiB;
  Duration connect_time = timers::http_connect;
  Duration answer_time = timers::http_answer;
  Duration keep = timers::http_keep;  // an idle connection older than this is not used again: the peer may just be closing it
  bool operator==(const HttpClientSettings&) const = default;
};

struct HttpRequest {
  std::string content_type;
  LentBytes body;  // lent until the result: it may have to be sent again. A compressed one is ours, and this comes back at once
};

struct HttpAnswer {
  int status = 0;
  std::string content_type;
  Bytes body;
  std::optional<Duration> retry_after;  // RFC 9110 §10.2.3
  /// The request was sent again although an earlier try may have been seen.
  bool duplicate_possible = false;
};
/// not_sent: the peer cannot have seen the request, sending again is safe. unknown: it may have, and endings.h allows no further try.
enum class HttpOutcome : std::uint8_t { not_sent, unknown };
struct HttpFailure {
  HttpOutcome outcome = HttpOutcome::not_sent;
  Error error;
  /// The request was sent again although an earlier try may have been seen.
  bool duplicate_possible = false;
};
using HttpResult = std::variant<HttpAnswer, HttpFailure>;

class HttpClientEvents {
 public:
  virtual ~HttpClientEvents() = default;
  virtual void on_http_result(std::uint64_t request, HttpResult result) = 0;
};

/// What became of requests since the client was made.
struct HttpClientTotals {
  std::uint64_t sent_again = 0;          // nobody can have seen the earlier try
  std::uint64_t sent_again_marked = 0;   // somebody may have: duplicate_possible
  std::uint64_t closed_unannounced = 0;  // kept connections that the peer closed soon after an answer, without a word

  HttpClientTotals& operator+=(const HttpClientTotals& other) {
    sent_again += other.sent_again;
    sent_again_marked += other.sent_again_marked;
    closed_unannounced += other.closed_unannounced;
    return *this;
  }
};

class HttpClient {
 public:
  HttpClient(Network& network, HttpClientSettings settings, HttpClientEvents& events, const Clock& clock, FaultPoints faults = {});
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  /// The network must have gone, or close_all() must have been called and polled to its end.
  ~HttpClient();

  /// Queues a POST; the number names it in the result. Refused, and its body released at once, only after drain().
  [[nodiscard]] Result<std::uint64_t> post(HttpRequest request);
  /// Opens connections, deadlines. Once a turn.
  void tick(Instant now);
  /// Whether tick has work now: the worker must not sleep.
  [[nodiscard]] bool has_work() const;
  /// The answer's body said that the peer has too much to do (4006); statuses that say so are seen here.
  void on_overload() { target_.concurrency.on_overload(clock_.now()); }

  /// Ends all requests (not_sent or unknown) and all connections.
  void close_all();
  /// Takes no more requests and gives back what waits; what is out gets its answer, and then the connections end.
  void drain();
  [[nodiscard]] std::size_t queued_count() const { return queue_.size() + resends_.size(); }
  [[nodiscard]] std::size_t connection_count() const { return connections_.size(); }
  /// How many exchanges may run at the same time now.
  [[nodiscard]] std::uint32_t concurrency() const { return target_.concurrency.limit(); }
  /// Requests after which the peer was seen to close a kept connection; 0: none known.
  [[nodiscard]] std::uint32_t learnt_requests_per_connection() const { return request_limit_.at(now_); }
  [[nodiscard]] const HttpClientTotals& totals() const { return totals_; }

 private:
  class Connection;
  struct Job {
    std::uint64_t id;
    HttpRequest request;
    http::RequestCoding coding{};     // that its body has now
    std::uint32_t again = 0;          // tries that nobody can have seen, after the first
    std::string nonce{};              // of the challenge that it answered
    bool is_challenged = false;       // it was answered 401 once, and goes again
    bool marked = false;              // an earlier try may have been seen
    bool duplicate_possible = false;  // and it was sent again since
  };
  /// Connections by what they are at; those that close count no more.
  struct Pool {
    std::uint32_t opening = 0;
    std::uint32_t busy = 0;
    std::uint32_t idle = 0;
    std::uint32_t passed_over = 0;  // of those that are busy: they hold no place (Concurrency::is_passed_over)
    [[nodiscard]] std::uint32_t all() const { return opening + busy + idle; }
  };

  [[nodiscard]] Pool pool() const;
  [[nodiscard]] bool may_open(const Pool& pool) const;
  [[nodiscard]] std::uint32_t requests_max(Instant now) const;
  void start_waiting();
  void make_room_for_resends();
  void start_on(Connection& connection, std::deque<Job>& from);
  [[nodiscard]] bool open_connection();
  void ended(Job job, Ending ending, Use use, const ErrorInfo& why);
  void answered(int status, Instant started);
  [[nodiscard]] std::string authorization_of(Job& job);
  void conclude(Job job, HttpAnswer answer, std::optional<digest::Challenge> challenge);
  void deliver(Job job, HttpResult result);
  void fail(Job job, HttpOutcome outcome, const ErrorInfo& why);
  void fail_all(std::deque<Job>& jobs, const ErrorInfo& why);
  void connection_failed(const ErrorInfo& why);

  Network& network_;
  HttpClientSettings settings_;
  HttpClientEvents& events_;
  const Clock& clock_;
  FaultPoints faults_;
  Instant now_;
  std::uint64_t turn_ = 0;  // ticks so far: between two of them lies a poll
  std::uint64_t last_id_ = 0;
  bool closing_ = false;
  ClientTarget target_;
  RequestLimit request_limit_;
  digest::Challenged challenged_;
  HttpClientTotals totals_;
  std::deque<Job> resends_;  // want a new connection
  std::deque<Job> queue_;
  ClientConnections<Connection> connections_;
};

}  // namespace pushmail
