#include "dataplane/tcp/neighbours.h"

#include <algorithm>

namespace pushmail::tcp {

std::optional<MacAddress> Neighbours::find(std::uint32_t ip, Instant now) {
  Entry* entry = entry_of(ip);
  if (entry == nullptr) {
    entry = &add(ip);
    entry->ask_at = now;
  }
  if (!entry->known || now - entry->confirmed_at > fresh_for) {
    if (!entry->wanted) entry->ask_at = std::max(entry->ask_at, now);
    entry->wanted = true;
  }
  if (!entry->known) return std::nullopt;
  return entry->mac;
}

void Neighbours::learn(std::uint32_t ip, const MacAddress& mac, Learn mode, Instant now) {
  Entry* entry = entry_of(ip);
  if (entry == nullptr) {
    if (mode == Learn::known_only) return;
    entry = &add(ip);
  }
  entry->mac = mac;
  entry->known = true;
  entry->wanted = false;
  entry->ask_count = 0;
  entry->confirmed_at = now;
}

Neighbours::Turn Neighbours::due(Instant now) {
  Turn turn;
  for (std::size_t i = 0; i < entries_.size();) {
    Entry& entry = entries_[i];
    if (entry.wanted && entry.ask_at <= now) {
      if (!entry.known && entry.ask_count == ask_count_max) {
        turn.given_up.push_back(entry.ip);
        entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(i));
        continue;
      }
      turn.ask.push_back(entry.ip);
      ++entry.ask_count;
      entry.ask_at = now + ask_interval;
      // An old entry is asked for once; the next frame that needs it wants it again.
      if (entry.known) entry.wanted = false;
    }
    ++i;
  }
  return turn;
}

Instant Neighbours::next_deadline() const {
  Instant first{};
  for (const Entry& entry : entries_) {
    if (entry.wanted && (first.ns == 0 || entry.ask_at < first)) first = entry.ask_at;
  }
  return first;
}

Neighbours::Entry* Neighbours::entry_of(std::uint32_t ip) {
  const auto entry = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.ip == ip; });
  return entry == entries_.end() ? nullptr : &*entry;
}

Neighbours::Entry& Neighbours::add(std::uint32_t ip) {
  if (entries_.size() >= entry_count_max) {
    // The one that was confirmed longest ago makes room; unknown ones were never confirmed.
    entries_.erase(std::min_element(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) { return a.confirmed_at < b.confirmed_at; }));
  }
  Entry entry;
  entry.ip = ip;
  entries_.push_back(entry);
  return entries_.back();
}

}  // namespace pushmail::tcp
