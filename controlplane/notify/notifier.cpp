#include "controlplane/notify/notifier.h"

#include <fmt/format.h>

#include <algorithm>

#include "controlplane/notify/sms_kinds.h"
#include "controlplane/store/ledger.h"
#include "core/log.h"
#include "core/timers.h"

namespace pushmail::notify {

namespace {

constexpr std::size_t looked_at_max = 1000;  // rows in one transaction
constexpr std::size_t alarmed_max = 10'000;  // phones
constexpr std::int64_t hour_us = 3600LL * 1'000'000;

}  // namespace

// ---- out --------------------------------------------------------------------------------------------------------------------------

std::size_t Notifier::room() const {
  if (bearer_ == nullptr || !bearer_->is_ready()) return 0;
  if (lone_ != 0) return 0;
  const std::size_t fresh = fresh_flights();
  return fresh >= width_ ? 0 : std::min(bearer_->room(), width_ - fresh);
}

// What the SMSC leaves without an answer holds nobody else up.
std::size_t Notifier::fresh_flights() const {
  return static_cast<std::size_t>(std::ranges::count_if(flying_, [this](const auto& entry) { return is_fresh(entry.second); }));
}

void Notifier::rest_after_a_lone_one() {
  const auto lone = flying_.find(lone_);
  if (lone == flying_.end() || is_fresh(lone->second)) return;
  lone_ = 0;
  lone_after_ = clock_.now() + timers::sms_alone;
}

void Notifier::pump() {
  receipts_.tick();
  rest_after_a_lone_one();
  if (room() == 0) return;
  std::vector<Sms> begun;
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

// Chooses what goes now and writes it down as submitting. Runs inside a transaction.
Result<std::vector<Sms>> Notifier::begin() {
  const Timestamp now = clock_.wall();
  const std::size_t most = room();
  std::vector<Sms> begun;
  std::size_t looked_at = 0;
  while (most > 0 && clock_.now() >= lone_after_ && looked_at++ < looked_at_max) {
    PM_TRY(auto lone, store_.doubtful_sms(now));
    if (!lone) break;
    // It waits until nothing else is in flight that may be answered yet, and nothing new begins before it.
    if (fresh_flights() != 0) return begun;
    PM_TRY(const bool goes, may_go(*lone, now));
    if (!goes) continue;
    begun.push_back(std::move(*lone));
    return begun;
  }
  while (begun.size() < most && looked_at < looked_at_max) {
    PM_TRY(auto waiting, store_.pending_sms(now, most - begun.size()));
    if (waiting.empty()) break;
    looked_at += waiting.size();
    for (Sms& sms : waiting) {
      PM_TRY(const bool goes, may_go(sms, now));
      if (goes) begun.push_back(std::move(sms));
    }
  }
  return begun;
}

// The last look before an SMS leaves, and the only way to `submitting`. False: it was put off or given up.
Result<bool> Notifier::may_go(Sms& sms, Timestamp now) {
  PM_TRY(const bool needed, is_needed(sms));
  if (!needed) {
    if (const auto done = refuse(sms, SmsEvent::give_up, "no longer needed"); !done) return std::unexpected(done.error());
    if (const auto written = store_.update_sms(sms); !written) return std::unexpected(written.error());
    return false;
  }
  const std::uint64_t most = std::min(limits_.per_hour_max, per_hour_max(sms.kind));
  // Times ahead of a clock that was set back do not count for ever.
  PM_TRY(const auto submits, store_.sms_submits(sms.msisdn, sms.kind, {now.us - hour_us + 1}, {now.us + hour_us}));
  const bool goes = submits.count < most;
  if (goes) {
    sms.state = next_state(sms.state, SmsEvent::hand_over);
    ++sms.submits;
    sms.submitted_at = now;
  } else {
    ++counts_.withheld;
    alarm(sms, now);
    const std::string reason = fmt::format("{} SMS of this kind were submitted for this phone within an hour, which is the most", most);
    if (now.us - sms.created.us >= timers::sms_end.us()) {
      if (const auto done = refuse(sms, SmsEvent::give_up, reason); !done) return std::unexpected(done.error());
    } else {
      sms.state = next_state(sms.state, SmsEvent::withhold);
      sms.retry_at = {std::max(submits.oldest.us + hour_us, now.us + seconds(1).us())};
      sms.reason = reason;
      if (const auto done =
              explain(sms, ItemEvent::notify_withheld, fmt::format("{}; tried again at {}", reason, format_rfc3339(sms.retry_at)));
          !done) {
        return std::unexpected(done.error());
      }
    }
  }
  if (const auto written = store_.update_sms(sms); !written) return std::unexpected(written.error());
  return goes;
}

void Notifier::hand_over(std::vector<Sms> begun) {
  for (Sms& sms : begun) {
    const OutgoingSms outgoing{.id = sms.id, .to = sms.msisdn, .text = sms.text};
    if (sms.doubts > 0) lone_ = sms.id;
    flying_.emplace(sms.id, Flight{.sms = std::move(sms), .since = clock_.now()});
    bearer_->submit(outgoing);
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

// ---- the bearer -------------------------------------------------------------------------------------------------------------------

void Notifier::on_bearer_ready() {
  recovered_ = false;
  pump();
}

// What an earlier connection or process handed over and left behind.
Result<void> Notifier::recover() {
  PM_TRY(const auto left, store_.submitting_sms());
  for (Sms sms : left) {
    if (flying_.contains(sms.id)) continue;
    if (const auto done = doubt(sms, "it was submitted before a restart, and no answer was kept"); !done) return done;
    if (const auto written = store_.update_sms(sms); !written) return written;
  }
  return {};
}

void Notifier::on_bearer_lost(std::string_view reason, std::span<const std::int64_t> maybe_sent) {
  const auto flew = std::exchange(flying_, {});
  lone_ = 0;
  if (flew.empty()) return;
  bool was_alone = false;
  const auto done = store_.write([&]() -> Result<void> {
    for (const auto& [id, flight] : flew) {
      Sms sms = flight.sms;
      was_alone = was_alone || sms.doubts > 0;
      if (std::ranges::find(maybe_sent, id) != maybe_sent.end()) {
        if (const auto doubted = doubt(sms, reason); !doubted) return doubted;
      } else {
        sms.state = next_state(sms.state, SmsEvent::back);
      }
      if (const auto written = store_.update_sms(sms); !written) return written;
    }
    return {};
  });
  // They stay `submitting` then, and the next session finds them.
  if (!done) log_error("sms_not_settled").error(done.error());
  if (!maybe_sent.empty()) width_ = 1;
  if (was_alone) lone_after_ = clock_.now() + timers::sms_alone;
}

void Notifier::settle(std::int64_t id, const std::function<Result<void>(Sms&)>& write) {
  const auto node = flying_.extract(id);
  if (node.empty()) return;
  if (lone_ == id) lone_ = 0;
  Sms sms = node.mapped().sms;
  if (width_ < SIZE_MAX) ++width_;
  std::vector<Sms> begun;
  const auto done = store_.write([&]() -> Result<void> {
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

void Notifier::on_sms_sent(std::int64_t id, const std::vector<std::string>& smsc_ids) {
  settle(id, [&](Sms& sms) { return accepted(sms, smsc_ids); });
}

void Notifier::on_sms_parts(std::int64_t id, const std::vector<std::string>& smsc_ids) {
  const auto done = store_.write([&]() -> Result<void> {
    PM_TRY(const auto sms, store_.sms(id));
    return sms ? receipts_.on_sent(*sms, smsc_ids) : Result<void>();
  });
  if (!done) log_error("sms_parts_not_stored").error(done.error());
}

void Notifier::on_sms_refused(std::int64_t id, std::string_view reason) {
  settle(id, [&](Sms& sms) {
    ++sms.attempts;
    return refuse(sms, SmsEvent::refused, reason);
  });
}

void Notifier::on_sms_deferred(std::int64_t id, std::string_view reason) {
  settle(id, [&](Sms& sms) { return put_off(sms, reason); });
}

void Notifier::on_sms_in_doubt(std::int64_t id, std::string_view reason) {
  settle(id, [&](Sms& sms) { return doubt(sms, reason); });
}

// ---- what becomes of an SMS and of its item ---------------------------------------------------------------------------------------

Result<void> Notifier::accepted(Sms& sms, const std::vector<std::string>& smsc_ids) {
  const std::string smsc_id = smsc_ids.empty() ? std::string() : smsc_ids.front();
  sms.state = next_state(sms.state, SmsEvent::accepted);
  sms.smsc_id = smsc_id;
  sms.reason.clear();
  ++sms.attempts;
  if (sms.kind != SmsKind::notify) return receipts_.on_sent(sms, smsc_ids);
  PM_TRY(auto item, store_.item(sms.item));
  if (!item) return receipts_.on_sent(sms, smsc_ids);
  log_info("notified").trace(item->trace).item(item->id).binding(item->binding);
  Details details{{"msisdn", sms.msisdn.digits()}, {"text", sms.text}, {"smsc_id", smsc_id}, {"reply_code", item->reply_code}};
  if (sms.doubts > 0) details.emplace_back("duplicate_possible", "1");
  // The phone may have answered before the SMSC did.
  if (item->state != ItemState::accepted) {
    if (const auto noted = note(store_, *item, "notified", clock_.wall(), Program::control, std::move(details)); !noted) return noted;
    return receipts_.on_sent(sms, smsc_ids);
  }
  PM_TRY(const bool moved, move_item(store_, *item,
                                     {.event = ItemEvent::notified,
                                      .reason = fmt::format("the phone was told by SMS; waits for its answer {} until {}", item->reply_code,
                                                            format_rfc3339(item->code_expires)),
                                      .time = clock_.wall(),
                                      .details = std::move(details)}));
  PM_CHECK(moved);
  return receipts_.on_sent(sms, smsc_ids);
}

Result<void> Notifier::refuse(Sms& sms, SmsEvent event, std::string_view reason) {
  sms.state = next_state(sms.state, event);
  sms.reason = reason;
  log_warning("sms_refused").item(sms.item).text("kind", to_string(sms.kind)).text("reason", reason);
  if (sms.kind != SmsKind::notify) return {};
  PM_TRY(auto item, store_.item(sms.item));
  if (!item || item->state != ItemState::accepted) return {};
  PM_TRY([[maybe_unused]] const bool moved,
         move_item(store_, *item,
                   {.event = ItemEvent::notify_failed,
                    .reason = fmt::format("the phone cannot be told by SMS: {}; the mail stays in the mailbox", reason),
                    .time = clock_.wall()}));
  return {};
}

Result<void> Notifier::put_off(Sms& sms, std::string_view reason) {
  const Timestamp now = clock_.wall();
  if (now.us - sms.created.us >= timers::sms_end.us()) return refuse(sms, SmsEvent::refused, reason);
  sms.state = next_state(sms.state, SmsEvent::put_off);
  sms.reason = reason;
  sms.retry_at = {now.us + doubled(timers::sms_deferred, sms.attempts).us()};
  ++sms.attempts;
  log_warning("sms_deferred").item(sms.item).text("reason", reason).number("attempts", sms.attempts);
  return explain(sms, ItemEvent::notify_deferred,
                 fmt::format("the SMSC puts the SMS to this number off: {}; tried again at {}", reason, format_rfc3339(sms.retry_at)));
}

// The item lives on: the phone may have the SMS and answer it, or the reply code's time ends.
Result<void> Notifier::doubt(Sms& sms, std::string_view reason) {
  ++counts_.in_doubt;
  sms.reason = reason;
  if (sms.doubts++ == 0) {
    sms.state = next_state(sms.state, SmsEvent::doubt);
    sms.retry_at = {clock_.wall().us + timers::sms_doubt.us()};
    log_warning("sms_in_doubt").item(sms.item).text("kind", to_string(sms.kind)).text("reason", reason);
    return explain(
        sms, ItemEvent::notify_in_doubt,
        fmt::format("the SMSC may have the SMS, but did not answer: {}; sent once more at {}", reason, format_rfc3339(sms.retry_at)));
  }
  ++counts_.set_aside;
  sms.state = next_state(sms.state, SmsEvent::doubt_again);
  log_error("sms_set_aside").item(sms.item).text("kind", to_string(sms.kind)).text("reason", reason);
  return explain(sms, ItemEvent::notify_set_aside,
                 fmt::format("the SMSC did not answer the SMS twice, the second time alone: {}; it is not sent again. "
                             "The phone may have it, and its answer still counts",
                             reason));
}

Result<void> Notifier::explain(const Sms& sms, ItemEvent event, std::string reason) {
  if (sms.kind != SmsKind::notify) return {};
  PM_TRY(auto item, store_.item(sms.item));
  if (!item || item->state != ItemState::accepted) return {};
  PM_TRY([[maybe_unused]] const bool moved, move_item(store_, *item, {.event = event, .reason = std::move(reason), .time = clock_.wall()}));
  return {};
}

// A phone that answered, or a mail that is gone, needs no second notification.
Result<bool> Notifier::is_needed(const Sms& sms) {
  if (sms.kind != SmsKind::notify || sms.doubts == 0) return true;
  PM_TRY(const auto item, store_.item(sms.item));
  return item && item->state == ItemState::accepted;
}

// ---- in ---------------------------------------------------------------------------------------------------------------------------

Taken Notifier::on_sms(const IncomingSms& message) { return on_message_(message); }

void Notifier::on_sms_receipt(const SmsReceipt& receipt) {
  const auto phone = receipts_.phone_of(receipt);
  const bool under_way = std::ranges::any_of(flying_, [&](const auto& entry) { return !phone || entry.second.sms.msisdn == *phone; });
  receipts_.take(receipt, under_way);
}

}  // namespace pushmail::notify
