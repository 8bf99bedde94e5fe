#include "controlplane/notify/sms_outcomes.h"

#include <fmt/format.h>

#include <utility>

#include "controlplane/store/ledger.h"
#include "core/log.h"
#include "core/timers.h"

namespace pushmail::notify {

Result<void> SmsOutcomes::accepted(Sms& sms, const std::string& smsc_id) {
  sms.state = next_state(sms.state, SmsEvent::accepted);
  sms.smsc_id = smsc_id;
  sms.reason.clear();
  ++sms.attempts;
  if (sms.kind != SmsKind::notify) return {};
  PM_TRY(auto item, store_.item(sms.item));
  if (!item) return {};
  log_info("notified").trace(item->trace).item(item->id).binding(item->binding);
  Details details{
      {"msisdn", sms.msisdn.digits()}, {"text", sms.text}, {"bearer", sms.bearer}, {"smsc_id", smsc_id}, {"reply_code", item->reply_code}};
  if (sms.doubts > 0) details.emplace_back("duplicate_possible", "1");
  // The phone may have answered before the SMSC did.
  if (item->state != ItemState::accepted) return note(store_, *item, "notified", clock_.wall(), Program::control, std::move(details));
  PM_TRY(const bool moved, move_item(store_, *item,
                                     {.event = ItemEvent::notified,
                                      .reason = fmt::format("the phone was told by SMS; waits for its answer {} until {}", item->reply_code,
                                                            format_rfc3339(item->code_expires)),
                                      .time = clock_.wall(),
                                      .details = std::move(details)}));
  PM_CHECK(moved);
  return {};
}

Result<void> SmsOutcomes::refuse(Sms& sms, SmsEvent event, std::string_view reason) {
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

Result<void> SmsOutcomes::put_off(Sms& sms, std::string_view reason) {
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
Result<void> SmsOutcomes::doubt(Sms& sms, std::string_view reason) {
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

Result<void> SmsOutcomes::withhold(Sms& sms, Timestamp retry_at, const std::string& reason) {
  sms.state = next_state(sms.state, SmsEvent::withhold);
  sms.retry_at = retry_at;
  sms.reason = reason;
  return explain(sms, ItemEvent::notify_withheld, fmt::format("{}; tried again at {}", reason, format_rfc3339(retry_at)));
}

Result<void> SmsOutcomes::explain(const Sms& sms, ItemEvent event, std::string reason) {
  if (sms.kind != SmsKind::notify) return {};
  PM_TRY(auto item, store_.item(sms.item));
  if (!item || item->state != ItemState::accepted) return {};
  PM_TRY([[maybe_unused]] const bool moved, move_item(store_, *item, {.event = event, .reason = std::move(reason), .time = clock_.wall()}));
  return {};
}

// A phone that answered, or a mail that is gone, needs no second notification.
Result<bool> SmsOutcomes::is_needed(const Sms& sms) {
  if (sms.kind != SmsKind::notify || sms.doubts == 0) return true;
  PM_TRY(const auto item, store_.item(sms.item));
  return item && item->state == ItemState::accepted;
}

}  // namespace pushmail::notify
