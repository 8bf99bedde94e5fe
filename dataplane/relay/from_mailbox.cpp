#include "dataplane/relay/from_mailbox.h"

#include <algorithm>
#include <vector>

#include "core/contract/handoff/peer.h"
#include "core/log.h"

namespace pushmail::relay {

namespace {

using handoff::Tag;
using handoff::tag;

constexpr std::uint64_t chunks_ahead = 4;

MailboxOrigin& origin_of(Item& item) { return std::get<MailboxOrigin>(item.origin); }

}  // namespace

void FromMailbox::on_submission(const RecordView& record) {
  const ItemId id = record.header().item;
  if (const Bytes* outcome = remembered_.outcome_of(id)) {
    // It was submitted before the control plane knew: the outcome is told again, the MM is not sent again.
    return life_.hand_over(parse_record(*outcome).value());
  }
  // Offered before the control plane had read that an earlier try is in doubt: it decides anew when it has.
  if (in_doubt_.contains(id)) return;
  // It would not be sent; the next process is offered it again.
  if (context_.stopping) return;
  Item* item = items_.find(id);
  if (item != nullptr && item->stage != Stage::receiving) return;
  const TraceId trace = record.trace(tag(Tag::trace)).value_or(TraceId{});
  if (item == nullptr) {
    item = &items_.add(id, trace, MailboxOrigin{});
    context_.counters.add(Counter::submissions);
  }
  item->stage.move(StageEvent::offer);
  item->body.clear();
  MailboxOrigin& origin = origin_of(*item);
  origin = {.mail_size = record.u64(tag(Tag::mail_size)).value_or(0), .has_credit = false};
  // An empty mail would be converted and sent before its first chunk; whoever announces one does not know its size.
  if (origin.mail_size == 0) return life_.finish(*item, {.reason = "the submission announces an empty mail"});
  if (origin.mail_size > context_.settings.mail_size_max) return life_.finish(*item, {.reason = "the mail is larger than the limit"});
  if (const auto peer = record.text(tag(Tag::peer)).value_or(""); context_.peers.find(peer) == nullptr) {
    // Our own trouble, not the mail's: nothing is said, and the control plane offers it again.
    log_error("unknown_peer").item(id).trace(trace).peer(peer);
    return items_.drop(id);
  }
  if (!to_phone_.take_route(*item, record)) return life_.finish(*item, {.reason = "the submission names no phone number"});
  grant_first(*item);
}

void FromMailbox::grant_first(Item& item) {
  MailboxOrigin& origin = origin_of(item);
  // Memory for the whole mail before its first chunk; without it the control plane keeps the mail and this asks again.
  // Of an item that is offered anew the earlier size is still counted, which may have been more.
  const std::uint64_t more = origin.mail_size - std::min(origin.mail_size, item.memory);
  if (!items_.has_memory_for(more)) return items_.set_due(item, context_.now + seconds(1));
  items_.set_due(item, {});
  items_.count_memory(item);
  origin.has_credit = true;
  item.body.reserve(origin.mail_size);
  grant(item, chunks_ahead);
}

void FromMailbox::grant(const Item& item, std::uint64_t chunks) {
  RecordWriter record = handoff::make(handoff::Kind::submission_credit, item.id);
  record.u64(tag(Tag::credit), chunks);
  context_.ports.handoff.send(handoff::Kind::submission_credit, item.id, std::move(record));
}

Next FromMailbox::on_chunk(const RecordView& record) {
  Item* item = items_.find(record.header().item);
  if (item == nullptr || item->stage != Stage::receiving) return Next::nothing;
  const MailboxOrigin& origin = origin_of(*item);
  if (!origin.has_credit) return Next::nothing;
  const auto data = record.bytes(tag(Tag::data)).value_or(ByteView{});
  if (record.u64(tag(Tag::offset)) != item->body.size() || data.empty() || data.size() > origin.mail_size - item->body.size()) {
    log_warning("chunk_out_of_place").item(item->id).number("have", static_cast<std::int64_t>(item->body.size()));
    return Next::nothing;
  }
  pushmail::append(item->body, data);
  if (item->body.size() == origin.mail_size) return Next::convert;
  grant(*item, 1);
  return Next::nothing;
}

void FromMailbox::on_handoff_lost() {
  std::vector<ItemId> cut;
  items_.for_each([&](const Item& item) {
    if (item.stage == Stage::receiving) cut.push_back(item.id);
  });
  for (const ItemId& id : cut) items_.drop(id);
}

}  // namespace pushmail::relay
