// All items that the relay holds: by id, by when they are due, and what they cost.
//
// Budgets: `memory` is what all items and all requests that wait for a verdict hold. Of it, what mails from strangers hold while they wait
// for a phone is bounded by itself, so that MMSC traffic always has the rest, and again for each recipient.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "dataplane/relay/context.h"
#include "dataplane/relay/item.h"

namespace pushmail::relay {

class Items {
 public:
  explicit Items(const Context& context) : context_(context) {}

  /// The item stays where it is until drop().
  Item& add(const ItemId& id, const TraceId& trace, Origin origin);
  /// Null when it is gone.
  [[nodiscard]] Item* find(const ItemId& id) const;
  void drop(const ItemId& id);
  [[nodiscard]] std::size_t count() const { return items_.size(); }
  template <class Each>
  void for_each(Each each) const {
    for (const auto& [id, item] : items_) each(*item);
  }

  // Time.
  /// Instant{}: never.
  void set_due(Item& item, Instant due);
  /// One that is due, and now is so no more; null when none is.
  [[nodiscard]] Item* take_due(Instant now);
  [[nodiscard]] Instant next_due() const { return due_.empty() ? Instant{} : due_.begin()->first; }

  // Memory, in bytes.
  [[nodiscard]] std::uint64_t memory() const { return memory_; }
  /// In the budget of all items, and of the machine.
  [[nodiscard]] bool has_memory_for(std::uint64_t size) const;
  [[nodiscard]] bool has_memory_for_forwarded(std::uint64_t size) const {
    return has_memory_for(size) && forwarded_memory_ + size <= context_.settings.memory_max / 2;
  }
  [[nodiscard]] bool has_room(std::string_view recipient, std::uint64_t size) const;
  /// Counts what the item holds now.
  void count_memory(Item& item);
  /// A request that is no item yet: counted, and given back.
  void hold(std::uint64_t size);
  void release(std::uint64_t size);

  /// Stops the program when due times or budgets are not those of the items; `held` is what hold() counted and release() did not.
  void check(std::uint64_t held) const;

 private:
  void set_memory(Item& item, std::uint64_t size);

  const Context& context_;
  std::unordered_map<ItemId, std::unique_ptr<Item>> items_;
  std::set<std::pair<Instant, ItemId>> due_;
  std::uint64_t last_serial_ = 0;
  std::uint64_t memory_ = 0;
  std::uint64_t forwarded_memory_ = 0;
  std::map<std::string, std::uint64_t, std::less<>> recipient_memory_;  // of forwarded mails; who has none is not here
};

}  // namespace pushmail::relay
