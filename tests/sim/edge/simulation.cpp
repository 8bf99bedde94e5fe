#include "tests/sim/edge/simulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

#include "controlplane/store/store.h"
#include "dataplane/tcp/sim_link.h"
#include "dataplane/tcp/stack.h"
#include "tests/sim/edge/control_side.h"
#include "tests/sim/edge/data_side.h"
#include "tests/sim/edge/mmsc.h"
#include "tests/sim/edge/smart_host.h"

namespace pushmail::edge {

namespace {

using tcp::Side;

constexpr Instant start_of_time{1'795'000'000'000'000'000};
// The short one ends before the first doubt does, the long one goes on into the tries after it.
constexpr Duration short_storm = seconds(300), long_storm = seconds(3600), calm = seconds(40 * 3600);
constexpr Duration short_storm_tick = seconds(1), long_storm_tick = seconds(5), calm_tick = seconds(60);
constexpr Duration reconnect = milliseconds(200), restart = milliseconds(800), redeliver = seconds(20);
constexpr Duration report_soon = seconds(900), phone_looks = seconds(1800);
constexpr std::size_t burst = 64;

class Simulation {
 public:
  explicit Simulation(const Plan& plan) : plan_(plan), random_(plan.seed), deduplicates_(random_.chance(0.3)) {
    if (!mmsc_stack_.listen({.ip = theirs(), .port = mmsc_port}, mmsc_)) failure_ = "cannot listen";
    if (!mmsc_stack_.listen({.ip = theirs(), .port = smart_host_port}, host_)) failure_ = "cannot listen";
    start_control();
    control_->bind_phones();
    start_data();
    connect();
  }

  [[nodiscard]] Result run() {
    const bool is_long = random_.chance(0.4);
    const Duration storm = is_long ? long_storm : short_storm;
    plan_storm(storm);
    run_until(start_of_time + storm, is_long ? long_storm_tick : short_storm_tick);
    mmsc_.calm_down();
    host_.calm_down();
    calm_ = true;
    run_until(start_of_time + storm + calm, calm_tick);
    judge();
    Result result{.failure = failure_, .mails = mails_, .messages = accepted_.size(), .kills = kills_, .cuts = cuts_};
    result.seconds = static_cast<double>((clock_.now() - start_of_time).ms()) / 1000;
    for (const Ledger* ledger : {&mmsc_.ledger(), &host_.ledger()}) {
      for (const auto& [name, entry] : *ledger) {
        result.seen += entry.seen;
        result.twice += entry.taken > 1 ? 1 : 0;
      }
    }
    return result;
  }

 private:
  [[nodiscard]] static IpAddress ours() { return IpAddress::v4(0xC6120002); }
  [[nodiscard]] static IpAddress theirs() { return IpAddress::v4(0xC6120001); }
  [[nodiscard]] static DeviceFacts facts(std::uint8_t last) { return {.mac = {2, 0, 0, 0, 0, last}}; }
  [[nodiscard]] static tcp::StackConfig their_config() {
    tcp::StackConfig config;
    config.address = theirs();
    config.time_wait = seconds(1);
    return config;
  }

  // ---- what happens
  [[nodiscard]] Instant moment(Duration within) {
    return clock_.now() + Duration{static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(within.ns)))};
  }

  void plan_storm(Duration storm) {
    const std::uint64_t mails = 4 + random_.below(8), messages = 2 + random_.below(5);
    for (std::uint64_t i = 0; i < mails; ++i) {
      const auto policy = random_.chance(0.5) ? Policy::ask : Policy::push;
      schedule_.at(moment(storm), [this, policy] { control_->new_mail(policy, static_cast<std::uint32_t>(++mails_)); });
    }
    for (std::uint64_t i = 0; i < messages; ++i) {
      schedule_.at(moment(storm), [this] { deliver(++last_message_); });
    }
    for (std::uint64_t i = 0; i < mails * 3; ++i) schedule_.at(moment(storm), [this] { control_->phone_asks(); });
    for (std::uint64_t n = random_.below(4); n > 0; --n) schedule_.at(moment(storm), [this] { kill_data(); });
    for (std::uint64_t n = random_.below(3); n > 0; --n) schedule_.at(moment(storm), [this] { kill_control(); });
    for (std::uint64_t n = random_.below(3); n > 0; --n) schedule_.at(moment(storm), [this] { cut(moment(seconds(60)) - clock_.now()); });
    plan_look();
  }
  // The phone's owner looks now and then, as long as the world stands.
  void plan_look() {
    schedule_.at(clock_.now() + phone_looks, [this] {
      control_->phone_asks();
      plan_look();
    });
  }

  // ---- the phone's messages, sent by the MMSC until they are answered
  void deliver(std::uint32_t number) {
    if (accepted_.contains(number) || refused_.contains(number)) return;
    if (data_ != nullptr) data_->deliver(number, message(number));
    schedule_.at(clock_.now() + redeliver, [this, number] { deliver(number); });
  }
  [[nodiscard]] static InboundRequest message(std::uint32_t number) {
    const std::string envelope = fmt::format(
        "<?xml version=\"1.0\"?><e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Header><t:TransactionID "
        "xmlns:t=\"{0}\" "
        "e:mustUnderstand=\"1\">d{1}</t:TransactionID></e:Header><e:Body><DeliverReq "
        "xmlns=\"{0}\"><MM7Version>6.8.0</MM7Version><Sender><Number>+{2}</Number>"
        "</Sender><Recipients><To><ShortCode>{3}</ShortCode></To></Recipients><Content href=\"cid:c\"/></DeliverReq></e:Body></e:Envelope>",
        mm7_namespace, number, asking_phone, service_number);
    return {.content_type = "multipart/related; boundary=\"o\"; type=\"text/xml\"; start=\"<s>\"",
            .body = fmt::format(
                "--o\r\nContent-Type: text/xml; charset=\"utf-8\"\r\nContent-ID: <s>\r\n\r\n{}\r\n--o\r\nContent-Type: text/plain; "
                "charset=utf-8\r\nContent-ID: <c>\r\n\r\njoe@example.com message-{}\r\nhello\r\n--o--\r\n",
                envelope, number)};
  }
  [[nodiscard]] static InboundRequest report(std::uint32_t number, const TakenMessage& taken) {
    return {.content_type = "text/xml",
            .body = fmt::format(
                "<?xml version=\"1.0\"?><e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Header><t:TransactionID "
                "xmlns:t=\"{0}\" "
                "e:mustUnderstand=\"1\">r{1}</t:TransactionID></e:Header><e:Body><DeliveryReportReq "
                "xmlns=\"{0}\"><MM7Version>6.8.0</MM7Version>"
                "<MessageID>{2}</MessageID><Recipient><Number>{3}</Number></Recipient><Sender><ShortCode>{4}</ShortCode></Sender>"
                "<Date>2026-11-28T00:00:00Z</Date><MMStatus>Retrieved</MMStatus></DeliveryReportReq></e:Body></e:Envelope>",
                mm7_namespace, number, taken.message_id, taken.recipient, taken.sender)};
  }
  static constexpr std::string_view mm7_namespace = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4";
  static constexpr std::uint32_t first_report = 1'000'000;

  void on_taken(const TakenMessage& taken) {
    // Some phones forbid reports, some MMSCs never send one.
    if (random_.chance(0.15)) return;
    const std::uint32_t number = first_report + ++last_report_;
    schedule_.at(moment(report_soon), [this, number, taken] { send_report(number, taken); });
  }
  void send_report(std::uint32_t number, const TakenMessage& taken) {
    if (accepted_.contains(number)) return;
    if (data_ != nullptr) data_->deliver(number, report(number, taken));
    schedule_.at(clock_.now() + redeliver, [this, number, taken] { send_report(number, taken); });
  }
  void on_answered(std::uint32_t request, Answered answered) {
    note("request {} answered {}", request, static_cast<int>(answered));
    if (answered == Answered::accepted) accepted_.insert(request);
    if (answered == Answered::refused) refused_.insert(request);
  }

  // ---- processes and their connection
  void start_data() {
    data_ = DataSide::start({.disk = disk_,
                             .device = link_.device(Side::a),
                             .address = ours(),
                             .clock = clock_,
                             .seed = random_.next(),
                             .answered = [this](std::uint32_t request, Answered answered) { on_answered(request, answered); }});
  }
  void start_control() {
    control_ = ControlSide::start(
        {.store = *store_, .schedule = schedule_, .clock = clock_, .seed = random_.next(), .deduplicates = deduplicates_});
  }
  void kill_data() {
    if (data_ == nullptr || calm_) return;
    note("the data plane is killed");
    ++kills_;
    disconnect();
    data_->crash();
    data_.reset();
    schedule_.at(clock_.now() + restart, [this] {
      start_data();
      connect();
    });
  }
  void kill_control() {
    if (calm_) return;
    note("the control plane is killed");
    ++kills_;
    disconnect();
    control_.reset();
    start_control();
    schedule_.at(clock_.now() + restart, [this] { connect(); });
  }
  void cut(Duration away) {
    if (!connected_ || calm_) return;
    note("the planes lose each other for {} ms", away.ms());
    ++cuts_;
    disconnect();
    schedule_.at(clock_.now() + reconnect + away, [this] { connect(); });
  }
  void connect() {
    if (connected_ || data_ == nullptr) return;
    connected_ = true;
    data_->peer().connected();
    control_->peer().connected();
  }
  void disconnect() {
    if (!connected_) return;
    connected_ = false;
    data_->peer().disconnected();
    control_->peer().disconnected();
    data_->handoff_lost();
    control_->handoff_lost();
  }
  static bool carry(handoff::Peer& from, handoff::Peer& to) {
    if (from.output().empty()) return false;
    const Bytes bytes(from.output().begin(), from.output().end());
    from.sent(bytes.size());
    PM_CHECK(to.receive(bytes).has_value());
    return true;
  }
  void exchange() {
    bool busy = connected_;
    while (busy) {
      const bool there = carry(data_->peer(), control_->peer());
      const bool back = carry(control_->peer(), data_->peer());
      busy = there || back;
    }
  }

  // ---- time
  void run_until(Instant end, Duration tick_every) {
    while (clock_.now() < end && failure_.empty()) {
      Instant next = std::min(end, tick_at_);
      const auto earlier = [&](Instant at) {
        if (at != Instant{}) next = std::min(next, at);
      };
      earlier(link_.next_arrival());
      earlier(mmsc_stack_.next_deadline());
      earlier(schedule_.next());
      if (data_ != nullptr) earlier(data_->next_due());
      clock_.advance_to(next);
      if (clock_.now() >= tick_at_) {
        tick_at_ = clock_.now() + tick_every;
        control_->tick();
      }
      schedule_.run(clock_.now());
      link_.deliver(burst);
      mmsc_stack_.poll(clock_.now());
      if (data_ != nullptr) data_->turn(clock_.now());
      exchange();
      if (data_ != nullptr) data_->peer().check();
      control_->peer().check();
      for (const std::string& trouble : {mmsc_.failure(), host_.failure()}) {
        if (!trouble.empty()) failure_ = trouble;
      }
    }
  }

  // ---- what came of it
  void judge() {
    if (!failure_.empty()) return;
    std::uint64_t to_phone = 0;
    std::set<std::string> sent_subjects;
    for (const Known& known : control_->known()) {
      note("{} {} {} twice={} seen {} taken {}: {} [{}]", known.transaction_id, known.subject, known.state, known.duplicate_possible,
           entry_of(known).seen, entry_of(known).taken, known.reason, known.history);
      to_phone += known.to_phone ? 1 : 0;
      judge(known);
      if (!failure_.empty()) return;
    }
    if (to_phone != mails_) return fail("{} mails came and {} are known", mails_, to_phone);
    for (const std::uint32_t number : accepted_) {
      const std::string subject = fmt::format("message-{}", number);
      const auto entry = host_.ledger().find(subject);
      if (number < first_report && (entry == host_.ledger().end() || entry->second.taken == 0))
        return fail("{} was acknowledged and never arrived", subject);
    }
    if (data_ == nullptr || data_->item_count() != 0 || data_->memory_used() != 0) return fail("the data plane still holds items");
  }
  [[nodiscard]] Entry entry_of(const Known& known) const {
    const Ledger& ledger = known.to_phone ? mmsc_.ledger() : host_.ledger();
    const auto found = ledger.find(known.to_phone ? known.transaction_id : known.subject);
    return found == ledger.end() ? Entry{} : found->second;
  }
  void judge(const Known& known) {
    const Entry entry = entry_of(known);
    const bool went_out = known.state == "submitted" || known.state == "reported" || known.state == "delivered";
    if (went_out && entry.taken == 0) return fail("{} is called {} and nobody has it", known.transaction_id, known.state);
    // Tried again and again without an answer: its owner reads that nobody knows.
    if (known.state == "unconfirmed" && known.duplicate_possible) return;
    if (entry.taken > 1 && !known.duplicate_possible)
      return fail("{} was taken {} times and is not marked", known.transaction_id, entry.taken);
    if (went_out || entry.refused) return;
    if (entry.taken > 0) return;
    fail("{} never arrived; it is {}: {}", known.transaction_id, known.state, known.reason);
  }

  template <class... Args>
  void fail(fmt::format_string<Args...> text, Args&&... args) {
    if (failure_.empty()) failure_ = fmt::format(text, std::forward<Args>(args)...);
  }
  template <class... Args>
  void note(fmt::format_string<Args...> text, Args&&... args) const {
    if (!plan_.verbose) return;
    fmt::print("{:10.3f} {}\n", static_cast<double>((clock_.now() - start_of_time).ms()) / 1000,
               fmt::format(text, std::forward<Args>(args)...));
  }

  Plan plan_;
  tcp::SimRandom random_;
  bool deduplicates_;
  tcp::VirtualClock clock_{start_of_time};
  Schedule schedule_;
  tcp::SimLink link_{clock_, plan_.seed, {}, facts(2), facts(1)};
  tcp::Stack mmsc_stack_{link_.device(Side::b), their_config(), start_of_time};
  Mmsc mmsc_{schedule_, clock_, plan_.seed * 3 + 1, deduplicates_ ? Mmsc::Repeats::recognised : Mmsc::Repeats::taken_again,
             [this](const TakenMessage& taken) { on_taken(taken); }};
  SmartHost host_{schedule_, clock_, plan_.seed * 5 + 1};
  std::unique_ptr<Store> store_ = open_memory_store();
  Disk disk_;
  std::unique_ptr<ControlSide> control_;
  std::unique_ptr<DataSide> data_;
  bool connected_ = false;
  bool calm_ = false;
  Instant tick_at_ = start_of_time;
  std::uint64_t mails_ = 0, kills_ = 0, cuts_ = 0;
  std::uint32_t last_message_ = 0, last_report_ = 0;
  std::set<std::uint32_t> accepted_, refused_;
  std::string failure_;
};

}  // namespace

Result simulate(const Plan& plan) { return Simulation(plan).run(); }

}  // namespace pushmail::edge
