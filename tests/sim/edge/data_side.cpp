#include "tests/sim/edge/data_side.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>

#include "core/ids.h"
#include "dataplane/mail_out.h"
#include "dataplane/relay/relay.h"
#include "dataplane/submit_out.h"
#include "dataplane/tcp/stack.h"
#include "tests/unit/checked.h"

namespace pushmail::edge {

namespace {

constexpr std::uint64_t commit_ms_max = 20, convert_ms_max = 5;
constexpr Duration look_again = milliseconds(200);  // the clients' deadlines are coarser

relay::Settings relay_settings(tcp::SimRandom& random) {
  relay::Settings settings;
  settings.domain = "mms.example.net";
  settings.node = 1;
  settings.smtp_retry = {.first = seconds(5), .most = seconds(600)};
  settings.submit_retry = {.first = seconds(5), .most = seconds(300)};
  settings.random = [&random] { return random.next(); };
  return settings;
}

tcp::StackConfig stack_config(const IpAddress& address, tcp::SimRandom& random) {
  tcp::StackConfig config;
  config.address = address;
  // Each process draws its own: connections of the one before are unknown to it.
  for (auto& byte : config.secret) byte = static_cast<std::uint8_t>(random.next());
  return config;
}

class RealDataSide final : public DataSide,
                           relay::JournalPort,
                           relay::HandoffPort,
                           relay::CodecPort,
                           relay::AnswerPort,
                           relay::OutgoingPort,
                           handoff::Events {
 public:
  explicit RealDataSide(const Setup& setup)
      : setup_(setup),
        random_(setup.seed),
        now_(setup.clock.now()),
        stack_(std::make_unique<tcp::Stack>(setup.device, stack_config(setup.address, random_), now_)),
        relay_(std::in_place, relay_settings(random_),
               relay::Ports{.journal = *this, .handoff = *this, .codec = *this, .answers = *this, .outgoing = *this}, setup.clock,
               *counters_),
        network_(*stack_),
        submit_out_(network_, trust_, setup.clock, {}),
        mail_out_(*stack_, "mms.example.net", setup.clock, {}),
        peer_(handoff::Direction::to_control, random_.next() | 1, *this) {
    submit_out_.set_relay(*relay_);
    mail_out_.set_relay(*relay_);
    if (!setup_.disk.last_known.empty()) take_peers(parse_record(setup_.disk.last_known).value());
    for (const Disk::Record& record : setup_.disk.records) relay_->remember(parse_record(record.bytes).value());
    for (const Disk::Record& record : setup_.disk.records) {
      if (setup_.disk.settled.contains({record.kind, record.item})) continue;
      relay_->restore({.kind = record.kind, .item = record.item, .record = record.bytes});
    }
  }
  ~RealDataSide() override { stack_.reset(); }  // the network goes first, then the sessions may

  void crash() override {
    std::size_t kept = random_.below(writes_.size() + 1);
    while (kept-- > 0) write_first();
  }

  void deliver(std::uint32_t request, const InboundRequest& inbound) override {
    auto body = std::make_unique<Bytes>(inbound.body.begin(), inbound.body.end());
    auto read = mm7::parse_request(inbound.content_type, *body);
    PM_CHECK(read.has_value());
    relay_->on_mm7({.slot = request, .generation = 1},
                   {.peer = "mmsc", .content_type = inbound.content_type, .body = std::move(body), .request = std::move(*read)});
  }

  void turn(Instant now) override {
    now_ = now;
    stack_->poll(now);
    while (!writes_.empty() && writes_.front().at <= now) {
      const std::uint64_t token = writes_.front().token;
      write_first();
      if (token != 0) relay_->on_committed(token, {});
    }
    while (!conversions_.empty() && conversions_.front().first <= now) {
      relay::Conversion conversion = std::move(conversions_.front().second);
      conversions_.pop_front();
      relay_->on_converted(relay::convert(std::move(conversion)));
    }
    relay_->tick(now);
    submit_out_.tick(now);
    mail_out_.tick(now);
    // What the ticks gave to the network leaves now.
    stack_->poll(now);
    relay_->check();
  }

  [[nodiscard]] Instant next_due() const override {
    Instant next{};
    const auto earlier = [&](Instant at) {
      if (at != Instant{} && (next == Instant{} || at < next)) next = at;
    };
    earlier(stack_->next_deadline());
    earlier(relay_->next_due());
    if (!writes_.empty()) earlier(writes_.front().at);
    if (!conversions_.empty()) earlier(conversions_.front().first);
    if (submit_out_.has_work() || mail_out_.has_work()) earlier(now_ + milliseconds(1));
    if (stack_->usage().connections > 0) earlier(now_ + look_again);
    return next;
  }

  [[nodiscard]] handoff::Peer& peer() override { return peer_; }
  void handoff_lost() override { relay_->on_handoff_lost(); }
  [[nodiscard]] std::size_t item_count() const override { return relay_->item_count(); }
  [[nodiscard]] std::uint64_t memory_used() const override { return relay_->memory_used(); }

 private:
  // One write of the journal that is not durable yet; a settle record has no token.
  struct Write {
    Instant at;
    std::uint64_t token = 0;
    journal::Kind kind;
    ItemId item;
    std::optional<Bytes> record;
  };
  void plan(Write write) {
    write.at = std::max(writes_.empty() ? now_ : writes_.back().at,
                        now_ + milliseconds(static_cast<std::int64_t>(random_.below(commit_ms_max)) + 1));
    writes_.push_back(std::move(write));
  }
  void write_first() {
    Write& write = writes_.front();
    if (write.record)
      setup_.disk.records.push_back({write.kind, write.item, std::move(*write.record)});
    else
      setup_.disk.settled.insert({write.kind, write.item});
    writes_.pop_front();
  }

  // Ports of the relay.
  void append(journal::Kind kind, const ItemId& item, RecordWriter record, std::uint64_t token) override {
    plan({.at = {}, .token = token, .kind = kind, .item = item, .record = record.finish(setup_.disk.records.size() + writes_.size() + 1)});
  }
  void settle(journal::Kind kind, const ItemId& item) override { plan({.at = {}, .kind = kind, .item = item, .record = std::nullopt}); }
  std::string_view refusal() const override { return {}; }
  bool is_ready() const override { return peer_.is_ready(); }
  void send(handoff::Kind kind, const ItemId& item, RecordWriter record) override { (void)peer_.send(kind, item, std::move(record)); }
  void start(relay::Conversion conversion) override {
    const Instant at = now_ + milliseconds(static_cast<std::int64_t>(random_.below(convert_ms_max)) + 1);
    conversions_.emplace_back(std::max(at, conversions_.empty() ? at : conversions_.back().first), std::move(conversion));
  }
  void answer_mm7(Ticket ticket, const mm7::Status& status) override {
    setup_.answered(ticket.slot, status.code / 1000 == 1 ? Answered::accepted : Answered::refused);
  }
  void refuse_mm7(Ticket ticket) override { setup_.answered(ticket.slot, Answered::later); }
  void answer_recipient(Ticket, const SmtpReply&) override {}
  void answer_mail(Ticket, const SmtpReply&) override {}
  void send_mail(const relay::MailOrder& order) override { mail_out_.send(order); }
  void submit(const relay::SubmitOrder& order) override { submit_out_.submit(order); }
  void peer_overloaded(std::string_view peer) override { submit_out_.peer_overloaded(peer); }

  // The control plane.
  void on_ready(handoff::Other other) override { relay_->on_handoff_ready(other); }
  void on_record(handoff::Kind kind, const RecordView& record, handoff::Receipt receipt) override {
    const handoff::KindRow* row = handoff::find_kind(static_cast<std::uint16_t>(kind));
    if (row != nullptr && row->owned) peer_.acknowledge(receipt);
    if (kind != handoff::Kind::peers) return relay_->on_handoff_record(kind, record);
    const ByteView whole = record.whole();
    setup_.disk.last_known.assign(whole.begin(), whole.end());
    take_peers(record);
  }
  void on_acknowledged(handoff::Kind kind, const ItemId& item) override { relay_->on_handoff_acknowledged(kind, item); }
  void take_peers(const RecordView& peers) {
    relay_->set_peers(peers);
    submit_out_.set_peers(relay_->peers());
  }

  Setup setup_;
  tcp::SimRandom random_;
  Instant now_;
  std::unique_ptr<Counters> counters_ = Counters::in_memory();
  std::unique_ptr<tcp::Stack> stack_;
  std::deque<Write> writes_;
  std::deque<std::pair<Instant, relay::Conversion>> conversions_;
  Checked<relay::Relay> relay_;
  TlsNetwork network_;  // without TLS it adds nothing
  SubmitOut::Trust trust_;
  SubmitOut submit_out_;
  MailOut mail_out_;
  handoff::Peer peer_;
};

}  // namespace

std::unique_ptr<DataSide> DataSide::start(const Setup& setup) { return std::make_unique<RealDataSide>(setup); }

}  // namespace pushmail::edge
