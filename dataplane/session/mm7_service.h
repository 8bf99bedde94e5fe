// MM7 in: what MMSCs send, DeliverReq and reports, behind the HTTP server (TS 23.140 §8.7.8).
//
// Came from: HttpServer (heads, whole bodies). Goes to: Mm7Sink, each request read and authenticated; the answer is made here and leaves by
// HttpServer::answer. Invariant: nothing says "accepted" here but reply_of(), which is asked after the journal's commit. What is not MM7
// is answered at once, by a SOAP Fault.
#pragma once

#include <string>
#include <vector>

#include "dataplane/session/basic_auth.h"
#include "dataplane/session/connection_limiter.h"
#include "dataplane/session/digest_auth.h"
#include "dataplane/session/digest_nonces.h"
#include "dataplane/session/http_service.h"
#include "dataplane/session/password_guard.h"
#include "dataplane/session/refusal_log.h"
#include "dataplane/session/sinks.h"

namespace pushmail {

/// An MMSC as the service knows it. The first peer that allows the source and whose credentials match is the one who speaks.
struct HttpPeer {
  std::string name;
  std::vector<IpNetwork> allow;  // none: any source
  BasicCredentials credentials;  // user empty: only `allow` counts
  /// Its addresses are known: they have places of their own, and nobody keeps them out by guessing.
  [[nodiscard]] bool has_addresses() const;
  std::string service_code;               // in DeliverRsp; empty: not sent
  int fault_http_status = 500;            // of a SOAP Fault (SOAP 1.1 §6.2)
  HttpScheme scheme = HttpScheme::basic;  // how it sends its password; the other one is never compared
  bool wants_certificate = false;         // beside its credentials; who shows none, or another's, is not this peer
};

struct Mm7ServiceCounts {
  std::uint64_t requests = 0;  // given to the sink
  std::uint64_t faults = 0;    // by SOAP Fault
};

class Mm7Service final : public HttpService {
 public:
  static constexpr BudgetLimits wrong_passwords_usual{.burst = {.count = 10, .window = seconds(60)},
                                                      .lasting = {.count = 60, .window = seconds(3600)}};
  explicit Mm7Service(Mm7Sink& sink, const BudgetLimits& wrong_passwords = wrong_passwords_usual) : sink_(sink), guard_(wrong_passwords) {}

  [[nodiscard]] int refusal_at_accept(const IpAddress& source, Instant now) const override;
  [[nodiscard]] HttpAdmission admit(const http::RequestHead& head, const HttpCaller& caller, Instant now) override;
  [[nodiscard]] std::optional<HttpReply> take(Ticket ticket, HttpInbound request) override;

  /// DeliverRsp, DeliveryReportRsp or ReadReplyRsp for a request that the sink was given and that waits.
  [[nodiscard]] HttpReply reply_of(Ticket ticket, const mm7::Status& status) const;

  void set_wrong_passwords(const BudgetLimits& limits) { guard_.set_limits(limits); }
  void set_peers(std::vector<HttpPeer> peers) { peers_ = std::move(peers); }
  /// The peers whose addresses are known, for the server's limiter.
  [[nodiscard]] std::vector<SourceGroup> groups() const;
  [[nodiscard]] const Mm7ServiceCounts& counts() const { return counts_; }
  [[nodiscard]] std::uint64_t wrong_passwords() const { return guard_.wrong_count(); }
  [[nodiscard]] std::uint64_t wrong_certificates() const { return wrong_certificates_; }

 private:
  /// How the answer of a request is written when the relay gives its status.
  struct Question {
    enum class Kind : std::uint8_t { deliver, report, read_reply } kind = Kind::deliver;
    mm7::ResponseContext context;
    std::string service_code;
  };
  /// What an Authorization field says, in whatever scheme; neither: there is none that we know.
  struct Sent {
    std::optional<BasicCredentials> basic;
    std::optional<digest::Credentials> digest;
    [[nodiscard]] bool is_any() const { return basic || digest; }
    [[nodiscard]] std::string_view user() const;
  };
  /// stale: the right password to a nonce that counts no more (RFC 7616 §3.3).
  enum class Match : std::uint8_t { no, stale, yes };
  [[nodiscard]] Match match(const HttpPeer& peer, const Sent& sent, std::string_view method, Instant now);
  [[nodiscard]] bool has_credentials(const IpAddress& source) const;
  [[nodiscard]] std::string challenges(const IpAddress& source, bool is_stale, Instant now);
  [[nodiscard]] static Question question_of(const mm7::Request& request, std::string_view service_code);
  [[nodiscard]] const HttpPeer& peer(std::string_view name) const;
  [[nodiscard]] HttpReply fault(const HttpPeer& peer, mm7::HttpEntity entity);

  Mm7Sink& sink_;
  std::vector<HttpPeer> peers_;
  PasswordGuard guard_;
  DigestNonces nonces_;
  RefusalLog certificates_{"wrong_certificate"};
  std::uint64_t wrong_certificates_ = 0;
  std::vector<Question> questions_;  // by the slot of their tickets; as many as ever waited at once
  Mm7ServiceCounts counts_;
};

}  // namespace pushmail
