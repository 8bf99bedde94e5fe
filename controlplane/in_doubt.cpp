#include "controlplane/in_doubt.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "controlplane/store/ledger.h"
#include "core/contract/handoff/peer.h"
#include "core/log.h"

namespace pushmail {

namespace {

using handoff::Tag;
using handoff::tag;

constexpr std::uint32_t sent_unasked_max = 2;  // the first time, and once more in doubt
constexpr std::size_t ended_in_one_turn_max = 200;

}  // namespace

Result<Effects> InDoubt::take_attempt(const RecordView& record) {
  return in_one_write(ports_.store, [&]() -> Result<Effects> {
    PM_TRY(auto item, ports_.store.item(record.header().item));
    if (item) return begin(record, std::move(*item));
    // Acknowledged all the same: nobody will ever know more about it.
    log_error("attempt_of_nothing").item(record.header().item);
    return {};
  });
}

Result<Effects> InDoubt::begin(const RecordView& record, Item item) {
  // The offer, if there is one, is void: the data plane did not take it.
  Effects effects{.over = {item.id}};
  const Timestamp now = ports_.clock.wall();
  const Timestamp began{record.i64(tag(Tag::time)).value_or(now.us)};
  const std::string trouble(record.text(tag(Tag::reason)).value_or(""));
  Details details{{"try", fmt::to_string(record.u64(tag(Tag::attempt)).value_or(0))}, {"peer", item.peer}, {"trouble", trouble}};
  const bool settled = is_final(item.state) || item.state == ItemState::submitted || item.state == ItemState::reported;
  if (settled || item.doubt_began == began) {
    PM_TRY_VOID(note(ports_.store, item, "attempt_repeated", now, Program::data, std::move(details)));
    return effects;
  }

  ++item.doubts;
  item.doubt_began = began;
  item.message_id.clear();
  item.retry_at = {};
  if (item.doubts > 1 || record.u64(tag(Tag::duplicate_possible)).value_or(0) != 0) item.duplicate_possible = true;
  if (record.u64(tag(handoff::peer_tag("deduplicates"))).value_or(0) != 0) {
    PM_TRY([[maybe_unused]] const bool moved,
           move_item(ports_.store, item,
                     {.event = ItemEvent::submission_repeated,
                      .reason = "the MMSC recognises a message that it had before: sent again: " + trouble,
                      .time = now,
                      .by = Program::data,
                      .details = std::move(details)}));
    effects.requested.push_back(std::move(item));
    return effects;
  }
  PM_TRY(const ReportTimes::Known known, ports_.report_times.of(item.peer));
  item.unknown_until = {now.us + known.wait.us()};
  details.emplace_back("unknown_until", format_rfc3339(item.unknown_until));
  log_warning("submission_in_doubt").trace(item.trace).item(item.id).peer(item.peer).text("reason", trouble);
  PM_TRY([[maybe_unused]] const bool moved,
         move_item(ports_.store, item,
                   {.event = ItemEvent::submission_in_doubt,
                    .reason = fmt::format("it is not known whether the MMSC took the message ({}); its report will tell, until {}", trouble,
                                          format_rfc3339(item.unknown_until)),
                    .time = now,
                    .by = Program::data,
                    .details = std::move(details)}));
  PM_TRY_VOID(ports_.reports.take_early(item));
  return effects;
}

Effects InDoubt::tick() {
  Effects effects;
  const auto over = ports_.store.items({.states = {ItemState::submitting},
                                        .unknown_by = ports_.clock.wall(),
                                        .order = ItemOrder::oldest_first,
                                        .count_max = ended_in_one_turn_max});
  if (!over) {
    log_error("items_not_read").error(over.error());
    return effects;
  }
  for (const Item& item : *over) {
    auto ended = in_one_write(ports_.store, [&] { return end(item); });
    if (!ended) {
      log_error("doubt_not_ended").item(item.id).error(ended.error());
      continue;
    }
    effects.sms_queued = effects.sms_queued || ended->sms_queued;
    std::ranges::move(ended->requested, std::back_inserter(effects.requested));
  }
  return effects;
}

Result<Effects> InDoubt::end(Item item) {
  Effects effects;
  const Timestamp now = ports_.clock.wall();
  PM_TRY(const auto binding, ports_.store.binding(item.binding));
  const bool gone = !binding || binding->state == BindingState::removed;
  const bool asked = item.asked_in_doubt;
  const bool push = binding && binding->policy == Policy::push;
  item.unknown_until = {};
  item.asked_in_doubt = false;
  item.attempts = 0;
  log_info("doubt_ended").trace(item.trace).item(item.id).number("doubts", item.doubts);
  if (gone || (push && !asked && item.doubts >= sent_unasked_max)) {
    PM_TRY([[maybe_unused]] const bool moved,
           move_item(ports_.store, item,
                     {.event = ItemEvent::unconfirmed,
                      .reason = "it is not known whether the message arrived, and it is not sent again; the mail stays in the mailbox",
                      .time = now}));
    return effects;
  }
  if (asked || push) {
    PM_TRY([[maybe_unused]] const bool moved,
           move_item(ports_.store, item,
                     {.event = ItemEvent::doubt_request, .reason = "no report came: the message is sent once more", .time = now}));
    effects.requested.push_back(std::move(item));
    return effects;
  }
  if (!item.reply_code.empty() && item.code_expires > now) {
    PM_TRY([[maybe_unused]] const bool moved,
           move_item(
               ports_.store, item,
               {.event = ItemEvent::doubt_wait,
                .reason = fmt::format("it is not known whether the message arrived; the phone gets it when it asks again with {} until {}",
                                      item.reply_code, format_rfc3339(item.code_expires)),
                .time = now}));
    return effects;
  }
  PM_TRY(effects.sms_queued, ports_.asking.begin_anew(item));
  return effects;
}

}  // namespace pushmail
