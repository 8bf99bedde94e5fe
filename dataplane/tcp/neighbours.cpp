#include "dataplane/tcp/neighbours.h"

#include <algorithm>

namespace pushmail::tcp {

namespace {

bool asks(NeighbourState state) {
  return state == NeighbourState::asked || state == NeighbourState::checked || state == NeighbourState::searched;
}

}  // namespace

std::expected<MacAddress, Neighbours::NoMac> Neighbours::find(std::uint32_t ip, Asker asker, Instant now) {
  const auto found = index_.find(ip);
  if (found != index_.end()) {
    Entry& entry = *found->second;
    if (entry.state == NeighbourState::asked) {
      if (asker == Asker::us && entry.asker == Asker::stranger) {
        entry.asker = asker;
        asked_by_us_.splice(asked_by_us_.end(), asked_by_strangers_, found->second);
      }
      return std::unexpected(NoMac::asked);
    }
    if (entry.state == NeighbourState::fixed) return entry.mac;
    if (now - entry.used_at >= ask_interval) {
      entry.used_at = now;
      known_.splice(known_.end(), known_, found->second);
    }
    if (entry.state == NeighbourState::known && now - entry.confirmed_at > fresh_for) {
      entry.state = next_state(entry.state, NeighbourEvent::grew_old);
      ask(entry, now);
    }
    return entry.mac;
  }
  List& list = asked_by(asker);
  if (list.size() >= asked_count_max) {
    Entry& oldest = list.front();
    // Its first question must have had its time: so strangers cannot make us ask faster than this either.
    if (asker == Asker::stranger && now - oldest.added_at < ask_interval) return std::unexpected(NoMac::refused);
    evicted_.push_back(oldest.ip);
    index_.erase(oldest.ip);
    list.pop_front();
  }
  Entry entry;
  entry.ip = ip;
  entry.asker = asker;
  entry.added_at = now;
  list.push_back(entry);
  index_.emplace(ip, std::prev(list.end()));
  ask(list.back(), now);
  return std::unexpected(NoMac::asked);
}

void Neighbours::fix(std::uint32_t ip, const MacAddress& mac) {
  add_known(ip, mac, {});
  known_.back().state = NeighbourState::fixed;
}

Neighbours::Learned Neighbours::learn(std::uint32_t ip, const MacAddress& mac, Learn mode, Instant now) {
  const auto found = index_.find(ip);
  if (found == index_.end()) {
    if (mode == Learn::may_add) add_known(ip, mac, now);
    return Learned::nothing_new;
  }
  Entry& entry = *found->second;
  const NeighbourState before = entry.state;
  if (before == NeighbourState::asked) {
    asked_by(entry.asker).erase(found->second);
    index_.erase(found);
    add_known(ip, mac, now);
    return Learned::reachable;
  }
  const bool same = entry.mac == mac;
  entry.state = next_state(before, same ? NeighbourEvent::same_mac : NeighbourEvent::other_mac);
  if (entry.state == NeighbourState::fixed) return same ? Learned::nothing_new : Learned::not_believed;
  if (entry.state == NeighbourState::known) {
    entry.mac = mac;
    entry.confirmed_at = now;
    entry.ask_count = 0;
    return Learned::nothing_new;
  }
  if (before == NeighbourState::known) ask(entry, now);
  return Learned::not_believed;
}

Neighbours::Turn Neighbours::due(Instant now) {
  Turn turn;
  next_ask_ = {};
  run(asked_by_us_, turn, now);
  run(asked_by_strangers_, turn, now);
  run(known_, turn, now);
  turn.evicted_count = evicted_.size();
  turn.given_up.insert(turn.given_up.end(), evicted_.begin(), evicted_.end());
  evicted_.clear();
  return turn;
}

void Neighbours::run(List& list, Turn& turn, Instant now) {
  for (auto at = list.begin(); at != list.end();) {
    Entry& entry = *at;
    if (asks(entry.state) && entry.ask_at <= now) {
      if (entry.ask_count == ask_count_max(entry)) {
        if (entry.state == NeighbourState::asked) {
          turn.given_up.push_back(entry.ip);
          index_.erase(entry.ip);
          at = list.erase(at);
          continue;
        }
        entry.state = next_state(entry.state, NeighbourEvent::unanswered);
        entry.ask_count = 0;
      }
      if (asks(entry.state)) {
        turn.ask.push_back({entry.ip, entry.state == NeighbourState::checked ? std::optional(entry.mac) : std::nullopt});
        ++entry.ask_count;
        entry.ask_at = now + ask_interval;
      }
    }
    if (asks(entry.state) && (next_ask_.ns == 0 || entry.ask_at < next_ask_)) next_ask_ = entry.ask_at;
    ++at;
  }
}

std::uint32_t Neighbours::ask_count_max(const Entry& entry) {
  switch (entry.state) {
    case NeighbourState::asked:
      return entry.asker == Asker::us ? 10 : 3;
    case NeighbourState::checked:
      return 2;
    default:
      return 3;
  }
}

void Neighbours::add_known(std::uint32_t ip, const MacAddress& mac, Instant now) {
  if (known_.size() >= known_count_max) {
    const auto oldest = std::find_if(known_.begin(), known_.end(), [](const Entry& entry) { return entry.state != NeighbourState::fixed; });
    PM_CHECK(oldest != known_.end());
    index_.erase(oldest->ip);
    known_.erase(oldest);
  }
  Entry entry;
  entry.ip = ip;
  entry.state = NeighbourState::known;
  entry.mac = mac;
  entry.added_at = entry.used_at = entry.confirmed_at = now;
  known_.push_back(entry);
  index_.emplace(ip, std::prev(known_.end()));
}

// Never sooner than a second after the last question for this address.
void Neighbours::ask(Entry& entry, Instant now) {
  entry.ask_count = 0;
  entry.ask_at = std::max(entry.ask_at, now);
  if (next_ask_.ns == 0 || entry.ask_at < next_ask_) next_ask_ = entry.ask_at;
}

}  // namespace pushmail::tcp
