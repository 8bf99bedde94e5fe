#include "core/budget.h"

#include <algorithm>

namespace pushmail {

Budget::Budget(BudgetLimit limit, std::size_t keys_max)
    : limit_(limit),
      each_{limit.count == 0 ? 0 : limit.window.ns / limit.count},
      set_count_(std::max(keys_max / set_size, std::size_t{1})) {}

const Budget::Slot* Budget::find(std::uint64_t name) const {
  if (slots_.empty()) return nullptr;
  const std::size_t set = set_of(name);
  for (std::size_t i = set; i < set + set_size; ++i) {
    if (slots_[i].name == name) return &slots_[i];
  }
  return nullptr;
}

bool Budget::has(ByteView key, Instant now) const {
  if (limit_.count == 0) return false;
  const Slot* slot = find(name_of(key));
  return slot == nullptr || slot->whole_at + each_ - now <= limit_.window;
}

bool Budget::take(ByteView key, Instant now) {
  if (!has(key, now)) return false;
  if (slots_.empty()) slots_.resize(set_count_ * set_size);
  const std::uint64_t name = name_of(key);
  const auto set = slots_.begin() + static_cast<std::ptrdiff_t>(set_of(name));
  const auto set_end = set + set_size;
  auto slot = std::find_if(set, set_end, [&](const Slot& each) { return each.name == name; });
  if (slot == set_end) {
    slot = std::min_element(set, set_end, [](const Slot& a, const Slot& b) { return a.whole_at < b.whole_at; });
    *slot = {.name = name, .whole_at = {}};
  }
  slot->whole_at = std::max(slot->whole_at, now) + each_;
  return true;
}

void Budget::give_back(ByteView key) {
  if (slots_.empty()) return;
  const std::uint64_t name = name_of(key);
  const auto set = slots_.begin() + static_cast<std::ptrdiff_t>(set_of(name));
  const auto slot = std::find_if(set, set + set_size, [&](const Slot& each) { return each.name == name; });
  if (slot != set + set_size) slot->whole_at.ns -= each_.ns;
}

IpAddress source_group(const IpAddress& source) {
  if (source.is_v4()) return source;
  IpAddress group = source;
  std::fill(group.bytes.begin() + 8, group.bytes.end(), std::uint8_t{0});
  return group;
}

}  // namespace pushmail
