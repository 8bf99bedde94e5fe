#include "codec/scan/slot.h"

#include <algorithm>
#include <utility>

namespace pushmail::scan {

RuleSetSlot::RuleSetSlot(std::size_t reader_count) : readers_(reader_count), owned_(std::make_unique<const RuleSet>()) {
  present_.store(owned_.get());
}

RuleSetSlot::~RuleSetSlot() {
  for (const Reader& reader : readers_) PM_CHECK(reader.noted.load() == holds_nothing);
}

// All of it is sequentially consistent, which take() and collect() need: either the writer sees the reader's note, or the reader sees
// the writer's new pointer. (With release and acquire alone both could miss the other.)
const RuleSet& RuleSetSlot::take(std::size_t reader) {
  readers_[reader].noted.store(number_.load());
  return *present_.load();
}

void RuleSetSlot::leave(std::size_t reader) { readers_[reader].noted.store(holds_nothing); }

void RuleSetSlot::publish(std::unique_ptr<const RuleSet> set) {
  PM_CHECK(set != nullptr);
  present_.store(set.get());
  const std::uint64_t number = number_.fetch_add(1) + 1;
  retired_.push_back({.set = std::exchange(owned_, std::move(set)), .number = number});
}

std::size_t RuleSetSlot::collect() {
  std::uint64_t oldest = holds_nothing;
  for (const Reader& reader : readers_) oldest = std::min(oldest, reader.noted.load());
  std::erase_if(retired_, [&](const Retired& retired) { return retired.number <= oldest; });
  return retired_.size();
}

}  // namespace pushmail::scan
