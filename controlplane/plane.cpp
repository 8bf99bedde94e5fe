#include "controlplane/plane.h"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <map>
#include <optional>

#include "controlplane/account_trials.h"
#include "controlplane/api/json.h"
#include "controlplane/api/server.h"
#include "controlplane/fetcher_processes.h"
#include "controlplane/handoff_client.h"
#include "controlplane/notify/notifier.h"
#include "controlplane/observer.h"
#include "controlplane/peer_health.h"
#include "controlplane/reloading.h"
#include "controlplane/resolver.h"
#include "controlplane/status/listener.h"
#include "controlplane/status/metrics.h"
#include "controlplane/status/status.h"
#include "controlplane/switchboard.h"
#include "controlplane/watched_mailboxes.h"
#include "core/contract/worker.h"
#include "core/log.h"
#include "core/service_manager.h"
#include "core/timers.h"
#include "core/wall_steps.h"

namespace pushmail {

namespace {

namespace asio = boost::asio;

constexpr WorkerIndex only_worker{0};
constexpr Duration longest_retry = timers::mark_retry.most;  // of all that is stored as retry_at

// Without an address the peer is still known, so that its DeliverReqs are accepted; what is for it waits until it has one.
RecordWriter peer_record(PeerProfile peer, const std::optional<IpAddress>& address) {
  const HttpUrl url = parse_http_url(peer.text("url")).value();
  peer.set_text("url", address ? fmt::format("{}{}{}", url.scheme, to_string(Endpoint{*address, url.port}), url.path) : std::string());
  return peer.record();
}

std::string host_of(const PeerProfile& peer) { return parse_http_url(peer.text("url"))->host; }

class WholePlane final : public Plane, private FetcherEvents, private handoff::Events, private FlowEvents {
 public:
  WholePlane(asio::io_context& context, const Clock& clock, Settings settings, Store& store, Durability& durability, Sealer& sealer,
             std::unique_ptr<Resolver> resolver, const Options& options)
      : clock_(clock),
        settings_(std::move(settings)),
        store_(store),
        durability_(durability),
        resolver_(std::move(resolver)),
        fetchers_(context,
                  {.program = options.fetcher_program,
                   .socket = options.fetcher_socket,
                   .arguments = fetcher_arguments(),
                   .count = settings_.fetchers},
                  durability, *this),
        data_plane_(context, settings_.run_folder / handoff_socket_of(only_worker), durability, *this,
                    [this] {
                      reloading_.on_data_plane_lost();
                      flows_.on_data_plane_lost();
                    }),
        notifier_(store, clock, [this](const notify::IncomingSms& sms) { return flows_.on_sms(sms); },
                  {.per_hour_max = settings_.sms_per_hour_max}),
        report_times_(store),
        flows_({store, clock, settings_, data_plane_, fetchers_, report_times_, *this}),
        mailboxes_({store, clock, settings_, sealer, *resolver_, fetchers_}),
        account_trials_({clock, settings_, *resolver_, fetchers_}),
        bindings_(store, sealer, clock, binding_rules()),
        api_(store, bindings_,
             {.binding_changed =
                  [this](const Binding& binding) {
                    mailboxes_.on_binding_changed(binding);
                    flows_.on_binding_changed(binding);
                  },
              .binding_added =
                  [this](const Binding& binding, const api::AccountTrial& trial) {
                    mailboxes_.on_binding_added(binding, trial);
                    flows_.on_binding_changed(binding);
                  },
              .try_account =
                  [this](const Binding& binding, const std::string& password, std::function<void(api::AccountTrial)> reply) {
                    account_trials_.start(binding, password, std::move(reply));
                  },
              .poll_now = [this](std::string_view binding) { return mailboxes_.poll_now(binding); },
              .status = [this] { return api::text_of_json(status::to_json(observer_.look())); },
              .peers = [this] { return peers(); },
              .reload =
                  [this](std::function<void(std::string)> reply) {
                    reloading_.begin([reply = std::move(reply)](const ReloadReport& report) { reply(to_json_text(report)); });
                  }}),
        listener_(status::Listener::make(context, settings_.metrics_listen, [this](std::string_view path) { return monitor(path); })),
        observer_({.store = store,
                   .clock = clock,
                   .settings = settings_,
                   .fetchers = fetchers_,
                   .data_plane = data_plane_,
                   .notifier = notifier_,
                   .transfers = [this] { return flows_.transfers(); },
                   .listener_error = [this] { return listener_->error(); },
                   .reload_refusal = [this] { return reloading_.refusal(); },
                   .at_restart = [this] { return reloading_.at_restart(); }}),
        reloading_({.clock = clock,
                    .root = settings_.root,
                    .ask_data_plane = [this](std::uint64_t query) { return ask_data_plane_to_reload(query); },
                    .fetchers = settings_.fetchers,
                    .ask_fetcher = [this](std::size_t index, std::uint64_t query) { return ask_fetcher_to_reload(index, query); },
                    .take = [this](const Config& config, Settings fresh) { take(config, std::move(fresh)); }},
                   options.config),
        wall_steps_(clock),
        tick_timer_(context),
        peers_timer_(context),
        drain_timer_(context) {
    for (const notify::BearerProfile& profile : settings_.bearers) {
      notifier_.add(
          {.name = profile.name, .order = profile.order, .receipts = {.form = profile.message_id_form, .numbering = settings_.numbering}},
          [&](notify::BearerEvents& events) { return profile.make({context, clock, durability, events}); });
    }
  }

  [[nodiscard]] std::expected<void, StartError> listen(asio::io_context& context) {
    auto roles = api::Roles::of({{api::Role::reader, settings_.api_readers},
                                 {api::Role::operates, settings_.api_operators},
                                 {api::Role::agent, settings_.api_agents},
                                 {api::Role::admin, settings_.api_admins}});
    if (!roles) return std::unexpected(roles.error());
    auto server = api::Server::open(context, settings_.run_folder / "api", std::move(*roles), durability_, api_);
    if (!server) return std::unexpected(server.error());
    server_ = std::move(*server);
    return {};
  }

  void start() override {
    clamp_waits();
    flows_.resume();
    fetchers_.start();
    data_plane_.start();
    notifier_.start();
    listener_->start();
    tick();
  }

  void reload() override {
    reloading_.begin([](const ReloadReport&) {});
  }

  void stop() override {
    log_info("stopping");
    server_->drain([this] { end(); });
    drain_timer_.expires_after(timers::api_drain.chrono());
    drain_timer_.async_wait([this](boost::system::error_code cancelled) {
      if (cancelled) return;
      log_warning("drain_cut").text("reason", "time is over: requests of the API that were not answered are cut");
      end();
    });
  }

 private:
  // May be asked for twice: the last answer and the timer can fall together.
  void end() {
    if (!server_) return;
    drain_timer_.cancel();
    tick_timer_.cancel();
    peers_timer_.cancel();
    server_.reset();
    listener_->stop();
    data_plane_.stop();
    fetchers_.stop();
    notifier_.stop();
  }

  [[nodiscard]] std::vector<std::string> fetcher_arguments() const {
    if (settings_.root.empty()) return {};
    return {"--root", settings_.root.string()};
  }
  [[nodiscard]] std::vector<std::string> peer_names() const {
    std::vector<std::string> names;
    for (const auto& [name, peer] : settings_.peers) names.push_back(name);
    return names;
  }
  [[nodiscard]] Bindings::Rules binding_rules() const {
    return {.egress = settings_.egress,
            .providers = settings_.providers,
            .peers = peer_names(),
            .node = settings_.node,
            .numbering = settings_.numbering};
  }

  // ---- a configuration that was read again
  [[nodiscard]] bool ask_data_plane_to_reload(std::uint64_t query) {
    if (!data_plane_.is_ready()) return false;
    RecordWriter record = handoff::make(handoff::Kind::reload, {});
    record.u64(handoff::tag(handoff::Tag::query), query);
    return data_plane_.send(handoff::Kind::reload, {}, std::move(record)) == DataPlanePort::Sent::yes;
  }
  [[nodiscard]] bool ask_fetcher_to_reload(std::size_t index, std::uint64_t query) {
    RecordWriter record = mailbox::make(mailbox::Kind::reload, {});
    record.u64(mailbox::tag(mailbox::Tag::query), query);
    return fetchers_.send_to(index, std::move(record));
  }
  // Those whose rows say Taken::at_reload. Every part looks into these settings, and keeps nothing of them beyond a call.
  void take(const Config& config, Settings fresh) {
    // What a name had for an address is not another name's.
    std::erase_if(peer_addresses_, [&](const auto& known) {
      const PeerProfile* before = settings_.peer(known.first);
      const PeerProfile* now = fresh.peer(known.first);
      return before == nullptr || now == nullptr || host_of(*before) != host_of(*now);
    });
    settings_.peers = std::move(fresh.peers);
    settings_.egress = std::move(fresh.egress);
    settings_.providers = std::move(fresh.providers);
    settings_.mail_size_max = fresh.mail_size_max;
    settings_.round = fresh.round;
    settings_.code_lifetime = fresh.code_lifetime;
    settings_.announcements = fresh.announcements;
    settings_.trusted_authserv = std::move(fresh.trusted_authserv);
    settings_.strangers = fresh.strangers;
    settings_.configuration = fresh.configuration;
    log_least(log_level_of(config.text("log.level")));
    bindings_.use(binding_rules());
    observer_.on_settings();
    send_peers();
  }

  // GET /metrics, /livez, /readyz. Whoever asks is answered by this thread, so an answer to /livez is what it says.
  [[nodiscard]] std::optional<status::Page> monitor(std::string_view path) const {
    if (path == "/livez") return status::Page{.body = "ok\n"};
    const bool metrics = path == "/metrics";
    if (!metrics && path != "/readyz") return std::nullopt;
    const status::Status now = observer_.look();
    if (metrics) return status::Page{.type = status::metrics_type, .body = status::metrics_text(now, observer_.counters())};
    std::string body(status::to_string(status::verdict_of(now)));
    for (const std::string& reason : status::reasons_of(now)) body += "\n" + reason;
    return status::Page{.status = status::verdict_of(now) == status::Verdict::down ? 503 : 200, .body = body + "\n"};
  }

  // Stored times are wall times; none lies farther ahead than the longest wait there is.
  void clamp_waits() {
    const auto done = store_.write([this] {
      return store_.clamp_waits(
          {.now = clock_.wall(), .retry = longest_retry, .code = settings_.code_lifetime, .doubt = ReportTimes::wait_most});
    });
    if (!done) log_error("waits_not_clamped").error(done.error());
  }
  // What waits in memory goes by the time since boot and does not notice; what waits in the store moves along.
  void on_wall_step(Duration by) {
    const Timestamp now = clock_.wall();
    log_warning("wall_clock_set").number("by_s", by.ms() / 1000);
    const auto done = store_.write([&] { return store_.shift_waits({now.us - by.us()}, by); });
    if (!done) log_error("waits_not_shifted").error(done.error());
    clamp_waits();
    mailboxes_.on_wall_step();
  }

  [[nodiscard]] std::vector<api::PeerStanding> peers() {
    std::vector<api::PeerStanding> all;
    for (const auto& [name, peer] : settings_.peers) {
      const HttpUrl url = parse_http_url(peer.text("url")).value();
      api::PeerStanding standing{
          .name = name, .url = fmt::format("{}{}{}", url.scheme, url.host_header, url.path), .deduplicates = peer.flag("deduplicates")};
      if (const auto known = report_times_.of(name)) {
        standing.reports = known->count;
        standing.report_time_p95 = known->p95;
        standing.doubt_lasts = known->wait;
      }
      standing.unknown = store_.count_unknown(name).value_or(0);
      if (const Observer::Pause* pause = observer_.pause_of(name)) {
        standing.paused_until = pause->until;
        standing.reason = pause->reason;
      }
      if (const status::Health* tries = observer_.tries_of(name)) {
        standing.error = tries->error();
        standing.error_at = tries->error_at();
      }
      const Timestamp now = clock_.wall();
      if (const auto traffic = store_.peer_traffic(name, {now.us - timers::health_window.us()}, {now.us - timers::report_grace.us()},
                                                   traffic_looked_at_max)) {
        standing.silent = traffic->silent;
        standing.answers = traffic->answers;
        standing.advice = advice_about(peer, *traffic);
      }
      all.push_back(std::move(standing));
    }
    return all;
  }
  void on_peer_state(const RecordView& record) {
    using handoff::Tag;
    using handoff::tag;
    observer_.on_pause(record.text(tag(Tag::peer)).value_or(""), {record.i64(tag(Tag::retry_at)).value_or(0)},
                       record.text(tag(Tag::reason)).value_or(""));
  }

  void tick() {
    if (const auto step = wall_steps_.look()) on_wall_step(*step);
    mailboxes_.tick();
    account_trials_.tick();
    flows_.tick();
    notifier_.pump();
    observer_.tick();
    reloading_.tick();
    if (const auto notified = notify_service_manager(service::alive); !notified)
      log_warning("manager_not_notified").error(notified.error());
    tick_timer_.expires_after(timers::plane_tick.chrono());
    tick_timer_.async_wait([this](boost::system::error_code error) {
      if (!error) tick();
    });
  }

  // Every host is resolved, then the whole table goes out. A name that cannot be resolved now keeps its last good address; what is still
  // without one is asked for again.
  void send_peers() {
    if (settings_.peers.empty()) return send_peer_table();
    auto missing = std::make_shared<std::size_t>(settings_.peers.size());
    for (const auto& [name, peer] : settings_.peers) {
      resolver_->resolve(host_of(peer), [this, missing, peer_name = name, host = host_of(peer)](Result<std::vector<IpAddress>> addresses) {
        const PeerProfile* now = settings_.peer(peer_name);
        if (now == nullptr || host_of(*now) != host) {
          // Another configuration has come meanwhile, and has asked for itself.
        } else if (addresses) {
          peer_addresses_[peer_name] = addresses->front();
          observer_.on_resolved(peer_name);
        } else {
          // With an address that was good before, it is still tried.
          if (!peer_addresses_.contains(peer_name)) observer_.on_not_resolved(peer_name, addresses.error().info->text);
          log_warning("peer_not_resolved").peer(peer_name).error(addresses.error());
        }
        if (--*missing == 0) send_peer_table();
      });
    }
  }
  void send_peer_table() {
    if (!data_plane_.is_ready()) return;
    RecordWriter table = handoff::make(handoff::Kind::peers, {});
    table.text(handoff::tag(handoff::Tag::domain), settings_.domain);
    bool whole = true;
    for (const auto& [name, peer] : settings_.peers) {
      const auto known = peer_addresses_.find(name);
      const bool resolved = known != peer_addresses_.end();
      whole = whole && resolved;
      RecordWriter one = peer_record(peer, resolved ? std::optional(known->second) : std::nullopt);
      table.bytes(handoff::tag(handoff::Tag::peer_record), one.finish(0));
    }
    data_plane_.send(handoff::Kind::peers, {}, std::move(table));
    if (whole) return;
    peers_timer_.expires_after(timers::peers_resolve.chrono());
    peers_timer_.async_wait([this](boost::system::error_code error) {
      if (!error) send_peers();
    });
  }

  // ---- the data plane
  void on_ready(handoff::Other other) override {
    log_info("data_plane_connected").text("other", other == handoff::Other::same ? "same" : "restarted");
    send_peers();
    flows_.on_data_plane_ready(other);
  }
  void on_record(handoff::Kind kind, const RecordView& record, handoff::Receipt receipt) override {
    switch (kind) {
      case handoff::Kind::admission_query:
        return flows_.on_admission_query(record);
      case handoff::Kind::route_query:
        return flows_.on_route_query(record);
      case handoff::Kind::submission_credit:
        return flows_.on_credit(record);
      case handoff::Kind::event:
        observer_.on_event(record);
        return flows_.on_event(record);
      case handoff::Kind::peer_state:
        return on_peer_state(record);
      case handoff::Kind::certificates:
        return observer_.on_certificates(record);
      case handoff::Kind::reloaded:
        return reloading_.on_data_plane(record);
      case handoff::Kind::outcome:
        return acknowledge(flows_.take_outcome(record), receipt);
      case handoff::Kind::report:
        return acknowledge(flows_.take_report(record), receipt);
      case handoff::Kind::attempt:
        return acknowledge(flows_.take_attempt(record), receipt);
      default:
        log_warning("handoff_unexpected").text("record", handoff::describe(record));
    }
  }
  void on_acknowledged(handoff::Kind, const ItemId&) override {}
  // Ownership passes here and nowhere else: what is not on our disk stays the data plane's.
  void acknowledge(const Result<void>& durable, handoff::Receipt receipt) {
    if (durable) return data_plane_.acknowledge(receipt);
    log_error("not_taken_over").error(durable.error());
    data_plane_.connect_again();
  }

  // ---- the flows
  void on_sms_queued() override { notifier_.pump(); }
  void on_news_lost(std::string_view binding) override { mailboxes_.watch_again(binding); }
  void on_binding_changed(const Binding& binding) override { mailboxes_.on_binding_changed(binding); }

  // ---- the fetchers
  void on_fetcher_up(std::size_t index) override {
    mailboxes_.watch_all([this, index](std::string_view binding) { return fetchers_.index_of(binding) == index; });
  }
  void on_fetcher_down(std::size_t index) override {
    reloading_.on_fetcher_lost(index);
    const auto was_there = [this, index](std::string_view binding) { return fetchers_.index_of(binding) == index; };
    mailboxes_.on_fetcher_lost(was_there);
    flows_.on_fetcher_lost(was_there);
  }
  void on_fetcher_record(const RecordView& record) override {
    switch (static_cast<mailbox::Kind>(record.header().kind)) {
      case mailbox::Kind::session:
        if (mailboxes_.on_session(record)) flows_.on_mailbox_ready(record.text(mailbox::tag(mailbox::Tag::binding)).value_or(""));
        return;
      case mailbox::Kind::baseline:
        return mailboxes_.on_baseline(record);
      case mailbox::Kind::polled:
        return mailboxes_.on_polled(record);
      case mailbox::Kind::new_mail:
        if (mailboxes_.is_behind(record.text(mailbox::tag(mailbox::Tag::binding)).value_or(""))) return;
        mailboxes_.on_announced(record);
        return flows_.on_new_mail(record);
      case mailbox::Kind::trying:
        return mailboxes_.on_trying(record);
      case mailbox::Kind::skipped:
        return mailboxes_.on_skipped(record);
      case mailbox::Kind::probed:
        return account_trials_.on_probed(record);
      case mailbox::Kind::chunk:
        return flows_.on_chunk(record);
      case mailbox::Kind::fetched:
        return flows_.on_fetched(record);
      case mailbox::Kind::fetch_failed:
        return flows_.on_fetch_failed(record);
      case mailbox::Kind::marked:
        return flows_.on_marked(record);
      case mailbox::Kind::reloaded:
        return reloading_.on_fetcher(record);
      default:
        return;
    }
  }

  const Clock& clock_;
  Settings settings_;
  Store& store_;
  Durability& durability_;
  std::unique_ptr<Resolver> resolver_;
  FetcherProcesses fetchers_;
  HandoffClient data_plane_;
  notify::Notifier notifier_;
  ReportTimes report_times_;
  Switchboard flows_;
  WatchedMailboxes mailboxes_;
  AccountTrials account_trials_;
  Bindings bindings_;
  api::Api api_;
  std::unique_ptr<api::Server> server_;
  std::shared_ptr<status::Listener> listener_;
  Observer observer_;
  Reloading reloading_;
  WallSteps wall_steps_;
  asio::steady_timer tick_timer_;
  asio::steady_timer peers_timer_;
  asio::steady_timer drain_timer_;
  std::map<std::string, IpAddress> peer_addresses_;  // last good ones
};

}  // namespace

std::expected<std::unique_ptr<Plane>, StartError> Plane::open(asio::io_context& context, const Clock& clock, Settings settings,
                                                              Store& store, Durability& durability, Sealer& sealer, Options options) {
  auto resolver = Resolver::open(context, settings.dns_servers);
  if (!resolver) return std::unexpected(resolver.error());
  auto plane = std::make_unique<WholePlane>(context, clock, std::move(settings), store, durability, sealer, std::move(*resolver), options);
  if (const auto listening = plane->listen(context); !listening) return std::unexpected(listening.error());
  return std::unique_ptr<Plane>(std::move(plane));
}

}  // namespace pushmail
