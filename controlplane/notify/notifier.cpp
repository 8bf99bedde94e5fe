#include "controlplane/notify/notifier.h"

#include <fmt/format.h>

#include <algorithm>

#include "codec/sms/receipt.h"
#include "codec/wap/address.h"
#include "controlplane/store/ledger.h"
#include "core/log.h"

namespace pushmail::notify {

namespace {

constexpr std::size_t batch_count_max = 1000;
constexpr std::int64_t second_us = 1'000'000;
constexpr std::int64_t defer_first_us = 30 * second_us;
constexpr std::int64_t defer_most_us = 3600 * second_us;
constexpr std::int64_t defer_end_us = 86'400 * second_us;   // then the SMSC will never take it
constexpr std::uint32_t doublings_max = 12;

}  // namespace

void Notifier::pump() {
  if (bearer_ == nullptr || !bearer_->is_ready() || bearer_->room() == 0) return;
  const auto waiting = store_.pending_sms(clock_.wall(), batch_count_max);
  if (!waiting) {
    log_error("sms_not_read").error(waiting.error());
    return;
  }
  for (const Sms& sms : *waiting) {
    if (bearer_->room() == 0) return;
    if (!flying_.emplace(sms.id, sms).second) continue;
    bearer_->submit({.id = sms.id, .to = sms.msisdn, .text = sms.text});
  }
}

void Notifier::on_bearer_ready() {
  flying_.clear();
  pump();
}

void Notifier::on_bearer_lost(std::string_view) { flying_.clear(); }

void Notifier::settle(std::int64_t id, const std::function<Result<void>(Sms&)>& write) {
  const auto node = flying_.find(id);
  if (node == flying_.end()) return;
  Sms sms = node->second;
  const auto done = store_.write([&]() -> Result<void> {
    if (const auto written = write(sms); !written) return written;
    return store_.update_sms(sms);
  });
  if (!done) {
    // It stays in flying_, so this connection does not send it again; a restart may.
    log_error("sms_not_settled").error(done.error());
    return;
  }
  flying_.erase(node);
  pump();
}

void Notifier::on_sms_sent(std::int64_t id, std::string_view smsc_id) {
  settle(id, [&](Sms& sms) -> Result<void> {
    sms.state = "sent";
    sms.smsc_id = smsc_id;
    ++sms.attempts;
    if (sms.kind != "notify") return {};
    PM_TRY(auto item, store_.item(sms.item));
    if (!item) return {};
    log_info("notified").trace(item->trace).item(item->id).binding(item->binding);
    Details details{{"msisdn", sms.msisdn.digits()}, {"text", sms.text}, {"smsc_id", std::string(smsc_id)}, {"reply_code", item->reply_code}};
    // The phone may have answered before the SMSC did.
    if (item->state != ItemState::accepted) return note(store_, *item, "notified", clock_.wall(), program::control, std::move(details));
    PM_TRY(const bool moved, move_item(store_, *item,
                                       {.to = ItemState::notified,
                                        .event = "notified",
                                        .reason = fmt::format("the phone was told by SMS; waits for its answer {} until {}", item->reply_code,
                                                              format_rfc3339(item->code_expires)),
                                        .time = clock_.wall(),
                                        .details = std::move(details)}));
    PM_CHECK(moved);
    return {};
  });
}

void Notifier::on_sms_refused(std::int64_t id, std::string_view reason) {
  settle(id, [&](Sms& sms) { return refuse(sms, reason); });
}

Result<void> Notifier::refuse(Sms& sms, std::string_view reason) {
  sms.state = "failed";
  ++sms.attempts;
  log_warning("sms_refused").item(sms.item).text("reason", reason);
  if (sms.kind != "notify") return {};
  PM_TRY(auto item, store_.item(sms.item));
  if (!item || item->state != ItemState::accepted) return {};
  PM_TRY([[maybe_unused]] const bool moved,
         move_item(store_, *item,
                   {.to = ItemState::failed,
                    .event = "notify_failed",
                    .reason = fmt::format("the SMSC refuses an SMS to this number: {}; the mail stays in the mailbox", reason),
                    .time = clock_.wall()}));
  return {};
}

void Notifier::on_sms_deferred(std::int64_t id, std::string_view reason) {
  settle(id, [&](Sms& sms) -> Result<void> {
    const Timestamp now = clock_.wall();
    if (now.us - sms.created.us >= defer_end_us) return refuse(sms, reason);
    sms.retry_at = {now.us + std::min(defer_first_us << std::min(sms.attempts, doublings_max), defer_most_us)};
    ++sms.attempts;
    log_warning("sms_deferred").item(sms.item).text("reason", reason).number("attempts", sms.attempts);
    if (sms.kind != "notify") return {};
    PM_TRY(auto item, store_.item(sms.item));
    if (!item || item->state != ItemState::accepted) return {};
    PM_TRY([[maybe_unused]] const bool moved,
           move_item(store_, *item,
                     {.to = ItemState::accepted,
                      .event = "notify_deferred",
                      .reason = fmt::format("the SMSC puts the SMS to this number off: {}; tried again at {}", reason, format_rfc3339(sms.retry_at)),
                      .time = now}));
    return {};
  });
}

Taken Notifier::on_sms(const IncomingSms& message) { return on_message_(message); }

void Notifier::on_sms_receipt(std::string_view phone, std::string_view smsc_id, std::string_view word) {
  const auto msisdn = wap::parse_msisdn(phone);
  if (!msisdn) return;
  const auto sms = store_.sms_of_smsc_id(*msisdn, smsc_id);
  if (!sms || !*sms || (*sms)->item.empty()) return;
  // News for the history only: the phone's answer, not its reception, moves the item.
  const auto done = store_.write([&]() -> Result<void> {
    PM_TRY(const auto item, store_.item((*sms)->item));
    if (!item) return {};
    return note(store_, *item, "sms_receipt", clock_.wall(), program::control, {{"smsc_id", std::string(smsc_id)}, {"status", std::string(word)}});
  });
  if (!done) log_error("receipt_not_stored").error(done.error());
}

}  // namespace pushmail::notify
