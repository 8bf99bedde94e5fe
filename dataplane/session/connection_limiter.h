// Who gets a connection while there are not enough: what a server may hold in all, what one source may hold, and what is kept for those
// whom the operator named. Whoever opens connections and says nothing must not keep out who has something to say.
//
// Came from: a server's on_accept. Each connection has a standing that only rises with what it does:
//
//   headless ──a whole head, a greeting──> unproven ──credentials, a recipient of ours──> proven
//      └────────────────────────────────────┴── no place left for another: the oldest headless, else the oldest unproven is evicted
//
// Connections of a group (a peer's allow list, trusted hosts) are never evicted, have places that nobody else gets, and no limit for each
// source, since behind one address may be a whole MMSC.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <vector>

#include "core/endpoint.h"
#include "core/limits.h"

namespace pushmail {

struct ConnectionLimits {
  std::uint32_t all = 10'000;
  std::uint32_t per_source = limits::connections_per_source_max;
  std::uint32_t reserved = 32;  // of `all`, for each group
};

/// Networks that the operator named, and under which name.
struct SourceGroup {
  std::string name;
  std::vector<IpNetwork> networks;
};

enum class Standing : std::uint8_t { headless, unproven, proven };

class ConnectionLimiter;

/// A connection that may have to go for another one.
class LimitedConnection {
 public:
  LimitedConnection() = default;
  LimitedConnection(const LimitedConnection&) = delete;
  LimitedConnection& operator=(const LimitedConnection&) = delete;
  virtual ~LimitedConnection() = default;
  /// Its place is another's already: it ends now. Called from inside admit() of that other one.
  virtual void evict() = 0;

 private:
  friend class ConnectionLimiter;
  struct Group {
    std::vector<IpNetwork> networks;
    std::uint32_t reserved_used = 0;
  };
  enum class Place : std::uint8_t { none, shared, reserved };
  Place place_ = Place::none;
  Standing standing_ = Standing::headless;
  IpAddress source_;
  Group* group_ = nullptr;                        // of the limiter; not gone while it has used places
  std::list<LimitedConnection*>::iterator at_{};  // in the order of its standing, while it may be evicted
  bool may_go_ = false;
  bool counts_for_source_ = false;
};

class ConnectionLimiter {
 public:
  explicit ConnectionLimiter(ConnectionLimits limits) : limits_(limits) {}

  /// From now on; who has a place keeps it.
  void set_limits(ConnectionLimits limits) { limits_ = limits; }
  /// Connections that have a place keep it, also when their group goes.
  void set_groups(std::vector<SourceGroup> groups);
  /// Whether `source` is in a group.
  [[nodiscard]] bool is_named(const IpAddress& source) const;

  /// Gives a place, if need be that of another one, which is evicted; false: there is none.
  [[nodiscard]] bool admit(LimitedConnection& connection, const IpAddress& source);
  /// Standing never falls.
  void raise(LimitedConnection& connection, Standing standing);
  /// Harmless when it has no place.
  void release(LimitedConnection& connection);

  [[nodiscard]] std::uint32_t used() const { return shared_used_ + reserved_used_; }
  [[nodiscard]] std::uint64_t evicted() const { return evicted_; }

 private:
  using Group = LimitedConnection::Group;
  using Place = LimitedConnection::Place;
  [[nodiscard]] Group* group_of(const IpAddress& source);
  [[nodiscard]] std::uint32_t shared_max() const;
  [[nodiscard]] bool evict_one();
  [[nodiscard]] std::list<LimitedConnection*>& order_of(Standing standing) { return may_go_[static_cast<std::size_t>(standing)]; }
  void stop_watching(LimitedConnection& connection);

  ConnectionLimits limits_;
  std::map<std::string, Group> groups_;  // one without networks is no longer named, and waits for its connections to end
  std::uint32_t shared_used_ = 0;
  std::uint32_t reserved_used_ = 0;
  std::map<IpAddress, std::uint32_t> sources_;           // of connections without group, by source_group()
  std::array<std::list<LimitedConnection*>, 2> may_go_;  // headless, unproven; oldest first
  std::uint64_t evicted_ = 0;
};

}  // namespace pushmail
