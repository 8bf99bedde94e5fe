#include "core/contract/handoff/peer.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/contract/handoff/errors.h"
#include "core/log.h"
#include "core/versions.h"

namespace pushmail::handoff {

namespace {

// Owned records flow into the output buffer up to here; the rest waits where it is kept anyway.
constexpr std::size_t owned_ahead_size = 256 * 1024;
// Records below this size are put together with others up to that one: a write for each would cost more than the copy. A chunk is larger.
constexpr std::size_t small_size = 4 * 1024;
constexpr std::size_t together_size_max = 64 * 1024;

}  // namespace

Peer::Peer(Direction ours, std::uint64_t epoch, Events& events)
    : ours_(ours), theirs_(ours == Direction::to_data ? Direction::to_control : Direction::to_data), epoch_(epoch), events_(events) {
  PM_CHECK(ours != Direction::both && epoch != 0);
}

void Peer::connected() {
  PM_CHECK(!inside_);
  disconnected();
  state_ = State::greeting;
  RecordWriter hello = make(Kind::hello, {});
  hello.u64(tag(Tag::schema), versions::handoff_schema)
      .u64(tag(Tag::epoch), epoch_)
      .u64(tag(Tag::last_epoch), other_epoch_)
      .u64(tag(Tag::last_sequence), other_sequence_);
  put_out(hello.finish(0));
}

void Peer::disconnected() {
  PM_CHECK(!inside_);
  state_ = State::away;
  offered_ = 0;
  out_.clear();
  out_at_ = unsent_size_ = 0;
  inbox_.clear();
}

Result<void> Peer::receive(ByteView bytes) {
  PM_CHECK(!inside_);
  inbox_.feed(bytes);
  return received(0);
}

Result<void> Peer::received(std::size_t size) {
  PM_CHECK(!inside_ && state_ != State::away);
  inbox_.filled(size);
  inside_ = true;
  Result<void> outcome;
  while (outcome) {
    const ByteView rest = inbox_.unread();
    if (rest.size() >= 4 && load<std::uint32_t>(rest.data(), std::endian::little) > record_size_max) {
      outcome = fail(handoff_too_long);
      break;
    }
    const Parsed<RecordView> record = inbox_.next();
    if (record.needs_more()) break;
    if (record.is_bad()) {
      outcome = std::unexpected(record.error());
      break;
    }
    outcome = take(record.value());
  }
  inside_ = false;
  return outcome;
}

Result<void> Peer::take(const RecordView& record) {
  const auto valid = validate(record, theirs_);
  if (state_ == State::greeting) {
    if (static_cast<Kind>(record.header().kind) != Kind::hello) return fail(handoff_no_hello);
    if (!valid) return valid;
    return take_hello(record);
  }
  // A newer writer may send kinds that we do not know; everything else that is wrong ends the connection.
  if (!valid && valid.error().is(handoff_unknown_kind)) return {};
  if (!valid) return valid;

  const auto kind = static_cast<Kind>(record.header().kind);
  if (kind == Kind::hello) return fail(handoff_wrong_way);
  if (kind == Kind::ack) {
    take_ack(record);
    return {};
  }
  other_sequence_ = std::max(other_sequence_, record.header().sequence);
  events_.on_record(kind, record, {.epoch = other_epoch_, .sequence = record.header().sequence});
  return {};
}

Result<void> Peer::take_hello(const RecordView& record) {
  const std::uint64_t schema = *record.u64(tag(Tag::schema));
  if (schema + 1 < versions::handoff_schema || schema > versions::handoff_schema + std::uint64_t{1}) return fail(handoff_schema);
  const std::uint64_t epoch = *record.u64(tag(Tag::epoch));
  const Other other = epoch == other_epoch_ ? Other::same : Other::restarted;
  if (other == Other::restarted) {
    other_epoch_ = epoch;
    other_sequence_ = 0;
  }
  state_ = State::ready;
  // Everything unacknowledged goes again, whatever last_sequence says: received is not yet durable over there, and a repeat does no harm.
  offered_ = 0;
  fill_output();
  events_.on_ready(other);
  return {};
}

void Peer::take_ack(const RecordView& record) {
  const auto found = owned_.find(*record.u64(tag(Tag::sequence)));
  if (found == owned_.end()) return;
  const Owned owned = std::move(found->second);
  owned_.erase(found);
  owned_sequence_.erase({owned.kind, owned.item});
  events_.on_acknowledged(owned.kind, owned.item);
  fill_output();
}

void Peer::sent(std::size_t count) {
  PM_CHECK(count <= unsent_size_);
  unsent_size_ -= count;
  out_at_ += count;
  while (!out_.empty() && out_at_ >= out_.front().size()) {
    out_at_ -= out_.front().size();
    out_.pop_front();
  }
  fill_output();
}

// The first may be on its way into the socket, so nothing is added to it.
void Peer::put_out(Bytes record) {
  unsent_size_ += record.size();
  if (out_.size() > 1 && record.size() < small_size && out_.back().size() + record.size() <= together_size_max)
    append(out_.back(), ByteView(record));
  else
    out_.push_back(std::move(record));
}

Peer::Sent Peer::send(Kind kind, const ItemId& item, RecordWriter record) {
  const KindRow* row = find_kind(static_cast<std::uint16_t>(kind));
  PM_CHECK(row != nullptr && (row->direction == ours_ || row->direction == Direction::both));
  if (row->owned) {
    const std::uint64_t sequence = ++sequence_;
    const auto [place, is_new] = owned_sequence_.try_emplace({kind, item}, sequence);
    if (!is_new) owned_.erase(std::exchange(place->second, sequence));
    owned_.emplace(sequence, Owned{.kind = kind, .item = item, .record = record.finish(sequence)});
    fill_output();
    return Sent::queued;
  }
  if (state_ != State::ready || unsent_size() > output_size_max) return Sent::refused;
  Bytes whole = record.finish(++sequence_);
  // The other side would close the connection for it, and again after each reconnection.
  if (whole.size() > record_size_max) {
    log_error("handoff_record_too_long").item(item).text("kind", row->name).number("size", static_cast<std::int64_t>(whole.size()));
    return Sent::refused;
  }
  put_out(std::move(whole));
  return Sent::queued;
}

void Peer::acknowledge(Receipt receipt) {
  if (state_ != State::ready || receipt.epoch != other_epoch_) return;
  RecordWriter record = make(Kind::ack, {});
  record.u64(tag(Tag::sequence), receipt.sequence);
  put_out(record.finish(++sequence_));
}

void Peer::fill_output() {
  if (state_ != State::ready) return;
  for (auto next = owned_.upper_bound(offered_); next != owned_.end() && unsent_size() < owned_ahead_size; ++next) {
    put_out(next->second.record);
    offered_ = next->first;
  }
}

void Peer::check() const {
  // Each owned record is kept once, under the sequence that its kind and item name.
  PM_CHECK(owned_.size() == owned_sequence_.size());
  for (const auto& [name, sequence] : owned_sequence_) {
    const auto kept = owned_.find(sequence);
    PM_CHECK(kept != owned_.end() && kept->second.kind == name.first && kept->second.item == name.second);
    const Parsed<RecordView> record = parse_record(kept->second.record);
    PM_CHECK(record.is_done() && record.value().header().sequence == sequence && record.value().header().item == name.second);
  }
  PM_CHECK(owned_.empty() || owned_.rbegin()->first <= sequence_);
  PM_CHECK(offered_ <= sequence_ && !inside_);
  std::size_t unsent = 0;
  for (const Bytes& bytes : out_) unsent += bytes.size();
  PM_CHECK(out_at_ <= unsent && unsent_size_ == unsent - out_at_ && (out_.empty() || out_at_ < out_.front().size()));
  if (state_ == State::away) PM_CHECK(out_.empty() && inbox_.unread().empty());
  if (state_ != State::ready) PM_CHECK(offered_ == 0);
  if (state_ == State::ready) PM_CHECK(other_epoch_ != 0);
  // What waits outside the buffer waits for room in it.
  const bool is_all_offered = owned_.upper_bound(offered_) == owned_.end();
  if (state_ == State::ready && !is_all_offered) PM_CHECK(unsent_size() >= owned_ahead_size);
}

}  // namespace pushmail::handoff
