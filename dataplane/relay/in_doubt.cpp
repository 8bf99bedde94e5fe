#include "dataplane/relay/in_doubt.h"

#include <utility>

#include "core/contract/handoff/peer.h"
#include "core/contract/journal/schema.h"
#include "core/log.h"

namespace pushmail::relay {

namespace {

using handoff::Tag;
using handoff::tag;

}  // namespace

void InDoubt::hand_over(const ItemId& id, const TraceId& trace, const Attempt& attempt, std::string_view trouble, Again again, Left left) {
  RecordWriter record = handoff::make(handoff::Kind::attempt, id);
  record.trace(tag(Tag::trace), trace)
      .u64(tag(Tag::attempt), attempt.number)
      .i64(tag(Tag::time), attempt.began.us)
      .text(tag(Tag::peer), attempt.peer)
      .text(tag(Tag::reason), clip_utf8(trouble));
  if (again == Again::at_once) record.u64(tag(handoff::peer_tag("deduplicates")), 1);
  if (left == Left::perhaps_twice) record.u64(tag(Tag::duplicate_possible), 1);
  waiting_.insert(id);
  context_.counters.add(Counter::handoff_records_out);
  context_.ports.handoff.send(handoff::Kind::attempt, id, std::move(record));
}

bool InDoubt::acknowledged(const ItemId& id) {
  if (waiting_.erase(id) == 0) return false;
  context_.ports.journal.settle(journal::Kind::attempt, id);
  return true;
}

void InDoubt::lost_in_restart(const ItemId& id, const TraceId& trace, const Attempt& attempt) {
  waiting_.insert(id);
  lost_.push_back({.id = id, .trace = trace, .attempt = attempt});
}

void InDoubt::hand_over_lost_in_restart() {
  for (const Lost& lost : std::exchange(lost_, {})) {
    if (!contains(lost.id)) continue;
    context_.counters.add(Counter::submits_unknown);
    log_warning("submission_in_doubt").item(lost.id).trace(lost.trace).peer(lost.attempt.peer).text("reason", "restart");
    const PeerEntry* peer = context_.peers.find(lost.attempt.peer);
    const Again again = peer != nullptr && peer->flag("deduplicates") ? Again::at_once : Again::later;
    // The client may have sent it a second time within the try that was lost.
    hand_over(lost.id, lost.trace, lost.attempt, "the data plane was restarted before the answer came", again, Left::perhaps_twice);
  }
}

}  // namespace pushmail::relay
