#include "dataplane/session/mm7_service.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/ascii.h"
#include "core/errors.h"

namespace pushmail {

namespace {

bool allows(const HttpPeer& peer, const IpAddress& source) {
  return peer.allow.empty() || std::ranges::any_of(peer.allow, [&](const IpNetwork& network) { return network.contains(source); });
}

constexpr std::string_view realm = "MM7";

bool is_proven(const HttpPeer& peer, const HttpCaller& caller) {
  return !peer.wants_certificate ||
         (caller.proof != nullptr && std::ranges::find(caller.proof->peers, peer.name) != caller.proof->peers.end());
}

// Why a caller whose password and address are a peer's is not that peer.
std::string certificate_reason(const HttpPeer& peer, const HttpCaller& caller) {
  std::string reason = "peer " + peer.name + ": ";
  if (caller.proof == nullptr) return reason + "it has to show a certificate, at http.tls_listen";
  const ErrorInfo* why = caller.proof->refusal;
  return reason + std::string(why != nullptr ? why->text : core_tls_wrong_name.text);
}

HttpReply reply(int status, mm7::HttpEntity entity) {
  return {.status = status, .content_type = std::move(entity.content_type), .body = std::move(entity.body)};
}

template <class Message>
mm7::ResponseContext context_of(const Message& message) {
  return {.transaction_id = message.transaction_id, .mm7_version = message.mm7_version, .namespace_uri = message.namespace_uri};
}

}  // namespace

bool HttpPeer::has_addresses() const { return !allow.empty() && std::ranges::none_of(allow, &IpNetwork::is_everybody); }

int Mm7Service::refusal_at_accept(const IpAddress& source, Instant now) const {
  // Not known yet, or all of them refused: nobody's request is wrong.
  if (peers_.empty()) return 503;
  if (std::ranges::all_of(peers_, &HttpPeer::has_addresses)) return 403;
  return guard_.compares(source, {}, now) ? 0 : 429;
}

std::string_view Mm7Service::Sent::user() const {
  if (basic) return basic->user;
  return digest ? std::string_view(digest->user) : std::string_view();
}

Mm7Service::Match Mm7Service::match(const HttpPeer& peer, const Sent& sent, std::string_view method, Instant now) {
  if (peer.credentials.user.empty()) return Match::yes;
  const auto is_user = [&](std::string_view user) { return equal_in_constant_time(user, peer.credentials.user); };
  if (peer.scheme == HttpScheme::basic) {
    if (!sent.basic) return Match::no;
    const bool user = is_user(sent.basic->user);
    const bool password = equal_in_constant_time(sent.basic->password, peer.credentials.password);
    return user && password ? Match::yes : Match::no;
  }
  if (!sent.digest || !is_user(sent.digest->user) || sent.digest->realm != realm) return Match::no;
  if (!digest::is_right(*sent.digest, peer.credentials.password, method)) return Match::no;
  return nonces_.use(sent.digest->nonce, sent.digest->count, now) ? Match::yes : Match::stale;
}

bool Mm7Service::has_credentials(const IpAddress& source) const {
  return std::ranges::any_of(peers_, [&](const HttpPeer& peer) { return allows(peer, source) && !peer.credentials.user.empty(); });
}

/// One field for each scheme that a peer from there may use, the best first (RFC 7616 §3.7).
std::string Mm7Service::challenges(const IpAddress& source, bool is_stale, Instant now) {
  const auto has = [&](HttpScheme scheme) {
    return std::ranges::any_of(
        peers_, [&](const HttpPeer& peer) { return allows(peer, source) && !peer.credentials.user.empty() && peer.scheme == scheme; });
  };
  std::string fields;
  if (has(HttpScheme::digest)) {
    const std::string nonce = nonces_.make(now);
    for (const digest::Algorithm& algorithm : digest::algorithms) {
      fields += fmt::format("WWW-Authenticate: Digest realm=\"{}\", qop=\"auth\", algorithm={}, nonce=\"{}\"{}\r\n", realm, algorithm.name,
                            nonce, is_stale ? ", stale=true" : "");
    }
  }
  if (has(HttpScheme::basic)) fields += fmt::format("WWW-Authenticate: Basic realm=\"{}\"\r\n", realm);
  return fields;
}

HttpAdmission Mm7Service::admit(const http::RequestHead& head, const HttpCaller& caller, Instant now) {
  const std::string_view field = head.field("authorization");
  Sent sent{.basic = parse_basic_authorization(field), .digest = std::nullopt};
  if (!sent.basic) sent.digest = digest::parse_authorization(field);
  const bool compares = !sent.is_any() || caller.is_named || guard_.compares(caller.source, sent.user(), now);
  // RFC 7616 §3.4.6: made for another request, whoever sends it.
  const bool is_misdirected = sent.digest && sent.digest->uri != head.target;
  const HttpPeer* found = nullptr;
  // Whose password is right, or who needs none, and who did not show the certificate of that peer.
  const HttpPeer *unproven = nullptr, *nameless = nullptr;
  bool is_source_allowed = false, is_stale = false;
  // Those who show their certificate come first: a nonce of Digest counts once, whoever else has the same password.
  for (const bool proven : {true, false}) {
    for (const HttpPeer& peer : peers_) {
      if (!allows(peer, caller.source)) continue;
      is_source_allowed = true;
      if (found != nullptr || !compares || is_misdirected || is_proven(peer, caller) != proven) continue;
      if (!proven && peer.credentials.user.empty()) {
        nameless = &peer;
        continue;
      }
      const Match matched = match(peer, sent, head.method, now);
      if (matched == Match::yes) (proven ? found : unproven) = &peer;
      is_stale = is_stale || matched == Match::stale;
    }
  }
  // Who has a password may still send it; without anybody of that kind the certificate is what is missing.
  if (unproven == nullptr && !has_credentials(caller.source)) unproven = nameless;
  // Without a table of peers, whose request this is nobody knows: a 403 would be for good.
  if (peers_.empty()) return {.refusal = 503};
  if (!is_source_allowed) return {.refusal = 403};
  if (!compares) return {.refusal = 429};
  if (is_misdirected) return {.refusal = 400};
  if (found == nullptr && unproven != nullptr) {
    ++wrong_certificates_;
    certificates_.note(caller.source, certificate_reason(*unproven, caller), now);
    // Where it was not asked for, by http.listen or by checks of another configuration than the table of peers, a 403 would be for good.
    const bool was_asked = caller.proof != nullptr && std::ranges::find(caller.proof->asked, unproven->name) != caller.proof->asked.end();
    return {.refusal = was_asked ? 403 : 503, .is_last = true};
  }
  HttpAdmission admission;
  if (found == nullptr && sent.is_any() && !is_stale) {
    guard_.wrong(caller.source, sent.user(), now);
    // The last guess of its budget ends the connection too.
    admission.is_last = guard_.is_spent(caller.source, sent.user(), now);
  }
  // MM7 is POST only (TS 23.140 §8.7.8). RFC 9110 §15.5.2, §15.5.6: these statuses must say what would have been right.
  if (head.method != "POST") {
    admission.refusal = 405;
    admission.fields = "Allow: POST\r\n";
  } else if (found == nullptr) {
    admission.refusal = 401;
    admission.fields = challenges(caller.source, is_stale, now);
  } else {
    if (!found->credentials.user.empty()) guard_.right(caller.source);
    admission.is_proven = !found->credentials.user.empty() || found->has_addresses() || found->wants_certificate;
    admission.memo = found->name;
  }
  return admission;
}

std::optional<HttpReply> Mm7Service::take(Ticket ticket, HttpInbound whole) {
  const HttpPeer& from = peer(whole.memo);
  Mm7Inbound inbound{
      .peer = std::move(whole.memo), .content_type = std::move(whole.content_type), .body = std::move(whole.body), .request = {}};
  auto request = mm7::parse_request(inbound.content_type, *inbound.body);
  if (!request) return fault(from, mm7::encode_fault(mm7::context_of(inbound.content_type, *inbound.body), request.error()));
  if (const auto* unsupported = std::get_if<mm7::UnsupportedReq>(&*request)) {
    const mm7::Status status{.code = 4003, .text = std::string(mm7::status_text(4003)), .details = {}};
    return fault(from, mm7::encode_fault(context_of(*unsupported), status));
  }
  if (questions_.size() <= ticket.slot) questions_.resize(ticket.slot + 1);
  questions_[ticket.slot] = question_of(*request, from.service_code);
  inbound.request = std::move(*request);
  ++counts_.requests;
  sink_.on_mm7(ticket, std::move(inbound));
  return std::nullopt;
}

HttpReply Mm7Service::reply_of(Ticket ticket, const mm7::Status& status) const {
  // The question of another request, where this one's connection has gone: the server knows the ticket no more.
  if (ticket.slot >= questions_.size()) return {};
  const Question& question = questions_[ticket.slot];
  switch (question.kind) {
    case Question::Kind::report:
      return reply(200, mm7::encode_delivery_report_rsp(question.context, status));
    case Question::Kind::read_reply:
      return reply(200, mm7::encode_read_reply_rsp(question.context, status));
    case Question::Kind::deliver:
      break;
  }
  return reply(200, mm7::encode_deliver_rsp(question.context, status, question.service_code));
}

std::vector<SourceGroup> Mm7Service::groups() const {
  std::vector<SourceGroup> groups;
  for (const HttpPeer& peer : peers_) {
    if (peer.has_addresses()) groups.push_back({.name = peer.name, .networks = peer.allow});
  }
  return groups;
}

Mm7Service::Question Mm7Service::question_of(const mm7::Request& request, std::string_view service_code) {
  using Kind = Question::Kind;
  const auto from = [&](const auto& message, Kind kind) {
    return Question{.kind = kind, .context = context_of(message), .service_code = std::string(service_code)};
  };
  if (const auto* report = std::get_if<mm7::DeliveryReportReq>(&request)) return from(*report, Kind::report);
  if (const auto* reply = std::get_if<mm7::ReadReplyReq>(&request)) return from(*reply, Kind::read_reply);
  return from(std::get<mm7::DeliverReq>(request), Kind::deliver);
}

// Whose head was admitted; the table may have been replaced since.
const HttpPeer& Mm7Service::peer(std::string_view name) const {
  static const HttpPeer gone;
  const auto found = std::ranges::find(peers_, name, &HttpPeer::name);
  return found == peers_.end() ? gone : *found;
}

HttpReply Mm7Service::fault(const HttpPeer& peer, mm7::HttpEntity entity) {
  ++counts_.faults;
  return reply(peer.fault_http_status, std::move(entity));
}

}  // namespace pushmail
