// The record of one connection (RFC 9293 §3.3.1): numbers, queues, deadlines. What happens to it stands in input.cpp, ack.cpp,
// output.cpp and timers.cpp, which are the Stack's; the record itself is the Stream that a session holds.
//
// Came from: Stack::connect or a SYN. Goes to: TIME-WAIT or nothing, once on_close has returned.
// Invariant: check(), called after every step of the simulation.
#pragma once

#include "dataplane/tcp/congestion.h"
#include "dataplane/tcp/recvq.h"
#include "dataplane/tcp/rtt.h"
#include "dataplane/tcp/sendq.h"
#include "dataplane/tcp/state.h"
#include "dataplane/tcp/table.h"

namespace pushmail::tcp {

class Stack;

enum class Opened : std::uint8_t { by_us, by_peer };
/// The largest segment of a peer that names none (RFC 9293 §3.7.1): every hop takes it.
inline constexpr std::uint16_t mss_default = 536;
/// What retransmit_at means: retransmission and persist never run together (RFC 9293 §3.8.6.1).
enum class TimerKind : std::uint8_t { none, retransmit, persist };

class Connection final : public Stream {
 public:
  Connection(Stack& stack, std::uint32_t id);

  void set_events(StreamEvents& events) override { events_ = &events; }
  void send(ByteView bytes) override;
  void send_lent(LentBytes lent) override;
  void finish() override;
  void abort() override;
  void pause_reading() override { paused_ = true; }
  void resume_reading() override;
  [[nodiscard]] Endpoint peer() const override { return tuple_.peer; }
  [[nodiscard]] Acknowledged acknowledged() const override;

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] const Rtt& rtt() const { return rtt_; }
  /// Every rule that must hold between two steps; a broken one stops the program.
  void check() const;

 private:
  friend class Stack;

  [[nodiscard]] bool gone() const { return state_ == State::closed; }
  void move(Event event) { state_ = next_state(state_, event); }
  /// Where a stream offset lies in sequence space: the SYN takes the first number.
  [[nodiscard]] Seq seq_at(std::uint64_t offset) const { return iss_ + 1 + static_cast<std::uint32_t>(offset); }
  /// The stream offset of a sequence number between the first unacknowledged byte and the last queued one.
  [[nodiscard]] std::uint64_t offset_at(Seq seq) const { return send_queue_.begin() + distance(seq_at(send_queue_.begin()), seq); }
  [[nodiscard]] std::uint32_t in_flight() const { return distance(una_, max_); }
  [[nodiscard]] bool undelivered() const { return receive_queue_.ready_size() > 0 || end_pending_; }

  Stack& stack_;
  std::uint32_t id_;
  State state_ = State::closed;
  Opened opened_ = Opened::by_us;
  StreamEvents* events_ = nullptr;
  Tuple tuple_;
  std::uint64_t hash_ = 0;

  // Sending. una <= nxt <= max; nxt falls back to una after a time-out and everything up to max is sent again.
  Seq iss_, una_, nxt_, max_;
  Seq edge_;       // right edge of the peer's window, an absolute number so that old segments cannot stretch it
  Seq wl1_, wl2_;  // sequence and acknowledgement number of the segment that set edge_
  std::uint32_t window_max_ = 0;
  std::uint32_t mss_ = 536;
  std::uint8_t peer_scale_ = 0;
  bool fin_queued_ = false;
  bool sent_owed_ = false;  // on_sent is due when the queue runs empty
  SendQueue send_queue_;
  std::uint64_t acknowledged_size_ = 0;  // set as the record leaves the protocol; until then the queue knows
  Rtt rtt_;
  Congestion congestion_;
  Seq recover_;  // NewReno: the highest number sent when the last loss was found
  std::uint32_t duplicate_acks_ = 0;
  bool in_recovery_ = false;
  bool retransmit_one_ = false;  // the segment at una is due: third duplicate or partial acknowledgement
  bool timing_ = false;
  Seq timed_;  // the segment whose round trip is measured
  Instant timed_at_;
  Seq retransmitted_until_;        // nothing below may be timed
  std::uint32_t retries_ = 0;      // time-outs, or unanswered probes, in a row
  std::uint32_t probe_count_ = 0;  // since the window closed

  // Receiving.
  Seq irs_, rcv_nxt_;
  Seq rcv_edge_;  // right edge that we announced; never moves left
  std::uint8_t our_scale_ = 0;
  bool scaling_ = true;  // both sides sent the option, or we have not heard the other yet
  bool paused_ = false;
  bool nothing_more_arrived_ = false;  // FIN, a RST that names what came, or the end while nothing was in flight
  bool end_pending_ = false;           // FIN came, on_end waits for the bytes before it
  bool fin_known_ = false;             // a FIN came ahead of missing data
  Seq fin_seq_;
  ReceiveQueue receive_queue_;
  std::uint32_t unacknowledged_segments_ = 0;
  std::uint32_t quick_acks_ = 0;
  bool ack_now_ = false;
  bool window_update_ = false;
  Instant challenged_at_;

  // Deadlines; {0}: none. The wheel holds the earliest, or an earlier one that has become void.
  TimerKind timer_kind_ = TimerKind::none;
  Instant retransmit_at_;
  Instant ack_at_;
  Instant armed_at_;
  bool force_send_ = false;  // persist expired while the window was open but small

  bool in_output_ = false;
  bool in_resumed_ = false;
  std::optional<std::uint32_t> holder_index_;  // place in Stack::holders_
  bool waits_for_neighbour_ = false;
  bool dead_ = false;
  CloseReason reason_ = CloseReason::aborted;
};

}  // namespace pushmail::tcp
