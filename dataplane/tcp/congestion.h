// How much may be in flight: slow start and congestion avoidance (RFC 5681), recovery without SACK (RFC 6582, NewReno), initial
// window of ten segments (RFC 6928). CUBIC takes this place later, behind the same calls.
//
// Came from: ack.cpp (what was acknowledged) and timers.cpp (time-out). Goes to: output.cpp, which asks window().
#pragma once

#include <algorithm>
#include <cstdint>

namespace pushmail::tcp {

class Congestion {
 public:
  void start(std::uint32_t mss) {
    mss_ = mss;
    // RFC 6928 §2
    window_ = std::min(10 * mss, std::max(2 * mss, 14600u));
    threshold_ = ~std::uint32_t{0};
  }
  /// Segments are smaller from here on.
  void set_mss(std::uint32_t mss) { mss_ = mss; }
  /// RFC 5681 §3.1: after a lost SYN the initial window is one segment.
  void restart_after_lost_syn() { window_ = mss_; }

  [[nodiscard]] std::uint32_t window() const { return window_; }
  [[nodiscard]] std::uint32_t threshold() const { return threshold_; }

  /// New data acknowledged outside recovery, while the window was what limited us (else it would grow without ever being tried).
  void on_ack(std::uint32_t acknowledged) {
    if (window_ < threshold_) {
      window_ += std::min(acknowledged, mss_);
    } else {
      window_ += std::max(1u, static_cast<std::uint32_t>(static_cast<std::uint64_t>(mss_) * mss_ / window_));
    }
    window_ = std::min(window_, window_max);
  }
  /// Third duplicate ACK (RFC 6582 §3.2 step 2): half of what was in flight, plus the three that left the network.
  void on_fast_retransmit(std::uint32_t in_flight) {
    threshold_ = std::max(in_flight / 2, 2 * mss_);
    window_ = threshold_ + 3 * mss_;
  }
  /// Each further duplicate says that one more segment has left (step 3).
  void on_further_duplicate() { window_ = std::min(window_ + mss_, window_max); }
  /// Step 5, partial: deflated by what left, plus one segment for the retransmission's successor.
  void on_partial_ack(std::uint32_t acknowledged) {
    window_ -= std::min(acknowledged, window_ - std::min(window_, mss_));
    if (acknowledged >= mss_) window_ += mss_;
  }
  /// Step 5, full: the careful variant, no burst at the end of recovery.
  void on_recovered(std::uint32_t in_flight) { window_ = std::min(threshold_, std::max(in_flight, mss_) + mss_); }
  /// RFC 5681 §3.1 (4): the threshold is halved on the first time-out of a segment only.
  void on_timeout(std::uint32_t in_flight, bool first) {
    if (first) threshold_ = std::max(in_flight / 2, 2 * mss_);
    window_ = mss_;
  }

 private:
  static constexpr std::uint32_t window_max = 1u << 30;

  std::uint32_t mss_ = 536;
  std::uint32_t window_ = 536;
  std::uint32_t threshold_ = ~std::uint32_t{0};
};

}  // namespace pushmail::tcp
