// Items, timers, events, and what comes from the ports.
#include "dataplane/relay/relay.h"

#include <algorithm>

#include "core/free_memory.h"
#include "core/log.h"

namespace pushmail::relay {

namespace {

using handoff::Tag;
using handoff::tag;

constexpr std::size_t events_kept_max = 10'000;

}  // namespace

RecordWriter rewrite(const RecordView& record) {
  RecordWriter writer(record.header().kind, record.header().version, record.header().item);
  record.for_each([&](std::uint16_t field, ByteView value) { writer.bytes(field, value); });
  return writer;
}

Relay::Relay(Settings settings, Ports ports, const Clock& clock, Counters& counters, FaultPoints faults)
    : settings_(std::move(settings)),
      ports_(ports),
      clock_(clock),
      counters_(counters),
      faults_(faults),
      now_(clock.now()),
      admission_(ports.handoff, counters, settings_.admission_time) {}

// ---- items ------------------------------------------------------------------------------------------------------------------------

Item& Relay::add_item(const ItemId& id, const TraceId& trace, Source source) {
  auto& slot = items_[id];
  slot = std::make_unique<Item>();
  slot->id = id;
  slot->trace = trace;
  slot->source = source;
  slot->accepted = clock_.wall();
  counters_.set(Counter::items, items_.size());
  return *slot;
}

Item* Relay::item(const ItemId& id) {
  const auto found = items_.find(id);
  return found == items_.end() ? nullptr : found->second.get();
}

const Item* Relay::find(const ItemId& id) const {
  const auto found = items_.find(id);
  return found == items_.end() ? nullptr : found->second.get();
}

void Relay::drop_item(const ItemId& id) {
  Item* gone = item(id);
  if (gone == nullptr) return;
  set_due(*gone, {});
  set_memory(*gone, 0);
  items_.erase(id);
  counters_.set(Counter::items, items_.size());
  counters_.set(Counter::item_bytes, memory_);
}

std::string_view Relay::refusal() const { return draining_ ? "the data plane is being drained" : ports_.journal.refusal(); }

bool Relay::has_memory_for(std::uint64_t size) const { return memory_ + size <= settings_.memory_max && has_free_memory(size); }

void Relay::count_memory(Item& of) {
  const std::uint64_t now = std::max<std::uint64_t>(of.body.size(), of.mail_size) + of.output.size();
  set_memory(of, now);
  counters_.set(Counter::item_bytes, memory_);
}

void Relay::set_memory(Item& of, std::uint64_t size) {
  memory_ = memory_ - of.memory + size;
  if (of.source == Source::forwarded) {
    forwarded_memory_ = forwarded_memory_ - of.memory + size;
    std::uint64_t& of_recipient = recipient_memory_[of.recipient];
    of_recipient = of_recipient - of.memory + size;
    if (of_recipient == 0) recipient_memory_.erase(of.recipient);
  }
  of.memory = size;
}

void Relay::set_due(Item& of, Instant due) {
  if (of.due != Instant{}) due_.erase({of.due, of.id});
  of.due = due;
  if (due != Instant{}) due_.insert({due, of.id});
}

// ---- journal ----------------------------------------------------------------------------------------------------------------------

void Relay::append(journal::Kind kind, const ItemId& id, RecordWriter record, std::function<void(const Result<void>&)> done) {
  const std::uint64_t token = ++last_token_;
  commits_.emplace(token, std::move(done));
  ports_.journal.append(kind, id, std::move(record), token);
}

void Relay::on_committed(std::uint64_t token, const Result<void>& result) {
  const auto found = commits_.find(token);
  PM_CHECK(found != commits_.end());
  const auto done = std::move(found->second);
  commits_.erase(found);
  done(result);
}

// ---- control plane ----------------------------------------------------------------------------------------------------------------

void Relay::set_peers(const RecordView& peers) {
  const std::size_t broken = peers_.read(peers);
  paused_.clear();
  log_info("peers").number("count", static_cast<std::int64_t>(peers_.all().size())).number("broken", static_cast<std::int64_t>(broken));
}

void Relay::on_handoff_ready(handoff::Other) {
  counters_.add(Counter::handoff_connections);
  flush_events();
  for (const auto& [peer, paused] : paused_) tell_pause(peer);
  // Questions were lost with the old connection. An item that waits for its phone is told again too: the control plane may be new.
  for (const auto& [id, of] : items_) {
    if (of->stage == Stage::routing || of->stage == Stage::waiting) ask_route(*of);
  }
}

void Relay::on_handoff_lost() {
  admission_.on_lost();
  // Chunks on their way are lost; the control plane offers these submissions again from their beginning.
  std::vector<ItemId> cut;
  for (const auto& [id, of] : items_) {
    if (of->stage == Stage::receiving) cut.push_back(id);
  }
  for (const ItemId& id : cut) drop_item(id);
}

void Relay::on_handoff_record(handoff::Kind kind, const RecordView& record) {
  counters_.add(Counter::handoff_records_in);
  switch (kind) {
    case handoff::Kind::peers:
      return set_peers(record);
    case handoff::Kind::submission:
      return on_submission(record);
    case handoff::Kind::submission_chunk:
      return on_chunk(record);
    case handoff::Kind::withdraw:
      return withdraw(record);
    case handoff::Kind::drain:
      draining_ = true;
      log_info("draining");
      return;
    case handoff::Kind::admission_answer:
      return admission_.on_answer(record, now_);
    case handoff::Kind::route_answer: {
      Item* of = item(record.header().item);
      if (of != nullptr && (of->stage == Stage::routing || of->stage == Stage::waiting)) take_route(*of, record);
      return;
    }
    default:
      return;
  }
}

// ---- events -----------------------------------------------------------------------------------------------------------------------

void Relay::event(const ItemId& id, const TraceId& trace, std::string_view name, Details details) {
  RecordWriter record = handoff::make(handoff::Kind::event, id);
  record.trace(tag(Tag::trace), trace).text(tag(Tag::name), name).i64(tag(Tag::time), clock_.wall().us);
  LogEvent line(LogLevel::info, name);
  line.trace(trace).item(id);
  for (const auto& [key, value] : details) {
    if (value.empty()) continue;
    record.text(tag(Tag::detail), std::string(key) + "=" + std::string(clip_utf8(value)));
    if (key == "peer" || key == "status" || key == "next_hop" || key == "try" || key == "rule" || key == "action" || key == "tag")
      line.text(key, value);
  }
  if (ports_.handoff.is_ready()) return ports_.handoff.send(handoff::Kind::event, id, std::move(record));
  if (events_.size() >= events_kept_max) {
    events_.pop_front();
    counters_.add(Counter::events_dropped);
  }
  events_.emplace_back(id, std::move(record));
}

void Relay::flush_events() {
  for (auto& [id, record] : events_) ports_.handoff.send(handoff::Kind::event, id, std::move(record));
  events_.clear();
}

// ---- time -------------------------------------------------------------------------------------------------------------------------

void Relay::tick(Instant now) {
  now_ = now;
  admission_.tick(now);
  if (!lost_in_restart_.empty()) hand_over_lost_in_restart();
  // What was answered in the last turn: the network has had its poll, so this is "after the answer, before relay".
  for (std::size_t n = starting_.size(); n > 0; --n) {
    const ItemId id = starting_.front();
    starting_.pop_front();
    Item* of = item(id);
    if (of == nullptr) continue;
    if (!of->replayed) faults_.at(step::answer_before_relay);
    start_relay(*of);
  }
  std::swap(starting_, answered_);
  while (!due_.empty() && due_.begin()->first <= now) {
    Item& of = *item(due_.begin()->second);
    set_due(of, {});
    on_due(of);
  }
}

Instant Relay::next_due() const {
  if (!starting_.empty() || !answered_.empty() || !lost_in_restart_.empty()) return now_;
  const Instant asked = admission_.next_due();
  if (due_.empty()) return asked;
  const Instant first = due_.begin()->first;
  return asked == Instant{} ? first : std::min(asked, first);
}

void Relay::on_due(Item& of) {
  switch (of.stage) {
    case Stage::peeking:
      return start_relay(of);
    case Stage::routing:
      return ask_route(of);
    case Stage::receiving:
      return grant_first(of);
    case Stage::backing_off:
      if (!of.converted) return convert_item(of);
      return of.to_phone ? submit_item(of) : send_item(of);
    case Stage::finishing:
      return append_outcome(of);
    default:
      return;
  }
}

}  // namespace pushmail::relay
