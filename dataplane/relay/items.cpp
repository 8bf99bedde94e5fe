#include "dataplane/relay/items.h"

#include <algorithm>

#include "core/free_memory.h"
#include "core/result.h"

namespace pushmail::relay {

namespace {

/// Of the original: a mail of the mailbox counts whole before its first chunk.
std::uint64_t original_size(const Item& item) {
  const auto* mailbox = std::get_if<MailboxOrigin>(&item.origin);
  return std::max<std::uint64_t>(item.body.size(), mailbox != nullptr ? mailbox->mail_size : 0);
}

}  // namespace

Item& Items::add(const ItemId& id, const TraceId& trace, Origin origin) {
  auto& slot = items_[id];
  slot = std::make_unique<Item>(
      Item{.id = id, .trace = trace, .origin = std::move(origin), .accepted = context_.clock.wall(), .serial = ++last_serial_});
  context_.counters.set(Counter::items, items_.size());
  return *slot;
}

Item* Items::find(const ItemId& id) const {
  const auto found = items_.find(id);
  return found == items_.end() ? nullptr : found->second.get();
}

void Items::drop(const ItemId& id) {
  Item* gone = find(id);
  if (gone == nullptr) return;
  set_due(*gone, {});
  set_memory(*gone, 0);
  items_.erase(id);
  context_.counters.set(Counter::items, items_.size());
  context_.counters.set(Counter::item_bytes, memory_);
}

// ---- time -------------------------------------------------------------------------------------------------------------------------

void Items::set_due(Item& item, Instant due) {
  if (item.due != Instant{}) due_.erase({item.due, item.id});
  item.due = due;
  if (due != Instant{}) due_.insert({due, item.id});
}

Item* Items::take_due(Instant now) {
  if (due_.empty() || due_.begin()->first > now) return nullptr;
  Item* item = find(due_.begin()->second);
  PM_CHECK(item != nullptr);
  set_due(*item, {});
  return item;
}

// ---- memory -----------------------------------------------------------------------------------------------------------------------

bool Items::has_memory_for(std::uint64_t size) const { return memory_ + size <= context_.settings.memory_max && has_free_memory(size); }

bool Items::has_room(std::string_view recipient, std::uint64_t size) const {
  const auto held = recipient_memory_.find(recipient);
  return (held == recipient_memory_.end() ? 0 : held->second) + size <= context_.settings.recipient_memory_max;
}

void Items::count_memory(Item& item) {
  set_memory(item, original_size(item) + item.output.size());
  context_.counters.set(Counter::item_bytes, memory_);
}

void Items::set_memory(Item& item, std::uint64_t size) {
  memory_ = memory_ - item.memory + size;
  if (const ForwardedOrigin* forwarded = item.forwarded()) {
    forwarded_memory_ = forwarded_memory_ - item.memory + size;
    std::uint64_t& of_recipient = recipient_memory_[forwarded->recipient];
    of_recipient = of_recipient - item.memory + size;
    if (of_recipient == 0) recipient_memory_.erase(forwarded->recipient);
  }
  item.memory = size;
}

void Items::hold(std::uint64_t size) {
  memory_ += size;
  context_.counters.set(Counter::item_bytes, memory_);
}

void Items::release(std::uint64_t size) {
  PM_CHECK(size <= memory_);
  memory_ -= size;
  context_.counters.set(Counter::item_bytes, memory_);
}

// ---- what must hold ---------------------------------------------------------------------------------------------------------------

void Items::check(std::uint64_t held) const {
  std::uint64_t memory = held, forwarded_memory = 0;
  std::map<std::string_view, std::uint64_t> recipient_memory;
  std::size_t due_count = 0;
  for (const auto& [id, item] : items_) {
    PM_CHECK(item != nullptr && item->id == id);
    // The codec lane may have the body; then it is still counted.
    PM_CHECK(item->body.size() + item->output.size() <= item->memory);
    memory += item->memory;
    if (item->due != Instant{}) {
      PM_CHECK(due_.contains({item->due, id}));
      ++due_count;
    }
    const ForwardedOrigin* forwarded = item->forwarded();
    if (forwarded == nullptr || item->memory == 0) continue;
    forwarded_memory += item->memory;
    recipient_memory[forwarded->recipient] += item->memory;
  }
  PM_CHECK(due_.size() == due_count);
  PM_CHECK(memory_ == memory);
  PM_CHECK(forwarded_memory_ == forwarded_memory);
  PM_CHECK(std::ranges::equal(recipient_memory_, recipient_memory, [](const auto& counted, const auto& summed) {
    return counted.first == summed.first && counted.second == summed.second;
  }));
}

}  // namespace pushmail::relay
