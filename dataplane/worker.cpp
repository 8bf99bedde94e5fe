#include "dataplane/worker.h"

#include <algorithm>
#include <utility>

#include "core/log.h"
#include "core/match.h"
#include "core/timers.h"

namespace pushmail {

namespace {

std::vector<HttpPeer> http_peers_of(const relay::PeerTable& table) {
  std::vector<HttpPeer> peers;
  for (const auto& [name, profile] : table.all()) {
    peers.push_back({.name = name,
                     .allow = profile.networks,
                     .credentials = {.user = profile.text("inbound_user"), .password = profile.text("inbound_password")},
                     .service_code = profile.dialect.service_code,
                     .fault_http_status = profile.dialect.fault_http_status,
                     .scheme = profile.is({"inbound_scheme", "digest"}) ? HttpScheme::digest : HttpScheme::basic,
                     .wants_certificate = !profile.text("inbound_certificate").empty()});
  }
  return peers;
}

SmtpServerSettings with_starttls(SmtpServerSettings settings, std::optional<TlsListener>& cover) {
  if (cover) settings.starttls = &*cover;
  return settings;
}

}  // namespace

Worker::Worker(WorkerSettings settings, Link& link, WorkerRings rings, const Clock& clock, Counters& counters, FaultPoints faults)
    : settings_(std::move(settings)),
      link_(link),
      network_(link.network()),
      smart_host_(settings_.tls.smart_host == SmartHostTls::off
                      ? std::nullopt
                      : std::optional<TlsPeer>(std::in_place, network_, *settings_.tls.files.smart_host, settings_.tls.smart_host_name,
                                               std::string(Certificates::smart_host_label))),
      rings_(rings),
      clock_(clock),
      counters_(counters),
      now_(clock.now()),
      relay_(settings_.relay, {.journal = *this, .handoff = *this, .codec = *this, .answers = *this, .outgoing = *this}, clock, counters,
             faults),
      mm7_(relay_, settings_.wrong_passwords),
      http_(settings_.http, mm7_, clock),
      http_tls_(listener_for(http_)),
      smtp_tls_(listener_for(smtp_)),
      smtp_(with_starttls(settings_.smtp, smtp_tls_), relay_, clock),
      submit_out_(network_, settings_.tls.files.peers, clock, faults),
      mail_out_(settings_.tls.smart_host == SmartHostTls::implicit ? static_cast<Network&>(*smart_host_) : network_, settings_.relay.domain,
                clock, faults, settings_.tls.smart_host == SmartHostTls::starttls ? &*smart_host_ : nullptr, settings_.smart_host_login) {
  submit_out_.set_relay(relay_);
  mail_out_.set_relay(relay_);
  const TlsFiles& files = settings_.tls.files;
  if (http_tls_ && files.asking_server) http_tls_->use(*files.asking_server, files.clients);
  exempt_named_sources();
  certificates_.set_own(files);
  network_.on_certificate([this](std::string_view label, const tls::Certificate& shown) { certificates_.see(label, shown); });
}

Worker::~Worker() = default;

std::optional<TlsListener> Worker::listener_for(Acceptor& behind) {
  if (!settings_.tls.files.server) return std::nullopt;
  return std::optional<TlsListener>(std::in_place, network_, *settings_.tls.files.server, &behind);
}

Result<void> Worker::listen() {
  PM_TRY_VOID(network_.listen(settings_.http_listen, http_));
  PM_TRY_VOID(network_.listen(settings_.smtp_listen, smtp_));
  if (settings_.tls.http_listen) PM_TRY_VOID(network_.listen(*settings_.tls.http_listen, *http_tls_));
  if (settings_.tls.smtp_listen) PM_TRY_VOID(network_.listen(*settings_.tls.smtp_listen, *smtp_tls_));
  return {};
}

void Worker::set_peers(const RecordView& peers) {
  relay_.set_peers(peers);
  mm7_.set_peers(http_peers_of(relay_.peers()));
  http_.set_groups(mm7_.groups());
  submit_out_.set_peers(relay_.peers());
  exempt_named_sources();
  certificates_.keep_peers([this](std::string_view name) { return relay_.peers().find(name) != nullptr; });
}

// ---- the turn ---------------------------------------------------------------------------------------------------------------------

// Burst in -> TCP -> sessions -> relay; completions of journal, control plane and codec lane -> relay -> sessions -> burst out; timers.
std::size_t Worker::turn() {
  now_ = clock_.now();
  counters_.add(Counter::turns);
  // What came in reaches the sessions, and through them the relay; what the last turn left to send goes out.
  std::size_t work = network_.poll(now_);
  // What is durable is answered here, in no other place.
  work += take_completions();
  relay_.tick(now_);
  http_.tick(now_);
  smtp_.tick(now_);
  submit_out_.tick(now_);
  mail_out_.tick(now_);
  if (now_ >= counters_due_) {
    counters_due_ = now_ + timers::link_counters;
    counters_.set(Counter::worker_seen, static_cast<std::uint64_t>(now_.ns / seconds(1).ns));
    link_.publish(counters_);
    publish_sessions();
    submit_out_.publish(counters_);
    if (certificates_.has_news()) send_certificates();
  }
  const bool io_flushed = rings_.to_io.flush();
  const bool codec_flushed = rings_.to_codec.flush();
  return work + (io_flushed && codec_flushed ? 0 : 1);
}

void Worker::publish_sessions() {
  const HttpServerCounts& http = http_.counts();
  counters_.set(Counter::http_connections, http.connections);
  counters_.set(Counter::http_turned_away, http.turned_away);
  counters_.set(Counter::http_evicted, http_.evicted());
  counters_.set(Counter::http_wrong_passwords, mm7_.wrong_passwords());
  counters_.set(Counter::http_wrong_certificates, mm7_.wrong_certificates());
  const SmtpServerCounts& smtp = smtp_.counts();
  counters_.set(Counter::smtp_connections, smtp.connections);
  counters_.set(Counter::smtp_turned_away, smtp.turned_away);
  counters_.set(Counter::smtp_evicted, smtp_.evicted());
  counters_.set(Counter::smtp_early_talkers, smtp.early_talkers);
  counters_.set(Counter::smtp_over_budget, smtp.over_budget);
  const TlsCounts& tls = network_.counts();
  counters_.set(Counter::tls_handshakes, tls.handshakes);
  counters_.set(Counter::tls_failed, tls.failed);
  counters_.set(Counter::tls_refused, tls.refused);
}

std::size_t Worker::take_completions() {
  std::size_t count = 0;
  while (auto message = rings_.from_io.receive()) {
    take(std::move(*message));
    ++count;
  }
  while (auto reload = rings_.reloads.receive()) {
    take(std::move(*reload));
    ++count;
  }
  while (auto converted = rings_.from_codec.receive()) {
    relay_.on_converted(std::move(*converted));
    ++count;
  }
  return count;
}

void Worker::take(ToWorker message) {
  std::visit(Match{
                 [&](const Committed& committed) {
                   relay_.on_committed(committed.token, committed.error ? Result<void>(std::unexpected(*committed.error)) : Result<void>());
                 },
                 [&](const JournalState& state) {
                   refusal_ = state.refusal;
                   counters_.set(Counter::journal_refuses, refusal_.empty() ? 0 : 1);
                 },
                 [&](const HandoffReady& ready) {
                   handoff_ready_ = true;
                   relay_.on_handoff_ready(ready.other);
                   send_reloaded();
                   send_certificates();
                 },
                 [&](const HandoffLost&) {
                   handoff_ready_ = false;
                   relay_.on_handoff_lost();
                 },
                 [&](const HandoffRecord& received) {
                   const RecordView record = parse_record(received.record).value();
                   const auto kind = static_cast<handoff::Kind>(record.header().kind);
                   if (kind == handoff::Kind::peers) {
                     set_peers(record);
                   } else {
                     relay_.on_handoff_record(kind, record);
                   }
                 },
                 [&](const HandoffAcknowledged& acknowledged) { relay_.on_handoff_acknowledged(acknowledged.kind, acknowledged.item); },
             },
             message);
}

void Worker::exempt_named_sources() {
  std::vector<IpNetwork> named = settings_.smtp.trusted;
  for (const SourceGroup& group : mm7_.groups()) named.insert(named.end(), group.networks.begin(), group.networks.end());
  network_.exempt(std::move(named));
}

// ---- a configuration that was read again -----------------------------------------------------------------------------------------

void Worker::take(Reload reload) {
  if (reload.settings) {
    take(std::move(*reload.settings));
    counters_.set_configuration(reload.configuration);
  }
  reload.settings.reset();
  reloaded_ = std::move(reload);
  send_reloaded();
}

// Sessions under way go on with what they began with; ports, links and names stay as they are until the next start.
void Worker::take(WorkerSettings fresh) {
  take(fresh.tls.files);
  http_.set_limits(fresh.http.connections);
  mm7_.set_wrong_passwords(fresh.wrong_passwords);
  smtp_.take(fresh.smtp);
  settings_.smtp.trusted = fresh.smtp.trusted;
  exempt_named_sources();
  relay_.take(std::move(fresh.relay));
}

void Worker::take(const TlsFiles& fresh) {
  certificates_.set_own(fresh);
  if (fresh.server) {
    if (http_tls_) http_tls_->use(fresh.asking_server ? *fresh.asking_server : *fresh.server, fresh.clients);
    if (smtp_tls_)
      smtp_tls_->use(*fresh.server);
    else
      smtp_tls_.emplace(network_, *fresh.server, &smtp_);
    smtp_.offer_starttls(&*smtp_tls_);
  } else if (!settings_.tls.http_listen && !settings_.tls.smtp_listen) {
    // A port that speaks TLS stays open until the next start, and needs the certificate it has.
    smtp_.offer_starttls(nullptr);
  }
  if (smart_host_ && fresh.smart_host) smart_host_->use(*fresh.smart_host);
  submit_out_.set_trust(fresh.peers);
}

// Again after each hello: a control plane that was started meanwhile shows it in its status.
void Worker::send_reloaded() {
  if (!handoff_ready_ || !reloaded_) return;
  RecordWriter record = handoff::make(handoff::Kind::reloaded, {});
  record.u64(handoff::tag(handoff::Tag::query), reloaded_->query).u64(handoff::tag(handoff::Tag::configuration), reloaded_->configuration);
  if (!reloaded_->refusal.empty()) record.text(handoff::tag(handoff::Tag::reason), reloaded_->refusal);
  for (const std::string& key : reloaded_->at_restart) record.text(handoff::tag(handoff::Tag::restart_key), key);
  send(handoff::Kind::reloaded, {}, std::move(record));
}

void Worker::send_certificates() {
  if (handoff_ready_) send(handoff::Kind::certificates, {}, certificates_.take_record());
}

void Worker::run(const std::atomic<Stopping>& stopping) {
  link_.enter_thread();
  int idle_turns = 0;
  while (goes_on(stopping.load(std::memory_order_acquire))) {
    idle_turns = turn() > 0 ? 0 : idle_turns + 1;
    // After a turn with work the next one sends what it left; only then is idle really idle.
    if (idle_turns >= 2 && settings_.poll == Poll::adaptive) sleep();
  }
  turn();
  link_.publish(counters_);
  while (!rings_.to_io.flush()) {
  }
}

// ---- the end ----------------------------------------------------------------------------------------------------------------------

bool Worker::goes_on(Stopping wanted) {
  if (wanted == Stopping::no) return true;
  if (wanted == Stopping::drain && !drain_ends_) {
    begin_drain();
    return true;
  }
  const std::size_t open = open_count();
  if (open == 0 && !relay_.waits_for_disk()) return false;
  if (wanted == Stopping::drain && clock_.now() < *drain_ends_) return true;
  log_warning("drain_cut")
      .text("reason", wanted == Stopping::now ? "a second signal" : "time is over")
      .number("connections", static_cast<std::int64_t>(open));
  return false;
}

// In this order: nothing new comes in, nothing new goes out, and what is under way in either direction has its answer.
void Worker::begin_drain() {
  drain_ends_ = clock_.now() + timers::drain;
  log_info("drain").number("connections", static_cast<std::int64_t>(open_count()));
  network_.stop_listening();
  relay_.stop_sending();
  http_.drain();
  smtp_.drain();
  submit_out_.drain();
  mail_out_.drain();
}

std::size_t Worker::open_count() const {
  return http_.connection_count() + smtp_.connection_count() + submit_out_.connection_count() + mail_out_.connection_count();
}

void Worker::sleep() {
  if (http_.has_work() || smtp_.has_work() || submit_out_.has_work() || mail_out_.has_work()) return;
  Duration longest = timers::worker_sleep;
  for (const Instant due : {relay_.next_due(), smtp_.next_due()}) {
    if (due != Instant{}) longest = std::min(longest, due - clock_.now());
  }
  rings_.bell.announce();
  if (longest.ns > 0 && rings_.from_io.empty() && rings_.from_codec.empty() && rings_.reloads.empty()) {
    counters_.add(Counter::idle_waits);
    network_.wait(rings_.bell.fd(), longest);
  }
  rings_.bell.awake();
}

// ---- ports ------------------------------------------------------------------------------------------------------------------------

void Worker::append(journal::Kind kind, const ItemId& item, RecordWriter record, std::uint64_t token) {
  rings_.to_io.send(AppendRecord{.kind = kind, .item = item, .record = std::move(record), .token = token});
}

void Worker::settle(journal::Kind kind, const ItemId& item) { rings_.to_io.send(SettleRecord{.kind = kind, .item = item}); }

void Worker::send(handoff::Kind kind, const ItemId& item, RecordWriter record) {
  rings_.to_io.send(SendRecord{.kind = kind, .item = item, .record = std::move(record)});
}

void Worker::start(relay::Conversion conversion) { rings_.to_codec.send(std::move(conversion)); }

}  // namespace pushmail
