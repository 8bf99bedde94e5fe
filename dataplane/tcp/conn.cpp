#include "dataplane/tcp/conn.h"

#include "dataplane/tcp/stack.h"

namespace pushmail::tcp {

Connection::Connection(Stack& stack, std::uint32_t id) : stack_(stack), id_(id), receive_queue_(stack.receive_budget_) {}

void Connection::send(ByteView bytes) {
  if (gone() || fin_queued_ || bytes.empty()) return;
  send_queue_.copy(bytes);
  sent_owed_ = true;
  stack_.want_output(*this);
}

void Connection::send_lent(LentBytes lent) {
  if (gone() || fin_queued_) {
    // Nobody will read it any more: given back at once.
    if (lent.release != nullptr) lent.release(lent.context);
    return;
  }
  if (!lent.bytes.empty()) sent_owed_ = true;
  send_queue_.lend(lent);
  stack_.want_output(*this);
}

void Connection::finish() {
  if (gone() || fin_queued_) return;
  fin_queued_ = true;
  stack_.want_output(*this);
}

// RFC 9293 §3.10.5: a reset where the peer has something to reset.
void Connection::abort() {
  if (dead_) return;
  if (!gone()) {
    if (state_ != State::syn_sent) stack_.send_reset(tuple_, max_, rcv_nxt_);
    stack_.close(*this, CloseReason::aborted);
    return;
  }
  // Closed by the protocol, but the application had not taken everything.
  receive_queue_.clear();
  stack_.note_pieces(*this);
  end_pending_ = false;
  reason_ = CloseReason::aborted;
  dead_ = true;
  stack_.dead_.push_back(id_);
}

void Connection::resume_reading() {
  paused_ = false;
  if (!dead_) stack_.want_delivery(*this);
}

Acknowledged Connection::acknowledged() const {
  return {.size = gone() ? acknowledged_size_ : send_queue_.begin(), .is_last = nothing_more_arrived_};
}

void Connection::check() const {
  send_queue_.check();
  receive_queue_.check(rcv_nxt_);
  if (gone()) {
    PM_CHECK(send_queue_.empty() && timer_kind_ == TimerKind::none && ack_at_.ns == 0);
    PM_CHECK(dead_ || undelivered());
    return;
  }
  PM_CHECK(una_ <= nxt_ && nxt_ <= max_);
  // SYN, the queued bytes and FIN are all that can ever be sent.
  PM_CHECK(max_ <= seq_at(send_queue_.end()) + (fin_sent(state_) ? 1u : 0u));
  if (synchronized(state_)) {
    PM_CHECK(una_ == seq_at(send_queue_.begin()) || (fin_sent(state_) && una_ == seq_at(send_queue_.end()) + 1));
    PM_CHECK(rcv_nxt_ <= rcv_edge_);
  }
  PM_CHECK((timer_kind_ == TimerKind::none) == (retransmit_at_.ns == 0));
  if (timer_kind_ == TimerKind::retransmit) PM_CHECK(una_ != max_);
  PM_CHECK(rtt_.rto() <= Rtt::ceiling);
  PM_CHECK(!timing_ || (una_ <= timed_ && timed_ < max_));
}

}  // namespace pushmail::tcp
