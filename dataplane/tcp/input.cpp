// A segment arrives: RFC 9293 §3.10.7, in its order: sequence number, RST, SYN, ACK (ack.cpp), text, FIN.
//
// Came from: Stack::on_segment, parsed and with a valid checksum. Goes to: StreamEvents, and output.cpp for what must be answered.
#include "core/timers.h"
#include "dataplane/tcp/planted.h"
#include "dataplane/tcp/stack.h"

#include <algorithm>

namespace pushmail::tcp {

namespace {
// After a hole or a duplicate the peer's window is small, and it must not wait for our delay.
constexpr std::uint32_t quick_ack_count = 16;
constexpr std::uint32_t segments_per_ack = 2;
constexpr std::uint16_t mss_least = 48;  // a peer that says less would make us send headers only
}  // namespace

// §3.10.7.1: nobody knows this connection. A peer of a process that died learns it here and need not wait.
void Stack::answer_closed(const Segment& segment) {
  if (segment.has(rst)) return;
  if (segment.has(ack)) {
    send_reset(segment.tuple, segment.ack, std::nullopt);
  } else {
    send_reset(segment.tuple, Seq{0}, segment.seq + segment.length());
  }
}

// §3.10.7.2
void Stack::on_listen(const Segment& segment, std::uint64_t hash) {
  if (acceptor_of(segment.tuple.local) == nullptr) return answer_closed(segment);
  if (segment.has(ack)) return on_cookie(segment, hash);
  if (!accepts_syn_) return answer_closed(segment);
  if (segment.has(rst) || !segment.has(syn)) return;
  if (half_open_count_ >= config_.half_open_count_max) return send_cookie(segment, hash);
  (void)on_syn(segment, hash);
}

// Nothing when the budget of connections is spent.
Connection* Stack::on_syn(const Segment& segment, std::uint64_t hash) {
  Connection* c = new_connection(segment.tuple, hash);
  if (c == nullptr) {
    drop(Drop::connections_spent);
    return nullptr;
  }
  c->opened_ = Opened::by_peer;
  c->irs_ = segment.seq;
  c->rcv_nxt_ = segment.seq + 1;
  c->rcv_edge_ = c->rcv_nxt_;
  take_options(*c, segment);
  c->move(Event::syn_in);
  ++half_open_count_;
  want_output(*c);
  return c;
}

// Nothing is kept of this SYN. What it offers beside the MSS is lost, so we offer nothing either.
void Stack::send_cookie(const Segment& segment, std::uint64_t hash) {
  if (connection_count_ >= config_.connection_count_max) return drop(Drop::connections_spent);
  const Seq first = cookies_.make(hash, segment.seq, segment.options.mss.value_or(mss_default), now_);
  const Outgoing out{.tuple = &segment.tuple,
                     .tcp = {.source_port = segment.tuple.local.port,
                             .destination_port = segment.tuple.peer.port,
                             .seq = first,
                             .ack = segment.seq + 1,
                             .window = opening_window(),
                             .flags = syn | ack,
                             .options = {.mss = our_mss(), .window_scale = {}}}};
  if (transmit(out) == Sent::yes) ++counters_.cookies_sent;
}

// An ACK for a port that listens, and no connection: while cookies are out it may complete a handshake of which nothing is kept.
void Stack::on_cookie(const Segment& segment, std::uint64_t hash) {
  if (segment.has(rst) || segment.has(syn) || !cookies_.active(now_)) return answer_closed(segment);
  const auto mss = cookies_.mss_of(segment.ack - 1, hash, segment.seq - 1, now_);
  // No RST meanwhile: a segment that overtook the one with the cookie's number would kill the connection that this one is to make. The
  // peer sends both again.
  if (!mss) return drop(Drop::cookie_refused);
  Connection* c = new_connection(segment.tuple, hash);
  if (c == nullptr) return drop(Drop::connections_spent);
  c->opened_ = Opened::by_peer;
  c->iss_ = segment.ack - 1;
  c->una_ = c->edge_ = c->recover_ = c->retransmitted_until_ = c->iss_;
  c->nxt_ = c->max_ = c->iss_ + 1;
  c->irs_ = segment.seq - 1;
  c->rcv_nxt_ = segment.seq;
  c->rcv_edge_ = c->rcv_nxt_ + opening_window();
  c->mss_ = std::min(our_mss(), *mss);
  c->scaling_ = false;
  c->our_scale_ = 0;
  c->move(Event::syn_in);
  ++half_open_count_;
  ++counters_.cookies_accepted;
  // From here on it is a handshake like any other, whose last segment has just come: with its text, if it has any.
  on_connection(*c, segment);
}

// §3.10.7.4 in TIME-WAIT. A RST is not obeyed (RFC 1337): it would end the quiet time that this state is for.
void Stack::on_time_wait(std::uint32_t number, const Segment& segment) {
  if (segment.has(rst)) return;
  TimeWait entry = time_waits_.at(number);
  if (segment.has(syn) && !segment.has(ack) && segment.seq > entry.rcv_nxt && accepts_syn_ && acceptor_of(segment.tuple.local) != nullptr) {
    if (connection_count_ >= config_.connection_count_max) return drop(Drop::connections_spent);
    end_time_wait(number);
    // Our numbers start above those that the old connection used. A cookie cannot, so this SYN gets a record even when the half-open
    // budget is spent: nobody has an entry here who did not finish a handshake before.
    Connection& c = *on_syn(segment, entry.hash);
    c.iss_ = later(c.iss_, entry.snd_nxt + 0x10000);
    c.una_ = c.nxt_ = c.max_ = c.edge_ = c.recover_ = c.retransmitted_until_ = c.iss_;
    return;
  }
  if (segment.length() == 0 && segment.seq == entry.rcv_nxt) return;
  if (segment.has(fin)) {
    end_time_wait(number);
    entry.ends_at = now_ + config_.time_wait;
    table_.insert(entry.hash, time_waits_.push(entry) | time_wait_bit);
  }
  (void)transmit({.tuple = &entry.tuple,
                  .tcp = {.source_port = entry.tuple.local.port,
                          .destination_port = entry.tuple.peer.port,
                          .seq = entry.snd_nxt,
                          .ack = entry.rcv_nxt,
                          .window = static_cast<std::uint16_t>(entry.window),
                          .flags = ack,
                          .options = {}}});
}

void Stack::on_connection(Connection& c, const Segment& segment) {
  if (c.state_ == State::syn_sent) return in_syn_sent(c, segment);
  if (planted(Planted::blind_reset_accepted) && segment.has(rst)) return on_reset(c, segment);
  if (!acceptable(c, segment)) return;
  if (segment.has(rst)) {
    // RFC 5961 §3.2: only the exact number resets; anything else in the window is asked back.
    if (segment.seq == c.rcv_nxt_) return on_reset(c, segment);
    return challenge(c);
  }
  // RFC 5961 §4.2
  if (segment.has(syn)) return challenge(c);
  if (!segment.has(ack)) return;
  if (c.state_ == State::syn_received) {
    if (segment.ack <= c.una_ || segment.ack > c.max_) return send_reset(c.tuple_, segment.ack, std::nullopt);
    established(c, segment);
    if (c.gone()) return;
  }
  if (!on_ack(c, segment) || c.gone()) return;
  on_text(c, segment);
}

// §3.10.7.3
void Stack::in_syn_sent(Connection& c, const Segment& segment) {
  if (segment.has(ack) && (segment.ack <= c.iss_ || segment.ack > c.max_)) {
    if (!segment.has(rst)) send_reset(c.tuple_, segment.ack, std::nullopt);
    return;
  }
  if (segment.has(rst)) {
    if (segment.has(ack)) {
      ++counters_.resets_in;
      close(c, CloseReason::refused);
    }
    return;
  }
  if (!segment.has(syn)) return;
  c.irs_ = segment.seq;
  c.rcv_nxt_ = segment.seq + 1;
  c.rcv_edge_ = c.rcv_nxt_ + opening_window();
  take_options(c, segment);
  if (!segment.has(ack)) {
    // Simultaneous open: our SYN goes again, now with the acknowledgement of theirs.
    c.move(Event::syn_in);
    c.nxt_ = c.iss_;
    return want_output(c);
  }
  established(c, segment);
}

// The first acceptable acknowledgement of our SYN, on either side. What it carries besides is taken up by on_text.
void Stack::established(Connection& c, const Segment& segment) {
  const bool from_syn_sent = c.state_ == State::syn_sent;
  if (c.opened_ == Opened::by_peer) --half_open_count_;
  c.move(from_syn_sent ? Event::syn_ack_in : Event::syn_acked);
  // The window in a SYN is never scaled (RFC 7323 §2.2).
  const std::uint32_t window = static_cast<std::uint32_t>(segment.window) << (from_syn_sent ? 0 : c.peer_scale_);
  c.edge_ = segment.ack + window;
  c.window_max_ = window;
  c.wl1_ = segment.seq;
  c.wl2_ = segment.ack;
  if (c.timing_) c.rtt_.sample(now_ - c.timed_at_);
  c.timing_ = false;
  c.congestion_.start(c.mss_);
  if (c.retries_ > 0) {
    c.rtt_.after_lost_syn();
    c.congestion_.restart_after_lost_syn();
  }
  c.una_ = c.nxt_ = c.max_ = c.iss_ + 1;
  c.recover_ = c.iss_ - 1;
  c.retries_ = 0;
  stop_timer(c);
  want_output(c);
  if (c.opened_ == Opened::by_us) {
    ++counters_.opened;
    if (from_syn_sent) c.ack_now_ = true;
    c.events_->on_open();
    return;
  }
  ++counters_.accepted;
  acceptor_of(c.tuple_.local)->on_accept(c);
  if (!c.gone() && c.events_ == nullptr) c.abort();
}

void Stack::take_options(Connection& c, const Segment& segment) {
  const std::uint16_t ours = our_mss();
  const std::uint16_t theirs = std::max(segment.options.mss.value_or(mss_default), mss_least);
  c.mss_ = planted(Planted::mss_ignored) ? ours : std::min(ours, theirs);
  // RFC 7323 §2.2: both sides scale, or neither; a shift above 14 counts as 14 (§2.3).
  c.scaling_ = segment.options.window_scale.has_value();
  c.peer_scale_ = std::min<std::uint8_t>(segment.options.window_scale.value_or(0), 14);
  if (!c.scaling_) c.our_scale_ = 0;
}

// The four cases of §3.4. An unacceptable segment is answered with what we expect, and goes no further.
bool Stack::acceptable(Connection& c, const Segment& segment) {
  const std::uint32_t length = segment.length();
  const Seq last = segment.seq + length - 1;
  if (length == 0) {
    // Deviation: the right edge itself is taken too. It is where a peer stands that has filled our window and has only news to tell.
    if (c.rcv_nxt_ <= segment.seq && segment.seq <= c.rcv_edge_) return true;
    if (!segment.has(rst)) challenge(c);
    return false;
  }
  const auto inside = [&](Seq seq) { return c.rcv_nxt_ <= seq && seq < c.rcv_edge_; };
  if (inside(segment.seq) || inside(last)) return true;
  // Closed window: the text cannot be taken, but RST and ACK are heard (§3.10.7.4); on_text cuts the text off and answers.
  if (segment.seq == c.rcv_nxt_) return true;
  // It covers the whole window and more on both sides.
  if (segment.seq < c.rcv_nxt_ && last >= c.rcv_edge_) return true;
  if (segment.has(rst)) return false;
  ++counters_.duplicates;
  if (planted(Planted::duplicate_delivered_twice) && segment.seq + length == c.rcv_nxt_ && may_receive(c.state_)) {
    c.events_->on_data(segment.payload);
    if (c.gone()) return false;
  }
  c.quick_acks_ = quick_ack_count;
  c.ack_now_ = true;
  want_output(c);
  return false;
}

void Stack::on_reset(Connection& c, const Segment& segment) {
  ++counters_.resets_in;
  // Its acknowledgement counts before the record goes: a session must know what the peer had (Stream::acknowledged).
  if (synchronized(c.state_) && segment.has(ack) && c.una_ <= segment.ack && segment.ack <= c.max_) {
    c.nothing_more_arrived_ = true;
    if (segment.ack > c.una_) c.send_queue_.acknowledge(std::min(c.offset_at(segment.ack), c.send_queue_.end()));
  }
  close(c, c.state_ == State::syn_received && c.opened_ == Opened::by_us ? CloseReason::refused : CloseReason::reset_by_peer);
}

// §3.10.7.4, seventh and eighth: urgent data are read in line (§3.8.5), then the text, then the FIN.
void Stack::on_text(Connection& c, const Segment& segment) {
  if (!may_receive(c.state_)) return;
  Seq seq = segment.seq;
  ByteView text = segment.payload;
  bool ends = segment.has(fin);
  if (seq < c.rcv_nxt_) {
    text = text.subspan(std::min<std::size_t>(text.size(), distance(seq, c.rcv_nxt_)));
    seq = c.rcv_nxt_;
  }
  const std::uint32_t room = seq < c.rcv_edge_ ? distance(seq, c.rcv_edge_) : 0;
  if (text.size() + (ends ? 1 : 0) > room) {
    text = text.first(std::min<std::size_t>(text.size(), room));
    ends = false;  // the FIN is one number, and it did not fit either
    c.ack_now_ = true;
    want_output(c);
  }
  if (text.empty() && !ends) return;
  if (ends) {
    c.fin_known_ = true;
    c.fin_seq_ = seq + static_cast<std::uint32_t>(text.size());
  }
  if (seq != c.rcv_nxt_) {
    ++counters_.out_of_order;
    c.quick_acks_ = quick_ack_count;
    if (!keep_out_of_order(c, seq, text)) {
      // As if it had been lost. One answer a turn is enough then.
      c.fin_known_ = c.fin_known_ && !ends;
      c.ack_now_ = true;
      return want_output(c);
    }
    // RFC 5681 §4.2: at once and without data, since it is the third of these that the peer waits for.
    if (send_ack(c) == Sent::later) {
      c.ack_now_ = true;
      want_output(c);
    }
    return;
  }
  if (c.receive_queue_.has_holes()) c.ack_now_ = true;
  if (!deliver(c, text)) {
    c.fin_known_ = c.fin_known_ && !ends;
    c.ack_now_ = true;
    return want_output(c);
  }
  if (c.gone() || !deliver_behind(c)) return;
  if (c.fin_known_ && c.fin_seq_ == c.rcv_nxt_) return on_fin(c);
  ++c.unacknowledged_segments_;
  if (c.quick_acks_ > 0) {
    --c.quick_acks_;
    c.ack_now_ = true;
  }
  if (c.unacknowledged_segments_ >= segments_per_ack) c.ack_now_ = true;
  if (c.ack_now_) {
    want_output(c);
  } else {
    delay_ack(c);
  }
}

// False: the session does not read, and there is no memory to keep it.
bool Stack::deliver(Connection& c, ByteView bytes) {
  if (bytes.empty()) return true;
  if (must_hold(c) && !make_room(c, bytes.size())) {
    drop(Drop::receive_memory);
    return false;
  }
  c.rcv_nxt_ = c.rcv_nxt_ + static_cast<std::uint32_t>(bytes.size());
  if (must_hold(c)) {
    c.receive_queue_.hold(bytes);
  } else {
    c.events_->on_data(bytes);
  }
  return true;
}

// What has come into order by the bytes before it. False: the session closed meanwhile.
bool Stack::deliver_behind(Connection& c) {
  while (auto piece = c.receive_queue_.take_from(c.rcv_nxt_)) {
    c.rcv_nxt_ = c.rcv_nxt_ + static_cast<std::uint32_t>(piece->size());
    if (must_hold(c)) {
      c.receive_queue_.hold(std::move(*piece));
    } else {
      c.events_->on_data(*piece);
      if (c.gone()) return false;
    }
  }
  note_pieces(c);
  return true;
}

bool Stack::keep_out_of_order(Connection& c, Seq seq, ByteView text) {
  if (!make_room(c, text.size())) {
    drop(Drop::receive_memory);
    return false;
  }
  if (!c.receive_queue_.insert(seq, text)) {
    drop(Drop::receive_blocks);
    return false;
  }
  note_pieces(c);
  return true;
}

// Memory for `size` more bytes of `c`. When it is short, the connection that holds most behind a hole among the next few gives that up:
// none of it was acknowledged, so its peer sends it again. A few and not all, so that the work stays bounded.
bool Stack::make_room(Connection& c, std::size_t size) {
  constexpr std::size_t looked_at_max = 16;
  const std::uint64_t needed = size + ReceiveQueue::piece_overhead_size;
  if (receive_budget_.left() >= needed) return true;
  Connection* most = nullptr;
  for (std::size_t i = std::min(looked_at_max, holders_.size()); i > 0; --i) {
    next_holder_ = (next_holder_ + 1) % holders_.size();
    Connection& holder = *connections_[holders_[next_holder_]];
    if (most == nullptr || holder.receive_queue_.discardable_size() > most->receive_queue_.discardable_size()) most = &holder;
  }
  // Who would hold more than anybody else is the one that goes without.
  if (most == nullptr || most->receive_queue_.discardable_size() <= c.receive_queue_.memory_size() + needed) return false;
  most->receive_queue_.drop_pieces();
  note_pieces(*most);
  ++counters_.out_of_order_discarded;
  return receive_budget_.left() >= needed;
}

// Keeps holders_: call after pieces of `c` came or went.
void Stack::note_pieces(Connection& c) {
  if (c.receive_queue_.has_holes() == c.holder_index_.has_value()) return;
  if (!c.holder_index_) {
    c.holder_index_ = static_cast<std::uint32_t>(holders_.size());
    holders_.push_back(c.id_);
    return;
  }
  const std::uint32_t index = *c.holder_index_;
  holders_[index] = holders_.back();
  connections_[holders_[index]]->holder_index_ = index;
  holders_.pop_back();
  c.holder_index_.reset();
}

void Stack::on_fin(Connection& c) {
  c.rcv_nxt_ = c.rcv_nxt_ + 1;
  c.nothing_more_arrived_ = true;
  c.fin_known_ = false;
  c.receive_queue_.drop_pieces();
  note_pieces(c);
  c.ack_now_ = true;
  c.move(Event::fin_in);
  want_output(c);
  if (must_hold(c)) {
    c.end_pending_ = true;
  } else {
    c.events_->on_end();
  }
  if (!c.gone() && c.state_ == State::time_wait) enter_time_wait(c);
}

// Both directions are over: the last acknowledgement goes out, and a small entry stays to repeat it.
void Stack::enter_time_wait(Connection& c) {
  if (c.ack_now_) (void)send_ack(c);
  const TimeWait entry{.tuple = c.tuple_,
                       .hash = c.hash_,
                       .snd_nxt = c.max_,
                       .rcv_nxt = c.rcv_nxt_,
                       .window = std::min<std::uint32_t>(distance(c.rcv_nxt_, c.rcv_edge_) >> c.our_scale_, 0xFFFF),
                       .ends_at = now_ + config_.time_wait};
  close(c, CloseReason::finished);
  if (planted(Planted::time_wait_skipped)) return;
  table_.insert(entry.hash, time_waits_.push(entry) | time_wait_bit);
}

// An ACK with our numbers, but not so often that two sides that misunderstand each other could keep each other busy (RFC 5961 §7).
void Stack::challenge(Connection& c) {
  if (c.challenged_at_.ns != 0 && now_ - c.challenged_at_ < timers::tcp_challenge) return;
  c.challenged_at_ = now_;
  ++counters_.challenges;
  c.ack_now_ = true;
  want_output(c);
}

}  // namespace pushmail::tcp
