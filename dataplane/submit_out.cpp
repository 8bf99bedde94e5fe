#include "dataplane/submit_out.h"

#include <utility>

#include "core/log.h"
#include "dataplane/session/errors.h"
#include "dataplane/session/http_grammar.h"

namespace pushmail {

namespace {

/// The name that a peer's certificate must carry: the host of the url as it was configured, which is what Host says.
std::string name_of(const relay::PeerEntry& peer) {
  const auto said = http::parse_url("https://" + peer.text("host_header"));
  if (said) return said->host;
  const auto url = http::parse_url(peer.text("url"));
  return url ? url->host : std::string();
}

Result<HttpClientSettings> settings_of(const relay::PeerEntry& peer) {
  PM_TRY(const http::Url url, http::parse_url(peer.text("url")));
  PM_TRY(const IpAddress ip, parse_ip(url.host));
  HttpClientSettings settings;
  settings.endpoint = {.ip = ip, .port = url.port};
  settings.host = peer.text("host_header").empty() ? url.authority : peer.text("host_header");
  settings.path = url.path;
  settings.credentials = {.user = peer.text("user"), .password = peer.text("password")};
  settings.soap_action = peer.dialect.soap_action;
  settings.scheme = peer.is({"scheme", "digest"}) ? HttpScheme::digest : HttpScheme::basic;
  settings.coding = peer.is({"request_coding", "gzip"}) ? http::RequestCoding::gzip : http::RequestCoding::none;
  settings.connections_max = static_cast<std::uint32_t>(peer.number("connections_max"));
  settings.requests_per_connection = static_cast<std::uint32_t>(peer.number("requests_per_connection"));
  settings.deduplicates = peer.flag("deduplicates");
  return settings;
}

}  // namespace

class SubmitOut::PeerClient final : public HttpClientEvents {
 public:
  /// `trust` null: without TLS. `name`: what its certificate must carry.
  PeerClient(SubmitOut& owner, HttpClientSettings settings, const tls::ClientSettings* trust, std::string name, const std::string& peer)
      : owner_(owner),
        settings_(settings),
        tls_(trust != nullptr ? std::make_unique<TlsPeer>(owner.network_, *trust, std::move(name), "peer " + peer) : nullptr),
        client_(tls_ ? static_cast<Network&>(*tls_) : owner.network_, std::move(settings), *this, owner.clock_, owner.faults_) {}

  void on_http_result(std::uint64_t request, HttpResult result) override {
    const auto found = items_.find(request);
    PM_CHECK(found != items_.end());
    const ItemId item = found->second;
    items_.erase(found);
    owner_.relay_->on_submit_result(item, result);
  }

  [[nodiscard]] Result<void> post(const relay::SubmitOrder& order) {
    // The item keeps the body until its result; nothing is copied while it waits.
    PM_TRY(const std::uint64_t request, client_.post({.content_type = order.content_type, .body = {.bytes = order.body}}));
    items_.emplace(request, order.item);
    return {};
  }

  [[nodiscard]] const HttpClientSettings& settings() const { return settings_; }
  [[nodiscard]] bool is_covered() const { return tls_ != nullptr; }
  void use(const tls::ClientSettings& trust) {
    if (tls_) tls_->use(trust);
  }
  HttpClient& client() { return client_; }
  const HttpClient& client() const { return client_; }
  [[nodiscard]] bool is_done() const { return items_.empty() && client_.connection_count() == 0; }

 private:
  SubmitOut& owner_;
  HttpClientSettings settings_;
  std::map<std::uint64_t, ItemId> items_;
  std::unique_ptr<TlsPeer> tls_;
  HttpClient client_;
};

SubmitOut::SubmitOut(TlsNetwork& network, Trust trust, const Clock& clock, FaultPoints faults)
    : network_(network), trust_(std::move(trust)), clock_(clock), faults_(faults) {}
SubmitOut::~SubmitOut() = default;

void SubmitOut::set_peers(const relay::PeerTable& peers) {
  for (auto client = clients_.begin(); client != clients_.end();) {
    const relay::PeerEntry* peer = peers.find(client->first);
    // Whatever of a peer is in its client's settings is seen to change: there is no second list of it.
    const Result<HttpClientSettings> settings = peer != nullptr ? settings_of(*peer) : fail(http_bad_url);
    const bool is_same_way = settings && client->second->is_covered() == http::parse_url(peer->text("url"))->is_https;
    if (is_same_way && *settings == client->second->settings()) {
      ++client;
      continue;
    }
    client->second->client().drain();
    retired_.push_back(std::move(client->second));
    client = clients_.erase(client);
  }
  for (const auto& [name, peer] : peers.all()) {
    if (clients_.contains(name)) continue;
    auto settings = settings_of(peer);
    if (!settings) {
      log_error("peer_url").peer(name).error(settings.error());
      continue;
    }
    const bool is_https = http::parse_url(peer.text("url"))->is_https;
    const auto trusted = trust_.find(name);
    // Neither plane's word alone makes it go in clear.
    if (is_https != (trusted != trust_.end())) {
      log_error("peer_url").peer(name).text("reason", "the two planes do not agree whether it is reached by https; pushmailctl reload");
      continue;
    }
    clients_.emplace(name,
                     std::make_unique<PeerClient>(*this, std::move(*settings), is_https ? &trusted->second : nullptr, name_of(peer), name));
  }
}

void SubmitOut::set_trust(Trust trust) {
  trust_ = std::move(trust);
  for (const auto& [name, settings] : trust_) {
    if (const auto client = clients_.find(name); client != clients_.end()) client->second->use(settings);
  }
}

void SubmitOut::submit(const relay::SubmitOrder& order) {
  const auto found = clients_.find(order.peer);
  if (found == clients_.end()) {
    refused_.emplace_back(order.item, Error{&http_bad_url});
    return;
  }
  if (const auto posted = found->second->post(order); !posted) refused_.emplace_back(order.item, posted.error());
}

void SubmitOut::tick(Instant now) {
  for (const auto& [name, client] : clients_) client->client().tick(now);
  for (const auto& client : retired_) client->client().tick(now);
  std::erase_if(retired_, [this](const auto& client) {
    if (client->is_done()) retired_totals_ += client->client().totals();
    return client->is_done();
  });
  const auto refused = std::exchange(refused_, {});
  for (const auto& [item, error] : refused) relay_->on_submit_result(item, HttpFailure{.outcome = HttpOutcome::not_sent, .error = error});
}

bool SubmitOut::has_work() const {
  if (!refused_.empty()) return true;
  for (const auto& [name, client] : clients_) {
    if (client->client().has_work()) return true;
  }
  return false;
}

void SubmitOut::peer_overloaded(std::string_view peer) {
  if (const auto found = clients_.find(peer); found != clients_.end()) found->second->client().on_overload();
}

void SubmitOut::publish(Counters& counters) const {
  HttpClientTotals totals = retired_totals_;
  std::uint64_t waiting = 0;
  std::uint64_t connections = 0;
  std::uint64_t limited = 0;
  const auto add = [&](const HttpClient& client) {
    totals += client.totals();
    waiting += client.queued_count();
    connections += client.connection_count();
    if (client.learnt_requests_per_connection() != 0) ++limited;
  };
  for (const auto& [name, client] : clients_) add(client->client());
  for (const auto& client : retired_) add(client->client());
  counters.set(Counter::submits_sent_again, totals.sent_again);
  counters.set(Counter::submits_sent_again_marked, totals.sent_again_marked);
  counters.set(Counter::submit_closed_unannounced, totals.closed_unannounced);
  counters.set(Counter::submits_waiting, waiting);
  counters.set(Counter::submit_connections, connections);
  counters.set(Counter::submit_peers_limited, limited);
}

void SubmitOut::drain() {
  for (const auto& [name, client] : clients_) client->client().drain();
}

std::size_t SubmitOut::connection_count() const {
  std::size_t count = 0;
  for (const auto& [name, client] : clients_) count += client->client().connection_count();
  for (const auto& client : retired_) count += client->client().connection_count();
  return count;
}

void SubmitOut::close_all() {
  for (const auto& [name, client] : clients_) client->client().close_all();
}

}  // namespace pushmail
