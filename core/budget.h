// How much one stranger may ask of us: so many at once, and they come back evenly over a time. For sources, senders, recipients: any key.
//
// Came from: whoever must say no to what comes too often (sessions, relay, control plane). Bounded: a fixed number of slots, in sets that a
// secret key chooses. In a set that is full the key with the least spent is forgotten, so to be forgotten himself a flooder must first
// spend more under other keys than he gains. A key that has all of its budget again needs no slot.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/clock.h"
#include "core/endpoint.h"
#include "core/siphash.h"

namespace pushmail {

/// `count` at once; what was taken comes back evenly, all of it in `window`. Count 0: nothing may be taken.
struct BudgetLimit {
  std::uint32_t count = 0;
  Duration window;
  bool operator==(const BudgetLimit&) const = default;
};

class Budget {
 public:
  explicit Budget(BudgetLimit limit, std::size_t keys_max = 65'536);

  /// Takes one for `key`; false, and nothing is taken, when none is left.
  [[nodiscard]] bool take(ByteView key, Instant now);
  [[nodiscard]] bool take(std::string_view key, Instant now) { return take(bytes_of(key), now); }
  /// One that was taken and was not needed after all.
  void give_back(ByteView key);
  /// Whether take() would succeed.
  [[nodiscard]] bool has(ByteView key, Instant now) const;
  [[nodiscard]] bool has(std::string_view key, Instant now) const { return has(bytes_of(key), now); }

 private:
  static constexpr std::size_t set_size = 8;
  /// A key and when it has all of its budget again: the one number that says how much is spent.
  struct Slot {
    std::uint64_t name = 0;
    Instant whole_at{};
  };
  [[nodiscard]] std::uint64_t name_of(ByteView key) const { return siphash(secret_, key); }
  [[nodiscard]] std::size_t set_of(std::uint64_t name) const { return static_cast<std::size_t>(name % set_count_) * set_size; }
  /// Null when the key has all of its budget.
  [[nodiscard]] const Slot* find(std::uint64_t name) const;

  BudgetLimit limit_;
  Duration each_;  // in which one comes back
  HashKey secret_ = new_hash_key();
  std::size_t set_count_;
  std::vector<Slot> slots_;  // empty until somebody spends something
};

/// Whose budget a source's address spends: an IPv4 address's own; of IPv6 the /64, which is one subscriber's network (RFC 6177 §2).
[[nodiscard]] IpAddress source_group(const IpAddress& source);

/// Two budgets of one key: what may come in a burst, and what may come in a longer time.
struct BudgetLimits {
  BudgetLimit burst;
  BudgetLimit lasting;
  bool operator==(const BudgetLimits&) const = default;
};
class TwoBudgets {
 public:
  explicit TwoBudgets(const BudgetLimits& limits, std::size_t keys_max = 65'536)
      : burst_(limits.burst, keys_max), lasting_(limits.lasting, keys_max) {}
  [[nodiscard]] bool take(ByteView key, Instant now) { return has(key, now) && burst_.take(key, now) && lasting_.take(key, now); }
  void give_back(ByteView key) {
    burst_.give_back(key);
    lasting_.give_back(key);
  }
  [[nodiscard]] bool has(ByteView key, Instant now) const { return burst_.has(key, now) && lasting_.has(key, now); }

 private:
  Budget burst_, lasting_;
};

}  // namespace pushmail
