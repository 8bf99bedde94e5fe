// MM7 out: one HTTP client for each peer, with a small pool of kept connections (RFC 9110, RFC 9112).
//
// Came from: dataplane/relay (a SubmitReq, its body lent). Goes to: the MMSC, over Network. One request at a time on a connection:
// an MMSC answers in order, and a request whose turn has not come has not been sent. Invariant: every request ends in exactly one
// result, told from inside Network::poll or tick, never from inside post(); its body is released exactly once, possibly later.
//
//   opening ──on_open──> idle ──request──> sending ──written──> waiting ──answer whole──> idle | closed
//      └── refused, late: not_sent            └──── cut, late: unknown ────┘
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
#include "dataplane/session/basic_auth.h"
#include "dataplane/session/fault_points.h"
#include "dataplane/tcp/stream.h"

namespace pushmail {

struct HttpClientSettings {
  Endpoint endpoint;
  std::string host;  // value of Host
  std::string path = "/";
  BasicCredentials credentials;  // user empty: not sent
  std::string soap_action{};     // inside the quotes; holds none, and no control character
  std::uint32_t connections_max = 4;
  std::uint32_t queue_max = 1000;  // requests that wait for a connection
  std::uint64_t answer_size_max = limits::MiB;
  Duration connect_time = seconds(10);
  Duration answer_time = seconds(60);
  Duration keep = seconds(15);  // an idle connection older than this is not used again: the peer may just be closing it
};

struct HttpRequest {
  std::string content_type;
  LentBytes body;
};

struct HttpAnswer {
  int status = 0;
  std::string content_type;
  Bytes body;
  std::optional<Duration> retry_after;  // RFC 9110 §10.2.3, in seconds form
  /// The request was sent again although an earlier try may have been seen.
  bool duplicate_possible = false;
};
/// not_sent: the peer cannot have seen the request, sending again is safe. unknown: bytes were written and no whole answer came.
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

class HttpClient {
 public:
  HttpClient(Network& network, HttpClientSettings settings, HttpClientEvents& events, const Clock& clock, FaultPoints faults = {});
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  /// The network must have gone, or close_all() must have been called and polled to its end.
  ~HttpClient();

  /// Queues a POST; the number names it in the result. A refused request's body is released at once.
  [[nodiscard]] Result<std::uint64_t> post(HttpRequest request);
  /// Opens connections, deadlines. Once a turn.
  void tick(Instant now);
  /// Whether tick has work now: the worker must not sleep.
  [[nodiscard]] bool has_work() const { return !queue_.empty() && (any_usable() || may_open()); }

  /// Ends all requests (not_sent or unknown) and all connections.
  void close_all();
  [[nodiscard]] std::size_t queued_count() const { return queue_.size(); }
  [[nodiscard]] std::size_t connection_count() const { return connections_.size(); }

 private:
  class Connection;
  struct Waiting {
    std::uint64_t id;
    HttpRequest request;
    Instant since;
  };

  [[nodiscard]] bool any_usable() const;
  [[nodiscard]] bool may_open() const;
  void start_waiting();
  [[nodiscard]] bool open_connection();
  void fail_waiting(const ErrorInfo& why);
  void connection_failed(const ErrorInfo& why);
  void forget(Connection& connection);

  Network& network_;
  HttpClientSettings settings_;
  HttpClientEvents& events_;
  FaultPoints faults_;
  Instant now_;
  std::uint64_t last_id_ = 0;
  bool closing_ = false;
  std::deque<Waiting> queue_;
  std::vector<std::unique_ptr<Connection>> connections_;
};

}  // namespace pushmail
