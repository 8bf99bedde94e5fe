// A link that exists only in memory: two devices, a virtual clock, and everything a bad network does, from one seed. What is proved on
// it is the real stack; only device and clock are replaced.
//
// Came from: one stack's transmit. Goes to: the other stack's receive, later, changed, twice, or not at all.
// Invariant: a frame is in exactly one of: the pool, a stack, the air. With the same seed everything happens the same way again.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <queue>
#include <vector>

#include "core/clock.h"
#include "dataplane/nic/frame.h"

namespace pushmail::tcp {

/// Time that moves only when it is told to.
class VirtualClock final : public Clock {
 public:
  explicit VirtualClock(Instant start) : now_(start) {}
  [[nodiscard]] Timestamp wall() const override { return {now_.ns / 1000}; }
  [[nodiscard]] Instant now() const override { return now_; }
  void advance_to(Instant at) { now_ = std::max(now_, at); }

 private:
  Instant now_;
};

/// A small generator with 64 bits of state (SplitMix64): the same numbers on every machine.
class SimRandom {
 public:
  explicit SimRandom(std::uint64_t seed) : state_(seed) {}
  [[nodiscard]] std::uint64_t next() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  /// 0 .. n-1
  [[nodiscard]] std::uint64_t below(std::uint64_t n) { return next() % n; }
  [[nodiscard]] bool chance(double probability) { return static_cast<double>(next() >> 11) * 0x1.0p-53 < probability; }

 private:
  std::uint64_t state_;
};

/// What the link does to IPv4 frames. ARP passes unharmed: Ethernet's own checksum guards it on a real wire, and here nothing else would.
struct Impairment {
  Duration delay = microseconds(100);
  Duration jitter{};  // up to this much more; frames keep their order unless reordered
  double loss = 0;
  double reorder = 0;  // such a frame is held back by up to reorder_delay
  Duration reorder_delay = milliseconds(1);
  double duplicate = 0;
  double corrupt = 0;  // one bit anywhere behind the Ethernet header
};

enum class Side : std::uint8_t { a, b };
[[nodiscard]] constexpr Side other(Side side) { return side == Side::a ? Side::b : Side::a; }

class SimLink;

/// One end. Frames come from a pool that grows as needed and counts what is out.
class SimDevice final : public FrameDevice {
 public:
  SimDevice(SimLink& link, Side side, const DeviceFacts& facts) : link_(link), side_(side), facts_(facts) {}
  [[nodiscard]] DeviceFacts facts() const override { return facts_; }
  [[nodiscard]] std::size_t receive(std::span<Frame> into) override;
  [[nodiscard]] Frame allocate() override;
  void release(const Frame& frame) override;
  [[nodiscard]] std::size_t transmit(std::span<const Frame> frames) override;
  void wait(int, Duration) override {}

  /// From a test: a frame as if it had come in.
  void inject(ByteView bytes);
  [[nodiscard]] bool has_received() const { return !arrived_.empty(); }
  /// Frames that are not in the pool.
  [[nodiscard]] std::size_t out_count() const { return out_count_; }
  /// From a test: no more than this many frames may be out at once (pool spent), and as many are taken per transmit (ring full).
  void limit(std::size_t frames_out, std::size_t frames_per_transmit) {
    out_max_ = frames_out;
    transmit_max_ = frames_per_transmit;
  }

 private:
  friend class SimLink;
  SimLink& link_;
  Side side_;
  DeviceFacts facts_;
  std::vector<Frame> arrived_;
  std::vector<std::unique_ptr<std::uint8_t[]>> memory_;
  std::vector<Frame> pool_;
  std::size_t out_count_ = 0;
  std::size_t out_max_ = ~std::size_t{0};
  std::size_t transmit_max_ = ~std::size_t{0};
};

/// What a watcher outside the stacks sees.
struct LinkEvent {
  Side side;  // who sent, or who receives
  Instant at;
  ByteView frame;
};

class SimLink {
 public:
  SimLink(VirtualClock& clock, std::uint64_t seed, const Impairment& impairment, const DeviceFacts& a, const DeviceFacts& b);

  [[nodiscard]] SimDevice& device(Side side) { return side == Side::a ? a_ : b_; }
  /// Called for each frame as its sender hands it over, before anything happens to it.
  void on_sent(std::function<void(const LinkEvent&)> watcher) { on_sent_ = std::move(watcher); }
  /// Called for each unharmed frame as its receiver gets it; corrupted ones are not shown, since nobody may act on them.
  void on_delivered(std::function<void(const LinkEvent&)> watcher) { on_delivered_ = std::move(watcher); }
  void impair(const Impairment& impairment) { impairment_ = impairment; }

  /// When the next frame arrives; {0}: the air is empty.
  [[nodiscard]] Instant next_arrival() const { return air_.empty() ? Instant{} : air_.top().at; }
  /// Hands over what arrives by now, at most `count` frames, so that a stack takes all of it in one turn. Returns how many.
  std::size_t deliver(std::size_t count);
  [[nodiscard]] std::size_t in_the_air() const { return air_.size(); }
  [[nodiscard]] std::uint64_t lost() const { return lost_; }
  [[nodiscard]] std::uint64_t corrupted() const { return corrupted_; }

 private:
  friend class SimDevice;
  enum class Harm : std::uint8_t { none, corrupted };
  struct Flight {
    Instant at;
    std::uint64_t number;
    Side to;
    Harm harm;
    Frame frame;
    bool operator<(const Flight& than) const { return at != than.at ? at > than.at : number > than.number; }
  };

  void carry(Side from, const Frame& frame);
  void launch(Side to, Instant at, Harm harm, const Frame& frame);

  VirtualClock& clock_;
  SimRandom random_;
  Impairment impairment_;
  SimDevice a_, b_;
  std::priority_queue<Flight> air_;
  std::array<Instant, 2> last_arrival_{};
  std::uint64_t number_ = 0;
  std::uint64_t lost_ = 0;
  std::uint64_t corrupted_ = 0;
  std::function<void(const LinkEvent&)> on_sent_;
  std::function<void(const LinkEvent&)> on_delivered_;
};

}  // namespace pushmail::tcp
