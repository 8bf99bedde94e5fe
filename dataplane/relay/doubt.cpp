// Tries and their fate (attempt.h): begun on disk before anything is sent, and handed to the control plane when nobody knows what became
// of a submission.
//
//   begin_attempt ──append──> (durable) ──> outgoing port        submission in doubt ──attempt──> control plane ──ack──> settled
//
// Ownership as for outcomes: the journal's record stays until the control plane has it, and no offer of that item is taken before.
#include <fmt/format.h>

#include <algorithm>

#include "core/contract/journal/schema.h"
#include "core/log.h"
#include "dataplane/relay/relay.h"

namespace pushmail::relay {

namespace {

using handoff::Tag;
using handoff::tag;
namespace jn = journal;

constexpr std::uint32_t unknowns_in_a_row_max = 5;  // then the peer, or what lies before it, is in trouble
// Sent again at once where the peer recognises a TransactionID; more often, and the way to it is broken in a way of its own: the item's
// wait is then the control plane's, as with any peer.
constexpr std::uint32_t deduplicated_doubts_max = 8;

}  // namespace

// ---- begin and end of a try -------------------------------------------------------------------------------------------------------

void Relay::begin_attempt(Item& of) {
  const Attempt before = of.attempt;
  of.attempt.apply(AttemptEvent::begin);
  of.attempt.began = clock_.wall();
  of.attempt.peer = of.to_phone ? of.peer : of.next_hop;
  of.stage.move(StageEvent::attempt);
  counters_.add(Counter::attempts);
  append(jn::Kind::attempt, of.id, to_record(of.attempt, of.id, of.trace),
         [this, id = of.id, before](const Result<void>& result) { attempt_committed(id, before, result); });
}

void Relay::attempt_committed(const ItemId& id, const Attempt& before, const Result<void>& result) {
  Item* of = item(id);
  // Withdrawn meanwhile: nothing was sent, so nothing is in doubt.
  if (of == nullptr) return ports_.journal.settle(jn::Kind::attempt, id);
  if (of->stage != Stage::attempting) return;
  if (!result) {
    of->attempt = before;
    of->stage.move(StageEvent::put_off);
    return set_due(*of, now_ + seconds(1));
  }
  faults_.at(step::attempt_before_send);
  // In doubt before, and now it goes out once more.
  if (of->attempt.doubts > 0) of->duplicate_possible = true;
  of->stage.move(StageEvent::send);
  if (of->to_phone) return post(*of);
  send_mail(*of);
}

// The outcome of an item ends its attempt too; here it goes on, and a restart must not take the last try for one in doubt.
void Relay::end_attempt(Item& of, AttemptEvent event) {
  of.attempt.apply(event);
  append(jn::Kind::attempt, of.id, to_record(of.attempt, of.id, of.trace), [this, id = of.id](const Result<void>&) {
    if (item(id) == nullptr && !unknown_.contains(id)) ports_.journal.settle(jn::Kind::attempt, id);
  });
}

// ---- in doubt ---------------------------------------------------------------------------------------------------------------------

void Relay::submission_lost(Item& of, std::string_view trouble, Loss loss) {
  of.attempt.apply(AttemptEvent::loss);
  counters_.add(Counter::submits_unknown);
  log_warning("submission_in_doubt").item(of.id).trace(of.trace).peer(of.peer).text("reason", trouble);
  count_unknown(of.peer);
  const PeerEntry* peer = peers_.find(of.peer);
  // A peer that knows our TransactionID gets it again when the way broke; an answer that says nothing it would only repeat.
  const bool may_repeat = peer != nullptr && peer->flag("deduplicates") && of.attempt.doubts < deduplicated_doubts_max;
  if (loss == Loss::no_answer && may_repeat) return retry_submit(of, trouble, std::nullopt);
  // A gateway speaks so of an MMSC that is down, too: one more try before anybody has to wait.
  if (loss == Loss::gateways_answer && of.attempt.doubts == 1) return retry_submit(of, trouble, std::nullopt);
  const ItemId id = of.id;
  hand_over_doubt(id, of.trace, of.attempt, trouble, Again::later, of.duplicate_possible ? Left::perhaps_twice : Left::once);
  if (of.source == Source::mailbox) return drop_item(id);
  // Its body is ours: it waits here, converted, for the control plane's next word.
  of.stage.move(StageEvent::wait);
  set_due(of, {});
}

void Relay::hand_over_doubt(const ItemId& id, const TraceId& trace, const Attempt& attempt, std::string_view trouble, Again again,
                            Left left) {
  RecordWriter record = handoff::make(handoff::Kind::attempt, id);
  record.trace(tag(Tag::trace), trace)
      .u64(tag(Tag::attempt), attempt.number)
      .i64(tag(Tag::time), attempt.began.us)
      .text(tag(Tag::peer), attempt.peer)
      .text(tag(Tag::reason), clip_utf8(trouble));
  if (again == Again::at_once) record.u64(tag(handoff::peer_tag("deduplicates")), 1);
  if (left == Left::perhaps_twice) record.u64(tag(Tag::duplicate_possible), 1);
  unknown_.insert(id);
  counters_.add(Counter::handoff_records_out);
  ports_.handoff.send(handoff::Kind::attempt, id, std::move(record));
}

void Relay::doubt_acknowledged(const ItemId& id) {
  if (unknown_.erase(id) == 0) return;
  ports_.journal.settle(jn::Kind::attempt, id);
  Item* of = item(id);
  if (of == nullptr) return;
  if (of->stage == Stage::routing || of->stage == Stage::waiting) ask_route(*of);
}

void Relay::count_unknown(const std::string& peer) {
  Paused& paused = paused_[peer];
  if (++paused.unknowns < unknowns_in_a_row_max) return;
  pause(peer, fmt::format("{} submissions in a row without an answer that says what became of them", paused.unknowns));
}

void Relay::withdraw(const RecordView& record) {
  const ItemId id = record.header().item;
  Item* of = item(id);
  // What is being sent cannot be called back.
  if (of == nullptr || !of->to_phone || of->stage == Stage::sending || of->stage == Stage::finishing) return;
  const auto end = parse_word<ItemState>(record.text(tag(Tag::state)).value_or(""));
  // A forwarded mail is the journal's: it ends by an outcome, or by its route's answer.
  if (of->source != Source::mailbox && !end) return;
  event(*of, "withdrawn", {{"peer", of->peer}});
  counters_.add(Counter::submissions_withdrawn);
  if (end && of->stage != Stage::receiving) return finish(*of, {.state = *end, .reason = "withdrawn before it was sent"});
  ports_.journal.settle(jn::Kind::attempt, id);
  drop_item(id);
}

// ---- after a restart --------------------------------------------------------------------------------------------------------------

void Relay::restore_attempt(const ItemId& id, const RecordView& record) {
  Attempt attempt = attempt_of(record);
  attempt.apply(AttemptEvent::restart);
  Item* of = item(id);
  if (of != nullptr) {
    of->attempt = attempt;
    if (attempt.phase == AttemptPhase::unknown) log_warning("attempt_in_doubt").item(id).trace(of->trace).text("peer", attempt.peer);
    if (attempt.phase != AttemptPhase::unknown) return;
    if (of->source == Source::phone || is_for_postmaster(*of)) {
      // The clock may have been set meanwhile: the wait is never longer than a whole one.
      const std::int64_t passed_us = std::max<std::int64_t>(clock_.wall().us - attempt.began.us, 0);
      of->not_before = clock_.now() + Duration{std::max<std::int64_t>(settings_.unknown_retry.ns - passed_us * 1000, 0)};
    } else {
      lost_in_restart(id, of->trace, attempt);
    }
    return;
  }
  // A mailbox's mail: the control plane has it, and hears only of what is in doubt.
  if (attempt.phase != AttemptPhase::unknown) return ports_.journal.settle(jn::Kind::attempt, id);
  lost_in_restart(id, record.trace(jn::tag(jn::Tag::trace)).value_or(TraceId{}), attempt);
}

// An outcome may follow in the journal; the first tick knows.
void Relay::lost_in_restart(const ItemId& id, const TraceId& trace, const Attempt& attempt) {
  unknown_.insert(id);
  lost_in_restart_.push_back({id, trace, attempt});
}

void Relay::hand_over_lost_in_restart() {
  for (const LostInRestart& lost : std::exchange(lost_in_restart_, {})) {
    if (!unknown_.contains(lost.id)) continue;
    counters_.add(Counter::submits_unknown);
    log_warning("submission_in_doubt").item(lost.id).trace(lost.trace).peer(lost.attempt.peer).text("reason", "restart");
    const PeerEntry* peer = peers_.find(lost.attempt.peer);
    const Again again = peer != nullptr && peer->flag("deduplicates") ? Again::at_once : Again::later;
    // The client may have sent it a second time within the try that was lost.
    hand_over_doubt(lost.id, lost.trace, lost.attempt, "the data plane was restarted before the answer came", again, Left::perhaps_twice);
  }
}

}  // namespace pushmail::relay
