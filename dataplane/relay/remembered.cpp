#include "dataplane/relay/remembered.h"

#include "core/contract/handoff/peer.h"
#include "core/peer_id.h"
#include "core/result.h"

namespace pushmail::relay {

namespace {

using handoff::Tag;
using handoff::tag;

constexpr std::size_t outcomes_kept_max = 100'000;
constexpr std::size_t messages_kept_max = 200'000;

}  // namespace

void Remembered::put(const RecordView& outcome) {
  const ItemId id = outcome.header().item;
  const ByteView whole = outcome.whole();
  if (outcomes_.insert_or_assign(id, Bytes(whole.begin(), whole.end())).second) outcome_order_.push_back(id);
  if (outcome_order_.size() > outcomes_kept_max) {
    outcomes_.erase(outcome_order_.front());
    outcome_order_.pop_front();
  }
  const auto message_id = outcome.text(tag(Tag::message_id));
  if (!message_id || message_id->empty()) return;
  MessageKey key{outcome.text(tag(Tag::peer)).value_or(""), peer_id_key(*message_id)};
  const About about{.item = id, .trace = outcome.trace(tag(Tag::trace)).value_or(TraceId{})};
  if (messages_.insert_or_assign(key, about).second) message_order_.push_back(std::move(key));
  if (message_order_.size() > messages_kept_max) {
    messages_.erase(message_order_.front());
    message_order_.pop_front();
  }
}

const Bytes* Remembered::outcome_of(const ItemId& id) const {
  const auto found = outcomes_.find(id);
  return found == outcomes_.end() ? nullptr : &found->second;
}

const Remembered::About* Remembered::about(const std::string& peer, std::string_view message_id) const {
  const auto found = messages_.find({peer, peer_id_key(message_id)});
  return found == messages_.end() ? nullptr : &found->second;
}

void Remembered::check() const {
  PM_CHECK(outcomes_.size() == outcome_order_.size() && outcomes_.size() <= outcomes_kept_max);
  PM_CHECK(messages_.size() == message_order_.size() && messages_.size() <= messages_kept_max);
  // What goes next is there.
  PM_CHECK(outcome_order_.empty() || outcomes_.contains(outcome_order_.front()));
  PM_CHECK(message_order_.empty() || messages_.contains(message_order_.front()));
}

}  // namespace pushmail::relay
