#include "controlplane/in_doubt.h"

#include <fmt/format.h>

#include "core/contract/handoff/peer.h"
#include "core/log.h"

namespace pushmail {

namespace {

using handoff::Tag;
using handoff::tag;

constexpr std::uint32_t sent_unasked_max = 2;  // the first time, and once more in doubt
constexpr std::size_t ended_in_one_turn_max = 200;

}  // namespace

Result<void> InDoubt::take_attempt(const RecordView& record) {
  After after;
  std::optional<Item> item;
  const auto done = ports_.store.write([&]() -> Result<void> {
    after = {};
    PM_TRY(item, ports_.store.item(record.header().item));
    if (!item) {
      // Acknowledged all the same: nobody will ever know more about it.
      log_error("attempt_of_nothing").item(record.header().item);
      return {};
    }
    return begin(record, *item, after);
  });
  if (!done) return done;
  if (item) ports_.forget(item->id);
  if (after.requested) ports_.on_requested(*item);
  return {};
}

Result<void> InDoubt::begin(const RecordView& record, Item& item, After& after) {
  const Timestamp now = ports_.clock.wall();
  const Timestamp began{record.i64(tag(Tag::time)).value_or(now.us)};
  const std::string trouble(record.text(tag(Tag::reason)).value_or(""));
  Details details{{"try", fmt::to_string(record.u64(tag(Tag::attempt)).value_or(0))}, {"peer", item.peer}, {"trouble", trouble}};
  const bool settled = is_final(item.state) || item.state == ItemState::submitted || item.state == ItemState::reported;
  if (settled || item.doubt_began == began) return note(ports_.store, item, "attempt_repeated", now, Program::data, std::move(details));

  ++item.doubts;
  item.doubt_began = began;
  item.message_id.clear();
  item.retry_at = {};
  if (item.doubts > 1 || record.u64(tag(Tag::duplicate_possible)).value_or(0) != 0) item.duplicate_possible = true;
  if (record.u64(tag(handoff::peer_tag("deduplicates"))).value_or(0) != 0) {
    after.requested = true;
    PM_TRY([[maybe_unused]] const bool moved,
           move_item(ports_.store, item,
                     {.event = ItemEvent::submission_repeated,
                      .reason = "the MMSC recognises a message that it had before: sent again: " + trouble,
                      .time = now,
                      .by = Program::data,
                      .details = std::move(details)}));
    return {};
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
  return ports_.take_early_reports(item);
}

void InDoubt::tick() {
  const auto over = ports_.store.items({.states = {ItemState::submitting},
                                        .unknown_by = ports_.clock.wall(),
                                        .order = ItemOrder::oldest_first,
                                        .count_max = ended_in_one_turn_max});
  if (!over) {
    log_error("items_not_read").error(over.error());
    return;
  }
  for (Item item : *over) {
    After after;
    const auto done = ports_.store.write([&] { return end(item, after); });
    if (!done) {
      log_error("doubt_not_ended").item(item.id).error(done.error());
      continue;
    }
    if (after.sms_queued) ports_.sms_queued();
    if (after.requested) ports_.on_requested(item);
  }
}

Result<void> InDoubt::end(Item& item, After& after) {
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
    return {};
  }
  if (asked || push) {
    after.requested = true;
    PM_TRY([[maybe_unused]] const bool moved,
           move_item(ports_.store, item,
                     {.event = ItemEvent::doubt_request, .reason = "no report came: the message is sent once more", .time = now}));
    return {};
  }
  if (!item.reply_code.empty() && item.code_expires > now) {
    PM_TRY([[maybe_unused]] const bool moved,
           move_item(
               ports_.store, item,
               {.event = ItemEvent::doubt_wait,
                .reason = fmt::format("it is not known whether the message arrived; the phone gets it when it asks again with {} until {}",
                                      item.reply_code, format_rfc3339(item.code_expires)),
                .time = now}));
    return {};
  }
  return announce_again(item, after);
}

Result<void> InDoubt::announce_again(Item& item, After& after) {
  item.reply_code.clear();
  item.announced = {};
  PM_TRY([[maybe_unused]] const bool moved,
         move_item(ports_.store, item,
                   {.event = ItemEvent::doubt_announce,
                    .reason = "it is not known whether the message arrived; it is offered to the phone again",
                    .time = ports_.clock.wall()}));
  PM_TRY(const bool queued, ports_.announcer.take(item));
  after.sms_queued = after.sms_queued || queued;
  return {};
}

}  // namespace pushmail
