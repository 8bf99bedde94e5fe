// Deadlines of a connection: retransmission (RFC 6298), persist (RFC 9293 §3.8.6.1) and the delayed acknowledgement (§3.8.6.3).
// The wheel holds one entry per connection; it may be early, never late, and an early one only arms itself again.
//
// Came from: Stack::poll. Goes to: output.cpp, which sends what a time-out made due.
#include "dataplane/tcp/planted.h"
#include "dataplane/tcp/stack.h"

#include <algorithm>

namespace pushmail::tcp {

namespace {
constexpr std::uint32_t retries_at_this_size = 3;
constexpr std::size_t mss_in_tunnels = 1024;  // RFC 4821 §7.2
}  // namespace

void Stack::on_timer(Connection& c) {
  if (c.ack_at_.ns != 0 && c.ack_at_ <= now_) {
    c.ack_at_ = {};
    if (!planted(Planted::ack_not_sent)) c.ack_now_ = true;
    want_output(c);
  }
  if (c.timer_kind_ != TimerKind::none && c.retransmit_at_ <= now_) {
    const TimerKind kind = c.timer_kind_;
    stop_timer(c);
    if (kind == TimerKind::retransmit) {
      on_retransmit_timeout(c);
    } else {
      on_persist(c);
    }
  }
  if (!c.gone()) arm(c);
}

void Stack::on_retransmit_timeout(Connection& c) {
  ++counters_.timeouts;
  const bool opening = !synchronized(c.state_);
  if (++c.retries_ > retry_count_max(c)) {
    if (opening && c.opened_ == Opened::by_peer) ++counters_.half_open_expired;
    return close(c, CloseReason::timed_out);
  }
  // RFC 6298 (5.4) to (5.7): the earliest segment again, the time-out doubled; RFC 5681 §3.1: one segment of window.
  c.rtt_.back_off();
  if (!planted(Planted::karn_ignored)) c.timing_ = false;
  c.nxt_ = c.una_;
  if (!opening) {
    // RFC 4821: a narrower hop may drop what is large without a word that reaches us.
    const std::uint32_t largest = std::min(c.mss_, c.in_flight());
    if (c.retries_ >= retries_at_this_size) shrink_segments(c, largest > mss_in_tunnels ? mss_in_tunnels : mss_default);
    c.congestion_.on_timeout(c.in_flight(), c.retries_ == 1);
    // RFC 6582 §4: duplicates of what is sent again now must not start a recovery.
    c.recover_ = c.max_ - 1;
    c.in_recovery_ = false;
    c.retransmit_one_ = false;
    c.duplicate_acks_ = 0;
  }
  c.retransmitted_until_ = c.max_;
  want_output(c);
}

// From here on; bytes that are under way go again in smaller pieces. Whether that is a change.
bool Stack::shrink_segments(Connection& c, std::size_t mss) {
  mss = std::max<std::size_t>(mss, mss_default);
  if (mss >= c.mss_ || c.in_flight() <= mss) return false;
  c.mss_ = static_cast<std::uint32_t>(mss);
  c.congestion_.set_mss(c.mss_);
  return true;
}

// A handshake that a peer began gets less patience than ours, and least when many are open: a spoofed SYN holds its place for seconds.
std::uint32_t Stack::retry_count_max(const Connection& c) const {
  if (synchronized(c.state_)) return config_.retry_count_max;
  if (c.opened_ == Opened::by_us) return config_.syn_retry_count_max;
  return half_open_count_ * 2 > config_.half_open_count_max ? config_.syn_ack_retry_count_pressed : config_.syn_ack_retry_count_max;
}

// The window is closed, or too small to be worth a segment, and nothing is in flight that would bring news.
void Stack::on_persist(Connection& c) {
  if (++c.retries_ > config_.retry_count_max) return close(c, CloseReason::timed_out);
  ++c.probe_count_;
  c.force_send_ = true;
  want_output(c);
}

void Stack::start_timer(Connection& c, TimerKind kind, Instant at) {
  c.timer_kind_ = kind;
  c.retransmit_at_ = at;
  arm(c);
}

// Probes back off like retransmissions, but leave the time-out of real data alone.
void Stack::start_persist(Connection& c) {
  const std::int64_t wait = c.rtt_.rto().ns << std::min(c.probe_count_, 10u);
  start_timer(c, TimerKind::persist, now_ + Duration{std::min(wait, Rtt::ceiling.ns)});
}

void Stack::stop_timer(Connection& c) {
  c.timer_kind_ = TimerKind::none;
  c.retransmit_at_ = {};
}

// RFC 6298 (5.2), (5.3): off when all is acknowledged, otherwise from now.
void Stack::set_retransmit(Connection& c) {
  if (c.una_ == c.max_) {
    stop_timer(c);
  } else {
    start_timer(c, TimerKind::retransmit, now_ + c.rtt_.rto());
  }
}

void Stack::delay_ack(Connection& c) {
  if (c.ack_at_.ns != 0) return;
  c.ack_at_ = now_ + config_.delayed_ack;
  arm(c);
}

void Stack::arm(Connection& c) {
  Instant first = c.ack_at_;
  if (c.timer_kind_ != TimerKind::none && (first.ns == 0 || c.retransmit_at_ < first)) first = c.retransmit_at_;
  if (first.ns == 0) return;
  if (wheel_.armed(c.id_) && c.armed_at_ <= first) return;
  wheel_.arm(c.id_, first);
  c.armed_at_ = first;
}

}  // namespace pushmail::tcp
