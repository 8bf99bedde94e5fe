// TIME-WAIT (RFC 9293 §3.6.1): what is left of a connection that closed in order from our side. Small entries in the order in which
// they end, which is the order in which they came, since all live equally long; so they need no timers.
//
// Came from: a Connection whose both FINs are acknowledged. Goes to: nothing after `lifetime`, or earlier to a new connection of the
// same peer whose SYN starts above the old numbers (RFC 9293 §3.6.1, RFC 1122 §4.2.2.13).
#pragma once

#include <deque>

#include "core/clock.h"
#include "dataplane/tcp/seq.h"
#include "dataplane/tcp/table.h"

namespace pushmail::tcp {

struct TimeWait {
  Tuple tuple;
  std::uint64_t hash = 0;
  Seq snd_nxt;
  Seq rcv_nxt;
  std::uint32_t window = 0;
  Instant ends_at;
  bool over = false;
};

/// A FIFO with stable numbers for its entries; the numbers go into the TupleTable.
class TimeWaitQueue {
 public:
  [[nodiscard]] std::size_t count() const { return live_; }
  [[nodiscard]] bool empty() const { return entries_.empty(); }
  [[nodiscard]] TimeWait& front() { return entries_.front(); }
  [[nodiscard]] const TimeWait& front() const { return entries_.front(); }
  [[nodiscard]] TimeWait& at(std::uint32_t number) { return entries_[(number - first_) & number_mask]; }
  [[nodiscard]] const TimeWait& at(std::uint32_t number) const { return entries_[(number - first_) & number_mask]; }
  [[nodiscard]] std::uint32_t front_number() const { return first_; }

  std::uint32_t push(const TimeWait& entry) {
    entries_.push_back(entry);
    ++live_;
    return (first_ + static_cast<std::uint32_t>(entries_.size()) - 1) & number_mask;
  }
  /// The entry is void; its place goes when it reaches the front.
  void end(TimeWait& entry) {
    entry.over = true;
    --live_;
  }
  void pop_front() {
    entries_.pop_front();
    first_ = (first_ + 1) & number_mask;
  }

  static constexpr std::uint32_t number_mask = 0x7FFFFFFF;

 private:
  std::deque<TimeWait> entries_;
  std::uint32_t first_ = 0;
  std::size_t live_ = 0;
};

}  // namespace pushmail::tcp
