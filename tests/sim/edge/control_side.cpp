#include "tests/sim/edge/control_side.h"

#include <fmt/format.h>

#include <map>

#include "controlplane/report_times.h"
#include "controlplane/store/sqlite_store.h"
#include "controlplane/switchboard.h"

namespace pushmail::edge {

namespace {

constexpr std::uint64_t fetch_ms_max = 50;
constexpr std::size_t all_items = 100'000;

std::string mail_text(std::string_view to, std::uint32_t number) {
  return fmt::format("From: Joe <joe@example.com>\r\nTo: {}\r\nSubject: mail-{}\r\nMessage-ID: <m{}@example.com>\r\n\r\nhello {}\r\n", to,
                     number, number, number);
}

Settings settings_of(const ControlSide::Setup& setup) {
  Settings settings;
  settings.domain = "mms.example.net";
  settings.node = 1;
  settings.smart_host = fmt::format("{}:{}", peers_address, smart_host_port);
  settings.mail_size_max = 1'000'000;
  settings.code_lifetime = seconds(7 * 86'400);
  PeerProfile peer("mmsc");
  peer.set_text("url", fmt::format("http://{}:{}/mm7", peers_address, mmsc_port));
  peer.set_text("host_header", "mmsc.example");
  peer.set_text("inbound_user", "mmsc");
  peer.set_text("inbound_password", "secret");
  peer.set_text("service_number", std::string(service_number));
  peer.set_number("mm_size_max", 300'000);
  peer.set_flag("deduplicates", setup.deduplicates);
  settings.peers.emplace("mmsc", peer);
  return settings;
}

class RealControlSide final : public ControlSide, DataPlanePort, FetcherPort, handoff::Events, FlowEvents {
 public:
  explicit RealControlSide(const Setup& setup)
      : setup_(setup), random_(setup.seed), settings_(settings_of(setup)), peer_(handoff::Direction::to_data, random_.next() | 1, *this) {
    flows_.resume();
  }

  void bind_phones() override {
    for (const auto& [id, phone, policy] : {std::tuple{"ask", asking_phone, Policy::ask}, {"push", pushed_phone, Policy::push}}) {
      const auto added = setup_.store.add_binding({.id = id,
                                                   .msisdn = Msisdn::from_digits(phone).value(),
                                                   .mail_address = fmt::format("{}@box.example", id),
                                                   .host = "mail.example",
                                                   .user = "u",
                                                   .policy = policy,
                                                   .peer = "mmsc",
                                                   .created = setup_.clock.wall()});
      PM_CHECK(added.has_value());
    }
  }

  void new_mail(Policy policy, std::uint32_t number) override {
    const std::string_view binding = policy == Policy::ask ? "ask" : "push";
    const std::string mail = mail_text(fmt::format("{}@box.example", binding), number);
    using mailbox::Tag;
    using mailbox::tag;
    RecordWriter record = mailbox::make(mailbox::Kind::new_mail, {});
    record.text(tag(Tag::binding), binding).u64(tag(Tag::uid_validity), 3).text(tag(Tag::uid), std::to_string(number));
    record.text(tag(Tag::subject), fmt::format("mail-{}", number))
        .text(tag(Tag::sender), "Joe <joe@example.com>")
        .u64(tag(Tag::size), mail.size());
    record.text(tag(Tag::message_id), fmt::format("m{}@example.com", number)).trace(tag(Tag::trace), new_trace_id());
    record.i64(tag(Tag::time), setup_.clock.wall().us);
    const Bytes bytes = record.finish(1);
    flows_.on_new_mail(parse_record(bytes).value());
  }

  void phone_asks() override {
    const auto items = setup_.store.items({.binding = "ask", .way = Way::to_phone, .count_max = all_items});
    PM_CHECK(items.has_value());
    std::vector<std::string> codes;
    for (const Item& item : *items) {
      if (!item.reply_code.empty() && item.code_expires > setup_.clock.wall() && !is_final(item.state)) codes.push_back(item.reply_code);
    }
    if (codes.empty()) return;
    const std::string& code = codes[random_.below(codes.size())];
    (void)flows_.on_sms({.source = std::string(asking_phone), .destination = std::string(service_number), .text = code});
  }

  void tick() override { flows_.tick(); }
  [[nodiscard]] handoff::Peer& peer() override { return peer_; }
  void handoff_lost() override { flows_.on_data_plane_lost(); }

  [[nodiscard]] std::vector<Known> known() const override {
    std::vector<Known> all;
    for (const Way way : {Way::to_phone, Way::to_mail}) {
      const auto items = setup_.store.items({.way = way, .count_max = all_items});
      PM_CHECK(items.has_value());
      for (const Item& item : *items) {
        std::string events;
        const auto history = setup_.store.history(item.id);
        PM_CHECK(history.has_value());
        for (const HistoryRow& row : *history) events += (events.empty() ? "" : ",") + row.event;
        all.push_back({.item = to_string(item.id),
                       .transaction_id = "pm" + to_string(item.id),
                       .subject = item.subject,
                       .state = std::string(to_string(item.state)),
                       .reason = item.reason,
                       .history = std::move(events),
                       .to_phone = way == Way::to_phone,
                       .duplicate_possible = item.duplicate_possible});
      }
    }
    return all;
  }

 private:
  // DataPlanePort
  [[nodiscard]] bool is_ready() const override { return peer_.is_ready(); }
  Sent send(handoff::Kind kind, const ItemId& item, RecordWriter record) override {
    return peer_.send(kind, item, std::move(record)) == handoff::Peer::Sent::queued ? Sent::yes : Sent::no;
  }

  // FetcherPort: a mailbox whose mails are always there.
  [[nodiscard]] bool is_up(std::string_view) const override { return true; }
  void send(std::string_view binding, mailbox::Kind kind, const ItemId& item, RecordWriter record) override {
    using mailbox::Tag;
    using mailbox::tag;
    const Bytes bytes = record.finish(1);
    const RecordView view = parse_record(bytes).value();
    if (kind == mailbox::Kind::fetch) {
      fetches_[item] = {.binding = std::string(binding),
                        .number = static_cast<std::uint32_t>(std::stoul(std::string(view.text(tag(Tag::uid)).value())))};
    } else if (kind == mailbox::Kind::cancel) {
      fetches_.erase(item);
    } else if (kind == mailbox::Kind::credit && fetches_.contains(item) && !std::exchange(fetches_[item].sending, true)) {
      const std::uint64_t generation = fetches_[item].generation = ++last_generation_;
      const Instant at = setup_.clock.now() + milliseconds(static_cast<std::int64_t>(random_.below(fetch_ms_max)) + 1);
      setup_.schedule.at(at, [this, alive = std::weak_ptr<int>(alive_), item, generation] {
        const auto fetch = fetches_.find(item);
        if (alive.expired() || fetch == fetches_.end() || fetch->second.generation != generation) return;
        const Fetch whole = fetch->second;
        fetches_.erase(fetch);
        give_mail(item, whole);
      });
    } else if (kind == mailbox::Kind::mark) {
      RecordWriter marked = mailbox::make(mailbox::Kind::marked, item);
      marked.text(tag(Tag::mark), view.text(tag(Tag::mark)).value_or(""));
      const Bytes answer = marked.finish(1);
      setup_.schedule.at(setup_.clock.now() + milliseconds(5), [this, alive = std::weak_ptr<int>(alive_), answer] {
        if (!alive.expired()) flows_.on_marked(parse_record(answer).value());
      });
    }
  }
  struct Fetch {
    std::string binding;
    std::uint32_t number = 0;
    bool sending = false;
    std::uint64_t generation = 0;
  };
  void give_mail(const ItemId& item, const Fetch& fetch) {
    using mailbox::Tag;
    using mailbox::tag;
    const std::string mail = mail_text(fmt::format("{}@box.example", fetch.binding), fetch.number);
    RecordWriter chunk = mailbox::make(mailbox::Kind::chunk, item);
    chunk.u64(tag(Tag::offset), 0).bytes(tag(Tag::data), bytes_of(mail));
    const Bytes chunk_bytes = chunk.finish(1);
    flows_.on_chunk(parse_record(chunk_bytes).value());
    RecordWriter fetched = mailbox::make(mailbox::Kind::fetched, item);
    fetched.u64(tag(Tag::size), mail.size());
    const Bytes fetched_bytes = fetched.finish(1);
    flows_.on_fetched(parse_record(fetched_bytes).value());
  }

  // FlowEvents: the phone looks by itself, and no binding changes.
  void on_sms_queued() override {}
  void on_news_lost(std::string_view) override {}
  void on_binding_changed(const Binding&) override {}

  // The data plane.
  void on_ready(handoff::Other other) override {
    send_peers();
    flows_.on_data_plane_ready(other);
  }
  void send_peers() {
    using handoff::Tag;
    using handoff::tag;
    RecordWriter table = handoff::make(handoff::Kind::peers, {});
    table.text(tag(Tag::domain), settings_.domain).bytes(tag(Tag::peer_record), settings_.peer("mmsc")->record().finish(0));
    (void)peer_.send(handoff::Kind::peers, {}, std::move(table));
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
        return flows_.on_event(record);
      case handoff::Kind::outcome:
        return acknowledge(flows_.take_outcome(record), receipt);
      case handoff::Kind::report:
        return acknowledge(flows_.take_report(record), receipt);
      case handoff::Kind::attempt:
        return acknowledge(flows_.take_attempt(record), receipt);
      default:
        return;
    }
  }
  void acknowledge(const Result<void>& durable, handoff::Receipt receipt) {
    PM_CHECK(durable.has_value());
    peer_.acknowledge(receipt);
  }
  void on_acknowledged(handoff::Kind, const ItemId&) override {}

  Setup setup_;
  tcp::SimRandom random_;
  const Settings settings_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
  std::map<ItemId, Fetch> fetches_;
  std::uint64_t last_generation_ = 0;
  handoff::Peer peer_;
  ReportTimes report_times_{setup_.store};
  Switchboard flows_{{setup_.store, setup_.clock, settings_, *this, *this, report_times_, *this}};
};

}  // namespace

std::unique_ptr<Store> open_memory_store() { return open_sqlite_store(":memory:").value(); }
std::unique_ptr<ControlSide> ControlSide::start(const Setup& setup) { return std::make_unique<RealControlSide>(setup); }

}  // namespace pushmail::edge
