#include "tests/sim/sms/simulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "controlplane/notify/notifier.h"
#include "controlplane/notify/sms_kinds.h"
#include "controlplane/store/ledger.h"
#include "controlplane/store/sqlite_store.h"
#include "tests/sim/sms/network.h"

namespace pushmail::notify {

namespace {

constexpr Duration tick = seconds(5);
constexpr Duration life_max = seconds(40 * 3600);
constexpr std::int64_t hour_ns = 3600LL * 1'000'000'000;

struct Planned {
  std::size_t number = 0;
  Instant at{};
  SmsKind kind{};
  Msisdn phone{};
  ItemId item{};
};

class Run {
 public:
  explicit Run(std::uint64_t seed) : random_(seed) { plan(); }
  Outcome go();

 private:
  [[nodiscard]] std::uint64_t draw(std::uint64_t below) { return random_() % below; }
  void plan();
  void start();
  void queue(Planned& text);
  [[nodiscard]] bool settled();
  void check();
  void check_pauses();
  void fail(std::string why) {
    if (outcome_.failure.empty()) outcome_.failure = std::move(why);
  }

  std::mt19937_64 random_;
  HandClock clock_{};
  Script script_{};
  std::uint64_t per_hour_ = 100;
  std::vector<Planned> texts_{};
  std::vector<Instant> restarts_{};
  std::unique_ptr<Store> store_ = open_sqlite_store(":memory:").value();
  Network network_{clock_, script_, random_};
  std::unique_ptr<Notifier> notifier_{};
  SmppProtocol* protocol_ = nullptr;  // the notifier's
  std::size_t words_ = 0;
  Outcome outcome_{};
};

void Run::plan() {
  const Instant begin = clock_.now();
  constexpr std::array<double, 5> rates{0, 0, 0.02, 0.1, 0.4};
  script_.fault_rate = rates[draw(rates.size())];
  script_.calm = begin + seconds(static_cast<std::int64_t>(draw(1800)));
  per_hour_ = draw(3) == 0 ? 4 : 100;
  const std::size_t phones = 1 + draw(4);
  const std::size_t count = 3 + draw(38);
  const std::uint64_t spread_s = draw(2) == 0 ? 1 : 600;
  for (std::size_t i = 0; i < count; ++i) {
    texts_.push_back({.number = i,
                      .at = begin + seconds(static_cast<std::int64_t>(draw(spread_s))),
                      .kind = draw(4) == 0 ? static_cast<SmsKind>(draw(static_cast<std::size_t>(SmsKind::other))) : SmsKind::notify,
                      .phone = Msisdn::from_digits(fmt::format("1555010{:04}", draw(phones))).value()});
  }
  std::ranges::sort(texts_, {}, &Planned::at);
  for (std::size_t bad = draw(4); bad > 0; --bad) script_.bad[draw(count)] = deeds[1 + draw(deeds.size() - 1)].deed;
  if (draw(3) == 0) {
    for (std::size_t n = 1 + draw(3); n > 0; --n) restarts_.push_back(begin + milliseconds(static_cast<std::int64_t>(draw(900'000))));
  }
  std::ranges::sort(restarts_);
}

// A process that begins: nothing but the store is left of the one before.
void Run::start() {
  network_.use(nullptr);
  protocol_ = nullptr;
  notifier_ = std::make_unique<Notifier>(
      *store_, clock_,
      [this](const IncomingSms& sms) {
        ++words_;
        if (sms.text != "17") fail("taken for words of a phone: " + sms.text);
        return Taken::yes;
      },
      Notifier::Limits{.per_hour_max = per_hour_});
  notifier_->add({.name = "smsc"}, [this](BearerEvents& events) {
    auto protocol = std::make_unique<SmppProtocol>(clock_, SmppSettings{.system_id = "pushmail", .source = "5000"}, events, network_,
                                                   [this] { return random_(); });
    protocol_ = protocol.get();
    return protocol;
  });
  network_.use(protocol_);
  notifier_->start();
}

void Run::queue(Planned& text) {
  std::string words = fmt::format("#{} Reply 17 to get it", text.number);
  if (draw(5) == 0) words.append(200, 'x');
  const Timestamp now = clock_.wall();
  const auto done = store_->write([&]() -> Result<void> {
    if (text.kind == SmsKind::notify) {
      const Item item{.id = new_item_id(now, 1),
                      .trace = new_trace_id(),
                      .source = Source::mailbox,
                      .binding = "b",
                      .msisdn = text.phone,
                      .uid_validity = 1,
                      .uid = fmt::to_string(text.number),
                      .state = ItemState::accepted,
                      .reply_code = fmt::to_string(10 + text.number % 90),
                      .code_expires = {now.us + 7 * 86'400'000'000},
                      .created = now};
      text.item = item.id;
      PM_TRY([[maybe_unused]] const bool added, store_->add_item(item));
    }
    return store_->queue_sms({.msisdn = text.phone, .text = words, .kind = text.kind, .item = text.item, .created = now});
  });
  PM_CHECK(done);
  notifier_->pump();
}

bool Run::settled() {
  const Timestamp ever{std::numeric_limits<std::int64_t>::max()};
  return store_->pending_sms(ever, 1).value().empty() && !store_->doubtful_sms(ever).value() && store_->submitting_sms().value().empty();
}

Outcome Run::go() {
  const Instant begin = clock_.now();
  start();
  std::size_t queued = 0, restarted = 0;
  Instant next_tick = begin + tick;
  while (true) {
    Instant next = next_tick;
    if (const auto due = protocol_->deadline()) next = std::min(next, *due);
    if (const auto due = network_.next()) next = std::min(next, *due);
    if (queued < texts_.size()) next = std::min(next, texts_[queued].at);
    if (restarted < restarts_.size()) next = std::min(next, restarts_[restarted]);
    clock_.advance_to(next);
    if (restarted < restarts_.size() && clock_.now() >= restarts_[restarted]) {
      ++restarted;
      start();
    }
    while (queued < texts_.size() && clock_.now() >= texts_[queued].at) queue(texts_[queued++]);
    network_.run();
    if (const auto due = protocol_->deadline(); due && clock_.now() >= *due) protocol_->on_time();
    if (clock_.now() >= next_tick) {
      next_tick = clock_.now() + tick;
      notifier_->pump();
      if (draw(50) == 0) network_.phone_writes("17");
      if (queued == texts_.size() && restarted == restarts_.size() && clock_.now() >= script_.calm && settled()) break;
      if (clock_.now() - begin > life_max) {
        fail("something waits for ever");
        break;
      }
    }
    if (!outcome_.failure.empty()) break;
  }
  outcome_.seconds = (clock_.now() - begin).ns / 1'000'000'000;
  outcome_.restarts = restarted;
  check();
  return outcome_;
}

void Run::check() {
  outcome_.texts = texts_.size();
  outcome_.shown = network_.shown.size();
  outcome_.binds = network_.binds.size();
  outcome_.pdus = network_.pdus;
  std::map<std::size_t, std::size_t> times;
  for (const Shown& one : network_.shown) ++times[one.text];
  for (const auto& [text, count] : times) {
    if (count > 1) ++outcome_.twice;
    if (count > 2) fail(fmt::format("text {} may show {} times", text, count));
  }
  const auto of = [&](std::size_t number) { return std::ranges::find(texts_, number, &Planned::number); };
  for (const Shown& last : network_.shown) {
    const auto within = std::ranges::count_if(network_.shown, [&](const Shown& one) {
      // Counted when it is handed over; it leaves a moment later.
      return one.phone == last.phone && of(one.text)->kind == of(last.text)->kind && one.at <= last.at &&
             (last.at - one.at).ns < hour_ns - 1'000'000'000;
    });
    const std::uint64_t most = std::min(per_hour_, per_hour_max(of(last.text)->kind));
    if (static_cast<std::uint64_t>(within) > most)
      fail(fmt::format("{} SMS of kind {} to one phone in an hour", within, to_string(of(last.text)->kind)));
  }
  for (const auto& [begin, number] : network_.submits) {
    const auto within = std::ranges::count_if(
        network_.submits, [&](const auto& one) { return one.second == number && one.first >= begin && one.first - begin < seconds(60); });
    if (within > 5) fail(fmt::format("text {} was submitted {} times in a minute", number, within));
  }
  const bool only_texts_are_bad = script_.fault_rate == 0 && restarts_.empty();
  for (const Planned& text : texts_) {
    if (text.item == ItemId()) continue;
    const Item item = store_->item(text.item).value().value();
    const auto history = store_->history(text.item).value();
    // A receipt may still come afterwards.
    const bool aside = std::ranges::any_of(history, [](const HistoryRow& row) { return row.event == "notify_set_aside"; });
    outcome_.set_aside += aside ? 1 : 0;
    outcome_.refused += item.state == ItemState::failed ? 1 : 0;
    if (item.state != ItemState::notified && item.state != ItemState::failed && !aside) {
      fail(fmt::format("text {} has no end: its item is {}, {}", text.number, to_string(item.state), item.reason));
    }
    if (item.state != ItemState::notified && item.reason.empty()) fail(fmt::format("text {} failed without a reason", text.number));
    if (only_texts_are_bad && !script_.bad.contains(text.number) && item.state != ItemState::notified) {
      fail(fmt::format("text {} is good, and its item is {}: {}", text.number, to_string(item.state), item.reason));
    }
  }
  check_pauses();
}

// The k-th bind in a row without an answered submit_sm comes at least half of 2^(k-1) seconds, a minute at most, after the one before.
void Run::check_pauses() {
  if (!restarts_.empty()) return;
  int row = 0;
  for (std::size_t i = 1; i < network_.binds.size(); ++i) {
    const Instant before = network_.binds[i - 1], now = network_.binds[i];
    const bool answered = std::ranges::any_of(network_.answers, [&](Instant at) { return at >= before && at <= now; });
    const bool held = now - before >= seconds(300);
    row = answered || held ? 0 : row + 1;
    if (row == 0) continue;
    const std::int64_t least_ms = std::min<std::int64_t>(500LL << std::min(row - 1, 10), 30'000);
    if ((now - before).ms() < least_ms) fail(fmt::format("bind {} in a row came after {} ms", row, (now - before).ms()));
  }
}

}  // namespace

Outcome simulate(std::uint64_t seed) { return Run(seed).go(); }

}  // namespace pushmail::notify
