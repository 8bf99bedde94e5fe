#include "dataplane/session/connection_limiter.h"

#include <algorithm>
#include <span>
#include <utility>

#include "core/budget.h"

namespace pushmail {

void ConnectionLimiter::set_groups(std::vector<SourceGroup> groups) {
  for (auto& [name, group] : groups_) group.networks.clear();
  for (SourceGroup& group : groups) groups_[group.name].networks = std::move(group.networks);
  std::erase_if(groups_, [](const auto& entry) { return entry.second.networks.empty() && entry.second.reserved_used == 0; });
}

namespace {

bool holds(std::span<const IpNetwork> networks, const IpAddress& source) {
  return std::ranges::any_of(networks, [&](const IpNetwork& network) { return network.contains(source); });
}

}  // namespace

bool ConnectionLimiter::is_named(const IpAddress& source) const {
  return std::ranges::any_of(groups_, [&](const auto& entry) { return holds(entry.second.networks, source); });
}

ConnectionLimiter::Group* ConnectionLimiter::group_of(const IpAddress& source) {
  const auto found = std::ranges::find_if(groups_, [&](const auto& entry) { return holds(entry.second.networks, source); });
  return found == groups_.end() ? nullptr : &found->second;
}

std::uint32_t ConnectionLimiter::shared_max() const {
  const auto named = std::ranges::count_if(groups_, [](const auto& entry) { return !entry.second.networks.empty(); });
  const std::uint64_t reserved = std::uint64_t{limits_.reserved} * static_cast<std::uint64_t>(named);
  return reserved >= limits_.all ? 0 : static_cast<std::uint32_t>(limits_.all - reserved);
}

bool ConnectionLimiter::admit(LimitedConnection& connection, const IpAddress& source) {
  Group* const group = group_of(source);
  connection.source_ = source_group(source);
  if (group != nullptr && group->reserved_used < limits_.reserved) {
    connection.group_ = group;
    connection.place_ = Place::reserved;
    ++group->reserved_used;
    ++reserved_used_;
    return true;
  }
  if (group == nullptr) {
    const auto held = sources_.find(connection.source_);
    if (held != sources_.end() && held->second >= limits_.per_source) return false;
  }
  if (shared_used_ >= shared_max() && !evict_one()) return false;
  connection.place_ = Place::shared;
  ++shared_used_;
  if (group != nullptr) return true;
  ++sources_[connection.source_];
  connection.counts_for_source_ = true;
  auto& order = order_of(connection.standing_);
  connection.at_ = order.insert(order.end(), &connection);
  connection.may_go_ = true;
  return true;
}

bool ConnectionLimiter::evict_one() {
  for (const auto& order : may_go_) {
    if (order.empty()) continue;
    LimitedConnection& oldest = *order.front();
    release(oldest);
    ++evicted_;
    oldest.evict();
    return true;
  }
  return false;
}

void ConnectionLimiter::raise(LimitedConnection& connection, Standing standing) {
  if (standing <= connection.standing_) return;
  if (!connection.may_go_) {
    connection.standing_ = standing;
    return;
  }
  if (standing == Standing::proven) {
    stop_watching(connection);
  } else {
    auto& to = order_of(standing);
    to.splice(to.end(), order_of(connection.standing_), connection.at_);
  }
  connection.standing_ = standing;
}

void ConnectionLimiter::stop_watching(LimitedConnection& connection) {
  order_of(connection.standing_).erase(connection.at_);
  connection.may_go_ = false;
}

void ConnectionLimiter::release(LimitedConnection& connection) {
  const Place place = std::exchange(connection.place_, Place::none);
  if (place == Place::none) return;
  if (place == Place::reserved) {
    --reserved_used_;
    --std::exchange(connection.group_, nullptr)->reserved_used;
    return;
  }
  --shared_used_;
  if (std::exchange(connection.counts_for_source_, false)) {
    const auto held = sources_.find(connection.source_);
    if (--held->second == 0) sources_.erase(held);
  }
  if (connection.may_go_) stop_watching(connection);
}

}  // namespace pushmail
