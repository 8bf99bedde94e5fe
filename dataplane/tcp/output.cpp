// What may be sent now. Connections that may have something stand in a FIFO; each is looked at once a turn: what is lost, then what is
// new as far as both windows let it, then FIN, else one ACK. The FIFO stops when the device is full and goes on there next turn.
//
// Came from: Stream::send and finish, input.cpp, ack.cpp, timers.cpp. Goes to: frames. RFC 9293 §3.8.6, RFC 5681, RFC 3042.
#include "dataplane/tcp/planted.h"
#include "dataplane/tcp/stack.h"

#include <algorithm>

namespace pushmail::tcp {

namespace {
constexpr std::uint8_t protocol_tcp = 6;
// How far rounding up to the window's unit may carry the announced edge beyond the buffer.
constexpr std::uint32_t window_slack = 1024;

std::uint32_t room(Seq from, Seq to) { return from < to ? distance(from, to) : 0; }
}  // namespace

void Stack::run_output() {
  for (std::size_t n = output_.size(); n > 0; --n) {
    Connection& c = *connections_[output_.front()];
    if (!c.gone() && output(c) == Sent::later) return;
    c.in_output_ = false;
    output_.pop_front();
  }
}

Stack::Sent Stack::output(Connection& c) {
  const auto hop = next_hop(c.tuple_.peer.ip.v4());
  if (!hop) {
    close(c, CloseReason::unreachable);
    return Sent::yes;
  }
  const bool stranger = c.opened_ == Opened::by_peer && !synchronized(c.state_);
  const auto mac = mac_of(*hop, stranger ? Neighbours::Asker::stranger : Neighbours::Asker::us);
  if (!mac) {
    if (mac.error() == Neighbours::NoMac::refused) {
      drop(Drop::no_neighbour);
      close(c, CloseReason::unreachable);
      return Sent::yes;
    }
    c.waits_for_neighbour_ = true;
    waiting_.push_back(c.id_);
    return Sent::yes;
  }
  if (!synchronized(c.state_)) {
    if (c.nxt_ == c.iss_ && send_syn(c) == Sent::later) return Sent::later;
  } else {
    if (c.retransmit_one_ && retransmit_first(c) == Sent::later) return Sent::later;
    if (send_data(c) == Sent::later) return Sent::later;
    if (c.window_update_) {
      c.window_update_ = false;
      if (window_growth(c) > 0) c.ack_now_ = true;
    }
  }
  return c.ack_now_ ? send_ack(c) : Sent::yes;
}

// What a SYN can promise: 16 bits without a scale, and a whole number of units, so that no later rounding moves the edge.
std::uint16_t Stack::opening_window() const {
  const std::uint32_t window = std::min<std::uint32_t>(config_.receive_window_size, 0xFFFF);
  return static_cast<std::uint16_t>(window >> our_scale_ << our_scale_);
}

Stack::Sent Stack::send_syn(Connection& c) {
  const bool answering = c.state_ == State::syn_received;
  TcpOptions options;
  options.mss = our_mss();
  if (!answering || c.scaling_) options.window_scale = our_scale_;
  const std::uint16_t window = opening_window();
  const Outgoing out{.tuple = &c.tuple_,
                     .tcp = {.source_port = c.tuple_.local.port,
                             .destination_port = c.tuple_.peer.port,
                             .seq = c.iss_,
                             .ack = answering ? c.rcv_nxt_ : Seq{0},
                             .window = window,
                             .flags = static_cast<std::uint8_t>(answering ? syn | ack : syn),
                             .options = options}};
  if (transmit(out) == Sent::later) return Sent::later;
  if (answering) c.rcv_edge_ = later(c.rcv_edge_, c.rcv_nxt_ + window);
  c.nxt_ = c.iss_ + 1;
  after_send(c, c.iss_, c.nxt_);
  return Sent::yes;
}

// Where the next byte must stop: the peer's window and the congestion window, from una.
std::uint32_t Stack::send_window(const Connection& c) const {
  std::uint32_t window = c.congestion_.window();
  // RFC 3042: the first two duplicates each let one new segment out.
  if (!c.in_recovery_ && c.nxt_ == c.max_) window += std::min(c.duplicate_acks_, 2u) * c.mss_;
  if (planted(Planted::window_ignored)) return window;
  return std::min(window, room(c.una_, c.edge_));
}

Stack::Sent Stack::send_data(Connection& c) {
  if (!may_send(c.state_) && !fin_sent(c.state_)) return Sent::yes;
  while (true) {
    const Seq end = c.seq_at(c.send_queue_.end());
    const std::uint32_t unsent = room(c.nxt_, end);
    const bool ends = c.fin_queued_ && c.nxt_ <= end;
    if (unsent == 0 && !ends) break;
    const std::uint32_t usable = room(c.nxt_, c.una_ + send_window(c));
    const std::uint32_t whole = std::min(c.mss_, unsent);
    std::uint32_t size = std::min(whole, usable);
    if (size < whole || usable == 0) {
      // RFC 9293 §3.8.6.2.1: no silly small pieces, unless it is much for this peer, or the override timer has expired.
      const bool worth_it = size > 0 && (size >= c.window_max_ / 2 || c.force_send_);
      if (!worth_it) break;
    }
    const bool with_fin = ends && size == unsent && usable > size;
    if (size == 0 && !with_fin) break;
    const Seq seq = c.nxt_;
    if (send_piece(c, seq, size, with_fin ? static_cast<std::uint8_t>(ack | fin) : ack) == Sent::later) return Sent::later;
    c.nxt_ = seq + size + (with_fin ? 1u : 0u);
    after_send(c, seq, c.nxt_);
    if (with_fin && may_send(c.state_)) {
      c.move(Event::fin_out);
      if (planted(Planted::data_after_fin)) send_planted_after_fin(c);
    }
    c.force_send_ = false;
  }
  const bool waiting = c.nxt_ < c.seq_at(c.send_queue_.end()) + (c.fin_queued_ ? 1u : 0u);
  if (!waiting || c.nxt_ != c.una_) {
    c.force_send_ = false;
    return Sent::yes;
  }
  // Only the peer's window holds us: ask for it until it opens (RFC 9293 §3.8.6.1).
  if (c.force_send_) {
    // Deviation: the probe carries an old number and no data instead of a byte beyond the window. Every receiver answers it with its
    // window (§3.10.7.4, first), and nothing has to be taken back if it stays closed.
    const Outgoing probe{.tuple = &c.tuple_,
                         .tcp = {.source_port = c.tuple_.local.port,
                                 .destination_port = c.tuple_.peer.port,
                                 .seq = c.una_ - 1,
                                 .ack = c.rcv_nxt_,
                                 .window = announce(c),
                                 .flags = ack,
                                 .options = {}}};
    if (transmit(probe) == Sent::later) return Sent::later;
    ++counters_.probes;
    c.force_send_ = false;
  }
  if (c.timer_kind_ == TimerKind::none && !planted(Planted::persist_missing)) start_persist(c);
  return Sent::yes;
}

// Only for the proof of the checker: a byte where the FIN said there would be none.
void Stack::send_planted_after_fin(Connection& c) {
  if (c.send_queue_.empty()) return;
  (void)transmit({.tuple = &c.tuple_,
                  .tcp = {.source_port = c.tuple_.local.port,
                          .destination_port = c.tuple_.peer.port,
                          .seq = c.nxt_,
                          .ack = c.rcv_nxt_,
                          .window = announce(c),
                          .flags = ack,
                          .options = {}},
                  .queue = &c.send_queue_,
                  .offset = c.send_queue_.end() - 1,
                  .size = 1});
}

// The segment at una again: third duplicate, or the next hole of a recovery.
Stack::Sent Stack::retransmit_first(Connection& c) {
  const Seq end = c.seq_at(c.send_queue_.end());
  const std::uint32_t size = std::min({c.mss_, room(c.una_, end), room(c.una_, c.max_)});
  const bool with_fin = fin_sent(c.state_) && c.una_ + size == end && c.max_ > end;
  if (size > 0 || with_fin) {
    if (send_piece(c, c.una_, size, with_fin ? static_cast<std::uint8_t>(ack | fin) : ack) == Sent::later) return Sent::later;
    after_send(c, c.una_, c.una_ + size + (with_fin ? 1u : 0u));
    if (!c.in_recovery_) enter_recovery(c);
  }
  c.retransmit_one_ = false;
  return Sent::yes;
}

Stack::Sent Stack::send_piece(Connection& c, Seq seq, std::uint32_t size, std::uint8_t flags) {
  if (planted(Planted::fin_lost) && (flags & fin) != 0 && seq < c.max_) return Sent::yes;
  const std::uint64_t offset = c.offset_at(seq);
  if (size > 0 && offset + size == c.send_queue_.end()) flags |= psh;
  return transmit(
      {.tuple = &c.tuple_,
       .tcp = {.source_port = c.tuple_.local.port,
               .destination_port = c.tuple_.peer.port,
               .seq = seq,
               .ack = c.rcv_nxt_,
               .window = announce(c),
               .flags = flags,
               .options = {}},
       .queue = size > 0 ? &c.send_queue_ : nullptr,
       .offset = planted(Planted::retransmits_wrong_bytes) && seq < c.max_ && offset + size < c.send_queue_.end() ? offset + 1 : offset,
       .size = size});
}

Stack::Sent Stack::send_ack(Connection& c) {
  Seq number = c.rcv_nxt_;
  if (planted(Planted::unsent_acknowledged) && c.receive_queue_.has_holes()) number = number + 1;
  // max and not nxt: while old segments are being repeated, nxt lies where the peer no longer listens.
  const Outgoing out{.tuple = &c.tuple_,
                     .tcp = {.source_port = c.tuple_.local.port,
                             .destination_port = c.tuple_.peer.port,
                             .seq = c.max_,
                             .ack = number,
                             .window = announce(c),
                             .flags = ack,
                             .options = {}}};
  if (transmit(out) == Sent::later) return Sent::later;
  c.ack_now_ = false;
  c.ack_at_ = {};
  c.unacknowledged_segments_ = 0;
  return Sent::yes;
}

// What a connection may be offered: all of its window while memory is plenty, a part of what is left when it is not. One that reads keeps
// a few segments, which it takes as they come; only one that does not read must be kept waiting.
std::uint32_t Stack::receive_window(const Connection& c) const {
  constexpr std::uint64_t sharers = 16;
  const std::uint64_t least = must_hold(c) ? 0 : std::uint64_t{4} * facts_.mtu;
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(config_.receive_window_size, std::max(receive_budget_.left() / sharers, least)));
}

// How far the announced edge could move right, if far enough to be worth saying (RFC 9293 §3.8.6.2.2).
std::uint32_t Stack::window_growth(const Connection& c) const {
  // A SYN-ACK that must be repeated cannot say more than 64 KiB, so nothing before it is acknowledged may.
  if (!synchronized(c.state_)) return 0;
  const std::uint32_t size = receive_window(c);
  const auto held = static_cast<std::uint32_t>(c.receive_queue_.ready_size());
  const std::uint32_t growth = room(c.rcv_edge_, c.rcv_nxt_ + (held < size ? size - held : 0));
  return growth >= std::min(size / 2, facts_.mtu) ? growth : 0;
}

// The window field for a segment that goes out now. Rounded up to its unit, since rounding down would move the edge left, and what was
// really said is remembered.
std::uint16_t Stack::announce(Connection& c) {
  const Seq target = c.rcv_edge_ + window_growth(c);
  const std::uint32_t window = room(c.rcv_nxt_, target);
  const std::uint32_t unit = std::uint32_t{1} << c.our_scale_;
  // A peer that sends byte by byte into a closed window gains a little by every rounding; here that ends.
  const bool too_far = c.receive_queue_.ready_size() > config_.receive_window_size + window_slack;
  std::uint32_t field = std::min<std::uint32_t>((window + (too_far ? 0 : unit - 1)) >> c.our_scale_, 0xFFFF);
  if (planted(Planted::window_edge_shrinks) && c.receive_queue_.has_holes()) field /= 2;
  if (planted(Planted::window_scale_ignored)) return static_cast<std::uint16_t>(std::min<std::uint32_t>(window, 0xFFFF));
  c.rcv_edge_ = later(c.rcv_edge_, c.rcv_nxt_ + (field << c.our_scale_));
  return static_cast<std::uint16_t>(field);
}

// Book-keeping of [seq, end), which has just gone out with our acknowledgement.
void Stack::after_send(Connection& c, Seq seq, Seq end) {
  c.ack_now_ = false;
  c.ack_at_ = {};
  c.unacknowledged_segments_ = 0;
  if (seq < c.max_) {
    ++counters_.retransmissions;
    if (!planted(Planted::karn_ignored)) {
      c.timing_ = false;
      c.retransmitted_until_ = later(c.retransmitted_until_, c.max_);
    }
  } else if (!c.timing_ && c.una_ >= c.retransmitted_until_) {
    c.timing_ = true;
    c.timed_ = seq;
    c.timed_at_ = now_;
  }
  c.max_ = later(c.max_, end);
  c.probe_count_ = 0;
  if (c.timer_kind_ != TimerKind::retransmit) start_timer(c, TimerKind::retransmit, now_ + c.rtt_.rto());
}

void Stack::send_reset(const Tuple& tuple, Seq seq, std::optional<Seq> number) {
  const Outgoing out{.tuple = &tuple,
                     .tcp = {.source_port = tuple.local.port,
                             .destination_port = tuple.peer.port,
                             .seq = seq,
                             .ack = number.value_or(Seq{0}),
                             .window = 0,
                             .flags = static_cast<std::uint8_t>(number ? rst | ack : rst),
                             .options = {}}};
  if (transmit(out) == Sent::yes) ++counters_.resets_out;
}

Stack::Sent Stack::transmit(const Outgoing& out) {
  const std::uint32_t destination = out.tuple->peer.ip.v4();
  const auto hop = next_hop(destination);
  const auto mac = hop ? mac_of(*hop, Neighbours::Asker::stranger) : std::unexpected(Neighbours::NoMac::refused);
  if (!mac) {
    drop(Drop::no_neighbour);
    return Sent::later;
  }
  auto frame = new_frame();
  if (!frame) return Sent::later;
  const std::size_t header_size = tcp_header_size(out.tcp.options);
  const Ipv4Out ip{.destination_mac = *mac,
                   .source_mac = facts_.mac,
                   .source = config_.address.v4(),
                   .destination = destination,
                   .protocol = protocol_tcp,
                   .payload_size = header_size + out.size,
                   .checksum = facts_.checksum_out};
  build_ipv4(*frame, ip);
  build_tcp(*frame, out.tcp);
  if (out.queue != nullptr) out.queue->read(out.offset, {frame->data + ethernet_size + ipv4_size + header_size, out.size});
  finish_tcp(*frame, ip);
  outgoing_.push_back(*frame);
  ++counters_.segments_out;
  return Sent::yes;
}

}  // namespace pushmail::tcp
