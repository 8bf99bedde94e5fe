// A hierarchical timer wheel of 1 ms ticks: four levels of 256, 64, 64 and 64 slots, so about 18 hours ahead; arming and disarming
// are O(1) and a turn without due timers costs a compare. One entry per connection, named by a small id.
//
// Came from: Stack::arm, once per connection whose earliest deadline moved forward. Goes to: Stack::on_timer.
// Invariant: an armed id stands in exactly one slot; an id that fires is no longer armed. It may fire later than asked for by less
// than a tick, never earlier.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/clock.h"
#include "core/result.h"

namespace pushmail::tcp {

class TimerWheel {
 public:
  using Id = std::uint32_t;

  explicit TimerWheel(Instant start) : tick_(tick_of(start)) { heads_.fill(nobody); }

  [[nodiscard]] bool armed(Id id) const { return id < nodes_.size() && nodes_[id].slot != no_slot; }
  [[nodiscard]] std::size_t count() const { return count_; }

  void arm(Id id, Instant at) {
    disarm(id);
    if (id >= nodes_.size()) nodes_.resize(id + 1);
    // Rounded up: a timer must not fire before its time.
    std::int64_t due = tick_of(Instant{at.ns + tick_ns - 1});
    if (due <= tick_) due = tick_ + 1;
    if (due > tick_ + horizon) due = tick_ + horizon;
    nodes_[id].due = due;
    link(id);
    ++count_;
  }

  void disarm(Id id) {
    if (!armed(id)) return;
    unlink(id);
    --count_;
  }

  /// Calls `fire(id)` for everything due at `now`. `fire` may arm and disarm any id.
  template <class Fire>
  std::size_t advance(Instant now, Fire fire) {
    std::size_t fired = 0;
    const std::int64_t target = tick_of(now);
    if (count_ == 0 && target > tick_) tick_ = target;
    while (tick_ < target) {
      ++tick_;
      cascade();
      const std::size_t slot = static_cast<std::size_t>(tick_ & 255);
      while (heads_[slot] != nobody) {
        const Id id = heads_[slot];
        unlink(id);
        --count_;
        fire(id);
        ++fired;
      }
    }
    return fired;
  }

  /// Not after the next firing; {0} when nothing is armed. Looks at no more than the 256 slots of the first level.
  [[nodiscard]] Instant next() const {
    if (count_ == 0) return {};
    // Up to the next cascade every due timer stands in the first level.
    const std::int64_t wrap = (tick_ | 255) + 1;
    for (std::int64_t tick = tick_ + 1; tick < wrap; ++tick) {
      if (heads_[static_cast<std::size_t>(tick & 255)] != nobody) return Instant{tick * tick_ns};
    }
    return Instant{wrap * tick_ns};
  }

 private:
  static constexpr std::int64_t tick_ns = 1'000'000;
  static constexpr std::int64_t horizon = (std::int64_t{1} << 26) - 1;
  static constexpr Id nobody = ~Id{0};
  static constexpr std::uint16_t no_slot = 0xFFFF;
  struct Level {
    unsigned shift, bits, base;
  };
  static constexpr std::array<Level, 4> levels{{{0, 8, 0}, {8, 6, 256}, {14, 6, 320}, {20, 6, 384}}};
  struct Node {
    std::int64_t due = 0;
    Id next = nobody;
    Id previous = nobody;
    std::uint16_t slot = no_slot;
  };

  [[nodiscard]] static std::int64_t tick_of(Instant at) { return at.ns / tick_ns; }

  [[nodiscard]] std::uint16_t slot_of(std::int64_t due) const {
    for (const Level& level : levels) {
      // The lowest level on which `due` and now differ by less than one round of that level.
      if ((due >> level.shift) - (tick_ >> level.shift) < (std::int64_t{1} << level.bits)) {
        return static_cast<std::uint16_t>(level.base + static_cast<unsigned>((due >> level.shift) & ((1 << level.bits) - 1)));
      }
    }
    return static_cast<std::uint16_t>(levels[3].base + static_cast<unsigned>((tick_ >> levels[3].shift) & 63));
  }

  void link(Id id) {
    Node& node = nodes_[id];
    node.slot = slot_of(node.due);
    node.previous = nobody;
    node.next = heads_[node.slot];
    if (node.next != nobody) nodes_[node.next].previous = id;
    heads_[node.slot] = id;
  }
  void unlink(Id id) {
    Node& node = nodes_[id];
    if (node.previous != nobody) {
      nodes_[node.previous].next = node.next;
    } else {
      heads_[node.slot] = node.next;
    }
    if (node.next != nobody) nodes_[node.next].previous = node.previous;
    node.slot = no_slot;
    node.next = node.previous = nobody;
  }

  /// When a level has gone round, the next slot of the level above is dealt out again.
  void cascade() {
    for (std::size_t i = levels.size() - 1; i > 0; --i) {
      const Level& level = levels[i];
      if ((tick_ & ((std::int64_t{1} << level.shift) - 1)) != 0) continue;
      const std::size_t slot = level.base + static_cast<std::size_t>((tick_ >> level.shift) & ((1 << level.bits) - 1));
      Id id = heads_[slot];
      heads_[slot] = nobody;
      while (id != nobody) {
        const Id next = nodes_[id].next;
        link(id);
        id = next;
      }
    }
  }

  std::int64_t tick_;
  std::size_t count_ = 0;
  std::array<Id, 448> heads_{};
  std::vector<Node> nodes_;
};

}  // namespace pushmail::tcp
