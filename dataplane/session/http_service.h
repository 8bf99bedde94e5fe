// What stands behind an HTTP server: who may ask, and what whole requests are answered. The server knows framing, order, limits and
// deadlines; a service knows what the bytes mean. MM7 is one (mm7_service.h).
//
//   head  ──> HttpService::admit ──> refused: answered now      ──admitted──> the body is read
//   whole ──> HttpService::take  ──> HttpReply: answered now    ──nothing───> HttpServer::answer(ticket, reply), some time
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/bytes.h"
#include "core/clock.h"
#include "core/endpoint.h"
#include "dataplane/session/http_grammar.h"
#include "dataplane/session/sinks.h"
#include "dataplane/tcp/stream.h"

namespace pushmail {

/// Who asks, as far as the connection says.
struct HttpCaller {
  IpAddress source;
  bool is_named = false;             // its address has places of its own (ConnectionLimiter)
  const PeerProof* proof = nullptr;  // by its certificate; null: it was not asked for one
};

/// What a service says to a head.
struct HttpAdmission {
  int refusal = 0;         // an HTTP status; 0: the body is welcome
  std::string fields{};    // of the refusal, such as `Allow: POST\r\n`
  bool is_last = false;    // the connection ends behind the answer
  bool is_proven = false;  // the caller is who he says: his connection is kept before others
  std::string memo{};      // handed back with the body
};

/// A whole request whose head was admitted.
struct HttpInbound {
  std::string memo;  // of its HttpAdmission
  std::string content_type;
  std::unique_ptr<Bytes> body;
};

struct HttpReply {
  int status = 200;
  std::string content_type{};
  Bytes body{};
};

class HttpService {
 public:
  virtual ~HttpService() = default;
  /// The status that turns a source away before it says anything; 0: it may speak. Not asked of those that are named.
  [[nodiscard]] virtual int refusal_at_accept(const IpAddress& source, Instant now) const = 0;
  /// `head` lasts for the call.
  [[nodiscard]] virtual HttpAdmission admit(const http::RequestHead& head, const HttpCaller& caller, Instant now) = 0;
  /// The answer, or nothing: then it comes by the ticket, within the call or later.
  [[nodiscard]] virtual std::optional<HttpReply> take(Ticket ticket, HttpInbound request) = 0;
};

}  // namespace pushmail
