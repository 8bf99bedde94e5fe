// What an acknowledgement tells: new data arrived, the same again (something is missing), the window moved, our FIN arrived.
// RFC 9293 §3.10.7.4 (fifth), RFC 5681, RFC 6582 (NewReno), RFC 6298 with Karn's rule, RFC 5961 §5.
//
// SACK blocks (RFC 2018, 6675) and RACK (RFC 8985) take their place here: on_duplicate_ack then asks the scoreboard what is lost.
#include "dataplane/tcp/planted.h"
#include "dataplane/tcp/stack.h"

#include <algorithm>

namespace pushmail::tcp {

namespace {
constexpr std::uint32_t duplicate_threshold = 3;
}

// False: the segment must not be looked at further.
bool Stack::on_ack(Connection& c, const Segment& segment) {
  Seq number = segment.ack;
  if (number > c.max_) {
    if (!planted(Planted::future_ack_accepted)) {
      challenge(c);
      return false;
    }
    number = c.max_;
  }
  // RFC 5961 §5.2: older than anything that can still be under way.
  if (number < c.una_ - std::max(c.window_max_, 0xFFFFu)) {
    challenge(c);
    return false;
  }
  const std::uint32_t window = static_cast<std::uint32_t>(segment.window) << c.peer_scale_;
  const Seq edge = segment.ack + window;
  if (c.timer_kind_ == TimerKind::persist) c.retries_ = 0;
  // RFC 5681 §2: (a) something is outstanding, (b) no data, (c) no SYN or FIN, (d) the same number, (e) the same window.
  const bool duplicate = number == c.una_ && c.una_ != c.max_ && segment.length() == 0 && edge == c.edge_;
  // An older segment must not set the window back: SND.WL1 and SND.WL2.
  if (number >= c.una_ && (c.wl1_ < segment.seq || (c.wl1_ == segment.seq && c.wl2_ <= segment.ack))) {
    if (edge != c.edge_) want_output(c);
    c.edge_ = edge;
    c.window_max_ = std::max(c.window_max_, window);
    c.wl1_ = segment.seq;
    c.wl2_ = segment.ack;
  }
  if (number > c.una_) {
    on_new_ack(c, number);
  } else if (duplicate) {
    on_duplicate_ack(c);
  }
  return !c.gone();
}

void Stack::on_new_ack(Connection& c, Seq number) {
  const std::uint32_t acknowledged = distance(c.una_, number);
  const std::uint32_t in_flight_before = distance(c.una_, c.nxt_);
  const bool was_limited = in_flight_before + c.mss_ > c.congestion_.window();
  const bool fin_covered = fin_sent(c.state_) && number == c.seq_at(c.send_queue_.end()) + 1;
  c.send_queue_.acknowledge(fin_covered ? c.send_queue_.end() : c.offset_at(number));
  c.una_ = number;
  c.nxt_ = later(c.nxt_, number);
  c.retries_ = 0;
  c.duplicate_acks_ = 0;
  // Karn: timed_ is dropped whenever anything is sent again, so this one was sent once, and so was everything before it.
  if (c.timing_ && number > c.timed_) {
    c.timing_ = false;
    c.rtt_.sample(now_ - c.timed_at_);
  }
  if (c.in_recovery_) {
    if (number > c.recover_) {
      c.in_recovery_ = false;
      c.retransmit_one_ = false;
      c.congestion_.on_recovered(c.in_flight());
    } else {
      // RFC 6582 §3.2 step 5: the next hole starts here.
      c.retransmit_one_ = true;
      c.congestion_.on_partial_ack(acknowledged);
    }
  } else {
    // A third duplicate of this same turn, not yet acted on, is void: what was missing has arrived.
    c.retransmit_one_ = false;
    if (was_limited) c.congestion_.on_ack(acknowledged);
  }
  set_retransmit(c);
  want_output(c);
  if (fin_covered) return on_fin_acked(c);
  if (c.send_queue_.empty() && c.sent_owed_) {
    c.sent_owed_ = false;
    c.events_->on_sent();
  }
}

void Stack::on_duplicate_ack(Connection& c) {
  ++c.duplicate_acks_;
  want_output(c);
  if (c.in_recovery_) return c.congestion_.on_further_duplicate();
  const std::uint32_t threshold = planted(Planted::fast_retransmit_at_once) ? 1 : duplicate_threshold;
  // RFC 6582 §3.2 step 2: not for duplicates that our own repetition caused. The first two let new segments out (RFC 3042, send_window).
  if (c.duplicate_acks_ >= threshold && c.una_ - 1 > c.recover_) c.retransmit_one_ = true;
}

// Called as the first lost segment goes out again, at the end of the turn in which the third duplicate came.
void Stack::enter_recovery(Connection& c) {
  ++counters_.fast_retransmits;
  c.in_recovery_ = true;
  c.recover_ = c.max_ - 1;
  c.congestion_.on_fast_retransmit(c.in_flight());
  for (std::uint32_t i = duplicate_threshold; i < c.duplicate_acks_; ++i) c.congestion_.on_further_duplicate();
}

void Stack::on_fin_acked(Connection& c) {
  if (c.state_ == State::last_ack) {
    if (c.sent_owed_) {
      c.sent_owed_ = false;
      c.events_->on_sent();
      if (c.gone()) return;
    }
    return close(c, CloseReason::finished);
  }
  c.move(Event::fin_acked);
  if (c.sent_owed_) {
    c.sent_owed_ = false;
    c.events_->on_sent();
    if (c.gone()) return;
  }
  if (c.state_ == State::time_wait) enter_time_wait(c);
}

}  // namespace pushmail::tcp
