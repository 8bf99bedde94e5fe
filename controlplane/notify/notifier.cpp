#include "controlplane/notify/notifier.h"

#include <fmt/format.h>

#include <algorithm>

#include "controlplane/notify/sms_kinds.h"
#include "core/log.h"
#include "core/timers.h"

namespace pushmail::notify {

namespace {

constexpr std::size_t looked_at_max = 1000;  // rows in one transaction
constexpr std::size_t alarmed_max = 10'000;  // phones
constexpr std::int64_t hour_us = 3600LL * 1'000'000;

}  // namespace

// One bearer: what flies on it, which SMS its receipts are about, and where its events go.
class Notifier::Line final : public BearerEvents {
 public:
  Line(Notifier& owner, Place settings)
      : place(std::move(settings)),
        flights(owner.clock_),
        receipts(owner.store_, owner.clock_, place.name, place.receipts),
        owner_(owner) {}

  const Place place;
  Flights flights;
  SmsReceipts receipts;
  std::unique_ptr<Bearer> bearer{};

  [[nodiscard]] std::size_t room() const { return bearer->is_ready() ? flights.room(bearer->room()) : 0; }

  void on_bearer_ready() override { owner_.on_ready(); }
  void on_bearer_lost(std::string_view reason, std::span<const std::int64_t> maybe_sent) override {
    owner_.on_lost(*this, reason, maybe_sent);
  }
  void on_sent(std::int64_t id, const std::vector<std::string>& smsc_ids) override {
    owner_.settle(*this, id, [&](Sms& sms) -> Result<void> {
      if (const auto done = owner_.outcomes_.accepted(sms, smsc_ids.empty() ? std::string() : smsc_ids.front()); !done) return done;
      return receipts.on_sent(sms, smsc_ids);
    });
  }
  void on_parts(std::int64_t id, const std::vector<std::string>& smsc_ids) override {
    const auto done = owner_.store_.write([&]() -> Result<void> {
      PM_TRY(const auto sms, owner_.store_.sms(id));
      return sms ? receipts.on_sent(*sms, smsc_ids) : Result<void>();
    });
    if (!done) log_error("sms_parts_not_stored").error(done.error());
  }
  void on_refused(std::int64_t id, std::string_view reason) override {
    owner_.settle(*this, id, [&](Sms& sms) {
      ++sms.attempts;
      return owner_.outcomes_.refuse(sms, SmsEvent::refused, reason);
    });
  }
  void on_deferred(std::int64_t id, std::string_view reason) override {
    owner_.settle(*this, id, [&](Sms& sms) { return owner_.outcomes_.put_off(sms, reason); });
  }
  void on_in_doubt(std::int64_t id, std::string_view reason) override {
    owner_.settle(*this, id, [&](Sms& sms) { return owner_.outcomes_.doubt(sms, reason); });
  }
  Taken on_sms(const IncomingSms& message) override { return owner_.on_message_(message); }
  void on_receipt(const SmsReceipt& receipt) override { receipts.take(receipt, flights.any_to(receipts.phone_of(receipt))); }

 private:
  Notifier& owner_;
};

Notifier::Notifier(Store& store, const Clock& clock, OnMessage on_message, Limits limits)
    : store_(store), clock_(clock), on_message_(std::move(on_message)), limits_(limits), outcomes_(store, clock) {}
Notifier::~Notifier() = default;

void Notifier::add(Place place, const MakeBearer& make) {
  lines_.push_back(std::make_unique<Line>(*this, std::move(place)));
  lines_.back()->bearer = make(*lines_.back());
}
void Notifier::start() {
  for (const auto& line : lines_) line->bearer->start();
}
void Notifier::stop() {
  for (const auto& line : lines_) line->bearer->stop();
}

std::vector<Notifier::Standing> Notifier::bearers() const {
  std::vector<Standing> all;
  for (const auto& line : lines_) all.push_back({.name = line->place.name, .bearer = *line->bearer});
  return all;
}
Notifier::Counts Notifier::counts() const {
  return {.withheld = withheld_, .in_doubt = outcomes_.counts().in_doubt, .set_aside = outcomes_.counts().set_aside};
}
SmsReceipts::Counts Notifier::receipts() const {
  SmsReceipts::Counts sum;
  for (const auto& line : lines_) {
    sum.matched += line->receipts.counts().matched;
    sum.unmatched += line->receipts.counts().unmatched;
  }
  return sum;
}

// ---- out --------------------------------------------------------------------------------------------------------------------------

// The bearers that may have notices of this form now, each with room, and of equals another one first each time.
std::vector<Notifier::Line*> Notifier::in_turn(NoticeForm form) {
  std::vector<Line*> ready;
  for (const auto& line : lines_) {
    if (line->bearer->takes(form) && line->bearer->is_ready()) ready.push_back(line.get());
  }
  if (ready.empty()) return ready;
  const std::int64_t lowest = std::ranges::min(ready, {}, [](const Line* line) { return line->place.order; })->place.order;
  std::erase_if(ready, [&](const Line* line) { return line->place.order != lowest; });
  std::ranges::rotate(ready, ready.begin() + static_cast<std::ptrdiff_t>(turn_ % ready.size()));
  std::erase_if(ready, [](const Line* line) { return line->room() == 0; });
  return ready;
}

void Notifier::pump() {
  for (const auto& line : lines_) {
    line->receipts.tick();
    line->flights.tick();
  }
  if (std::ranges::none_of(lines_, [](const auto& line) { return line->room() > 0; })) return;
  std::vector<Begun> begun;
  const auto done = store_.write([&]() -> Result<void> {
    if (!recovered_) {
      if (const auto recovered = recover(); !recovered) return recovered;
    }
    PM_TRY(begun, begin());
    return {};
  });
  if (!done) {
    log_error("sms_not_begun").error(done.error());
    return;
  }
  recovered_ = true;
  hand_over(std::move(begun));
}

// Chooses what goes now, and by which bearer, and writes it down as submitting. Runs inside a transaction.
Result<std::vector<Notifier::Begun>> Notifier::begin() {
  std::vector<Begun> begun;
  std::size_t looked_at = 0;
  for (Line* line : in_turn(NoticeForm::text)) {
    if (const auto done = begin_on(*line, begun, looked_at); !done) return std::unexpected(done.error());
  }
  if (!begun.empty()) ++turn_;
  return begun;
}

Result<void> Notifier::begin_on(Line& line, std::vector<Begun>& begun, std::size_t& looked_at) {
  const Timestamp now = clock_.wall();
  while (line.flights.is_turn_of_doubtful() && looked_at++ < looked_at_max) {
    PM_TRY(auto lone, store_.doubtful_sms(now));
    if (!lone) break;
    // It waits until nothing else is in flight that may be answered yet, and nothing new begins before it.
    if (line.flights.fresh_count() != 0) return {};
    PM_TRY(const bool goes, may_go(*lone, line, now));
    if (!goes) continue;
    begun.push_back({.line = &line, .sms = std::move(*lone)});
    return {};
  }
  std::size_t room = line.room();
  while (room > 0 && looked_at < looked_at_max) {
    PM_TRY(auto waiting, store_.pending_sms(now, room));
    if (waiting.empty()) break;
    looked_at += waiting.size();
    for (Sms& sms : waiting) {
      PM_TRY(const bool goes, may_go(sms, line, now));
      if (!goes) continue;
      begun.push_back({.line = &line, .sms = std::move(sms)});
      --room;
    }
  }
  return {};
}

// The last look before an SMS leaves, and the only way to `submitting`. False: it was put off or given up.
Result<bool> Notifier::may_go(Sms& sms, const Line& line, Timestamp now) {
  PM_TRY(const bool needed, outcomes_.is_needed(sms));
  bool goes = false;
  if (!needed) {
    if (const auto done = outcomes_.refuse(sms, SmsEvent::give_up, "no longer needed"); !done) return std::unexpected(done.error());
  } else {
    const std::uint64_t most = std::min(limits_.per_hour_max, per_hour_max(sms.kind));
    // Times ahead of a clock that was set back do not count for ever.
    PM_TRY(const auto submits, store_.sms_submits(sms.msisdn, sms.kind, {now.us - hour_us + 1}, {now.us + hour_us}));
    goes = submits.count < most;
    if (goes) {
      sms.state = next_state(sms.state, SmsEvent::hand_over);
      sms.bearer = line.place.name;
      ++sms.submits;
      sms.submitted_at = now;
    } else if (const auto done = withhold(sms, submits, most, now); !done) {
      return std::unexpected(done.error());
    }
  }
  if (const auto written = store_.update_sms(sms); !written) return std::unexpected(written.error());
  return goes;
}

Result<void> Notifier::withhold(Sms& sms, const Store::Submits& submits, std::uint64_t most, Timestamp now) {
  ++withheld_;
  alarm(sms, now);
  const std::string reason = fmt::format("{} SMS of this kind were submitted for this phone within an hour, which is the most", most);
  if (now.us - sms.created.us >= timers::sms_end.us()) return outcomes_.refuse(sms, SmsEvent::give_up, reason);
  return outcomes_.withhold(sms, {std::max(submits.oldest.us + hour_us, now.us + seconds(1).us())}, reason);
}

void Notifier::hand_over(std::vector<Begun> begun) {
  for (Begun& one : begun) {
    const OutgoingNotice outgoing{.id = one.sms.id, .to = one.sms.msisdn, .content = one.sms.text};
    one.line->flights.add(std::move(one.sms));
    one.line->bearer->submit(outgoing);
  }
}

void Notifier::alarm(const Sms& sms, Timestamp now) {
  const auto is_over = [&](Timestamp since) { return now.us - since.us >= hour_us || now < since; };
  if (alarmed_.size() >= alarmed_max) {
    std::erase_if(alarmed_, [&](const auto& entry) { return is_over(entry.second); });
    if (alarmed_.size() >= alarmed_max) alarmed_.clear();
  }
  const auto [entry, is_new] = alarmed_.try_emplace(sms.msisdn, now);
  if (!is_new && !is_over(entry->second)) return;
  entry->second = now;
  log_error("sms_ceiling").person("msisdn", sms.msisdn.digits()).text("kind", to_string(sms.kind)).item(sms.item);
}

// ---- the bearers ------------------------------------------------------------------------------------------------------------------

void Notifier::on_ready() {
  recovered_ = false;
  pump();
}

// What an earlier connection or process handed over and left behind.
Result<void> Notifier::recover() {
  PM_TRY(const auto left, store_.submitting_sms());
  for (Sms sms : left) {
    if (std::ranges::any_of(lines_, [&](const auto& line) { return line->flights.contains(sms.id); })) continue;
    if (const auto done = outcomes_.doubt(sms, "it was submitted before a restart, and no answer was kept"); !done) return done;
    if (const auto written = store_.update_sms(sms); !written) return written;
  }
  return {};
}

void Notifier::on_lost(Line& line, std::string_view reason, std::span<const std::int64_t> maybe_sent) {
  std::vector<Sms> flew = line.flights.take_all(!maybe_sent.empty());
  if (flew.empty()) return;
  const auto done = store_.write([&]() -> Result<void> {
    for (Sms sms : flew) {
      if (std::ranges::find(maybe_sent, sms.id) != maybe_sent.end()) {
        if (const auto doubted = outcomes_.doubt(sms, reason); !doubted) return doubted;
      } else {
        sms.state = next_state(sms.state, SmsEvent::back);
      }
      if (const auto written = store_.update_sms(sms); !written) return written;
    }
    return {};
  });
  // They stay `submitting` then, and the next session finds them.
  if (!done) log_error("sms_not_settled").error(done.error());
}

void Notifier::settle(Line& line, std::int64_t id, const std::function<Result<void>(Sms&)>& write) {
  auto flew = line.flights.take(id);
  if (!flew) return;
  std::vector<Begun> begun;
  const auto done = store_.write([&]() -> Result<void> {
    Sms sms = *flew;
    if (const auto written = write(sms); !written) return written;
    if (const auto written = store_.update_sms(sms); !written) return written;
    PM_TRY(begun, begin());
    return {};
  });
  if (!done) {
    // It stays `submitting`, so this connection does not send it again; the next one finds it in doubt.
    log_error("sms_not_settled").error(done.error());
    return;
  }
  hand_over(std::move(begun));
}

}  // namespace pushmail::notify
