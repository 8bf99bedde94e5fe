#include "dataplane/relay/life.h"

#include <algorithm>
#include <utility>

#include "core/contract/handoff/peer.h"
#include "core/contract/journal/schema.h"
#include "core/log.h"
#include "core/timers.h"

namespace pushmail::relay {

namespace {

using handoff::Tag;
using handoff::tag;
namespace jn = journal;

// What the disk did not take is given to it again.
constexpr std::int64_t append_again_seconds = 1;

std::string_view target_name(const Item& item) {
  if (const auto* mail = std::get_if<MailTarget>(&item.target)) return mail->next_hop;
  return item.peer();
}

}  // namespace

RecordWriter rewrite(const RecordView& record) {
  RecordWriter writer(record.header().kind, record.header().version, record.header().item);
  record.for_each([&](std::uint16_t field, ByteView value) { writer.bytes(field, value); });
  return writer;
}

// ---- a try ------------------------------------------------------------------------------------------------------------------------

void Life::begin_attempt(Item& item) {
  const Attempt before = item.attempt;
  item.attempt.apply(AttemptEvent::begin);
  item.attempt.began = context_.clock.wall();
  item.attempt.peer = target_name(item);
  item.stage.move(StageEvent::attempt);
  context_.counters.add(Counter::attempts);
  commits_.append(jn::Kind::attempt, item.id, to_record(item.attempt, item.id, item.trace),
                  AttemptCommit{.item = item.id, .serial = item.serial, .before = before});
}

Item* Life::attempt_committed(AttemptCommit commit, const Result<void>& result) {
  Item* item = items_.find(commit.item);
  if (item == nullptr || item->serial != commit.serial) {
    // Withdrawn meanwhile: nothing was sent, so nothing is in doubt. Of one that is offered again and begins a try of its own the record
    // stays: it would be settled with it.
    if (item == nullptr || item->attempt.number == 0) context_.ports.journal.settle(jn::Kind::attempt, commit.item);
    return nullptr;
  }
  if (item->stage != Stage::attempting) return nullptr;
  if (!result) {
    item->attempt = std::move(commit.before);
    put_off(*item, context_.now + seconds(append_again_seconds));
    return nullptr;
  }
  context_.faults.at(step::attempt_before_send);
  // In doubt before, and now it goes out once more.
  if (item->attempt.doubts > 0) item->duplicate_possible = true;
  item->stage.move(StageEvent::send);
  return item;
}

void Life::end_attempt(Item& item, AttemptEvent event) {
  item.attempt.apply(event);
  commits_.append(jn::Kind::attempt, item.id, to_record(item.attempt, item.id, item.trace), AttemptEndCommit{.item = item.id});
}

void Life::attempt_end_committed(const AttemptEndCommit& commit) {
  const bool is_gone = items_.find(commit.item) == nullptr && !in_doubt_.contains(commit.item);
  if (is_gone) context_.ports.journal.settle(jn::Kind::attempt, commit.item);
}

void Life::give_up_attempt(Item& item) {
  end_attempt(item, AttemptEvent::not_sent);
  put_off(item, context_.now + timers::drain);
}

void Life::put_off(Item& item, Instant until) {
  item.stage.move(StageEvent::put_off);
  items_.set_due(item, until);
}

// ---- the end ----------------------------------------------------------------------------------------------------------------------

void Life::finish(Item& item, const End& end) {
  // Texts of `end` may lie in the item itself: they are written before anything of it changes.
  RecordWriter outcome = handoff::make(handoff::Kind::outcome, item.id);
  outcome.trace(tag(Tag::trace), item.trace).text(tag(Tag::state), to_string(end.state)).i64(tag(Tag::time), context_.clock.wall().us);
  if (!item.peer().empty()) outcome.text(tag(Tag::peer), item.peer());
  if (!end.reason.empty()) outcome.text(tag(Tag::reason), clip_utf8(end.reason));
  if (end.status_code != 0) outcome.u64(tag(Tag::status_code), static_cast<std::uint64_t>(end.status_code));
  if (!end.status_text.empty()) outcome.text(tag(Tag::status_text), clip_utf8(end.status_text));
  if (!end.message_id.empty()) outcome.text(tag(Tag::message_id), end.message_id);
  if (item.duplicate_possible) outcome.u64(tag(Tag::duplicate_possible), 1);
  log_info("outcome").item(item.id).trace(item.trace).peer(item.peer()).text("state", to_string(end.state)).text("reason", end.reason);
  item.outcome = outcome.finish(0);
  item.stage.move(StageEvent::end);
  item.output = Bytes{};
  item.body = Bytes{};
  if (auto* mailbox = std::get_if<MailboxOrigin>(&item.origin)) mailbox->mail_size = 0;
  items_.count_memory(item);
  items_.set_due(item, {});
  append_outcome(item);
}

void Life::append_outcome(Item& item) {
  RecordWriter record = jn::make(jn::Kind::outcome, item.id);
  record.trace(jn::tag(jn::Tag::trace), item.trace)
      .i64(jn::tag(jn::Tag::time), context_.clock.wall().us)
      .bytes(jn::tag(jn::Tag::record), item.outcome);
  commits_.append(jn::Kind::outcome, item.id, std::move(record), OutcomeCommit{.item = item.id});
}

void Life::outcome_committed(const OutcomeCommit& commit, const Result<void>& result) {
  Item* item = items_.find(commit.item);
  if (item == nullptr) return;
  // The disk does not take it: the accepted record must stay, so the item stays too.
  if (!result) return items_.set_due(*item, context_.now + seconds(append_again_seconds));
  settle_all(*item);
  if (item->is_for_postmaster()) {
    // It had no route, so the control plane never knew it: the log is its history.
    items_.drop(commit.item);
    return context_.ports.journal.settle(jn::Kind::outcome, commit.item);
  }
  const Bytes outcome = std::move(item->outcome);
  items_.drop(commit.item);
  const RecordView view = parse_record(outcome).value();
  remembered_.put(view);
  hand_over(view);
}

void Life::settle_all(const Item& item) {
  if (item.attempt.number != 0) context_.ports.journal.settle(jn::Kind::attempt, item.id);
  if (item.is_from_phone()) context_.ports.journal.settle(jn::Kind::accepted_mm7, item.id);
  if (item.forwarded() != nullptr) context_.ports.journal.settle(jn::Kind::accepted_mail, item.id);
}

void Life::hand_over(const RecordView& outcome) {
  context_.counters.add(Counter::handoff_records_out);
  context_.ports.handoff.send(handoff::Kind::outcome, outcome.header().item, rewrite(outcome));
}

// ---- replay -----------------------------------------------------------------------------------------------------------------------

void Life::restore_attempt(const ItemId& id, const RecordView& record) {
  Attempt attempt = attempt_of(record);
  attempt.apply(AttemptEvent::restart);
  const bool is_unknown = attempt.phase == AttemptPhase::unknown;
  Item* item = items_.find(id);
  if (item == nullptr) {
    // A mailbox's mail: the control plane has it, and hears only of what is in doubt.
    if (!is_unknown) return context_.ports.journal.settle(jn::Kind::attempt, id);
    return in_doubt_.lost_in_restart(id, record.trace(jn::tag(jn::Tag::trace)).value_or(TraceId{}), attempt);
  }
  item->attempt = attempt;
  if (!is_unknown) return;
  log_warning("attempt_in_doubt").item(id).trace(item->trace).text("peer", attempt.peer);
  if (!item->is_from_phone() && !item->is_for_postmaster()) return in_doubt_.lost_in_restart(id, item->trace, attempt);
  // The clock may have been set meanwhile: the wait is never longer than a whole one.
  const std::int64_t passed_us = std::max<std::int64_t>(context_.clock.wall().us - attempt.began.us, 0);
  const std::int64_t left_ns = context_.settings.unknown_retry.ns - passed_us * 1000;
  item->not_before = context_.clock.now() + Duration{std::max<std::int64_t>(left_ns, 0)};
}

// The outcome was durable and the accepted record not yet settled: it is over, nothing is sent again.
void Life::restore_outcome(const ItemId& id, const RecordView& outcome) {
  context_.ports.journal.settle(jn::Kind::attempt, id);
  in_doubt_.ended(id);
  if (const Item* item = items_.find(id)) {
    settle_all(*item);
    items_.drop(id);
  }
  hand_over(outcome);
}

}  // namespace pushmail::relay
