#include "dataplane/tcp/stack.h"

#include <algorithm>

#include "dataplane/tcp/errors.h"
#include "dataplane/tcp/planted.h"

namespace pushmail::tcp {

namespace {

constexpr std::size_t burst_size = 32;
// A turn's own cost is spread over as many as wait, so that a flood of small frames does not push others out of the device's queue; more
// would keep timers and what there is to send waiting.
constexpr std::size_t frames_a_turn_max = 8 * burst_size;
constexpr std::size_t backlog_max = 256;
constexpr std::uint16_t arp_request = 1;
constexpr std::uint16_t arp_reply = 2;
constexpr std::uint8_t protocol_icmp = 1;
constexpr std::uint8_t protocol_tcp = 6;
constexpr std::uint16_t port_first = 49'152;  // RFC 6335 §6: dynamic ports
constexpr std::uint32_t port_count = 65'536 - port_first;

// RFC 9293 §3.8.6 with RFC 7323 §2.3: the smallest shift that lets 16 bits say the whole window.
std::uint8_t scale_for(std::uint32_t window_size) {
  std::uint8_t scale = 0;
  while (scale < 14 && (window_size >> scale) > 0xFFFF) ++scale;
  return scale;
}

// Further keys out of the same secret: what the table leaks by its timing must not tell sequence numbers, nor those tell cookies.
HashKey derived_key(HashKey key, std::uint8_t with) {
  for (std::uint8_t& byte : key) byte = static_cast<std::uint8_t>(byte ^ with);
  return key;
}

bool is_unicast(std::uint32_t ip) { return ip != 0 && ip >> 28 < 0xE && ip >> 24 != 127; }

}  // namespace

Stack::Stack(FrameDevice& device, const StackConfig& config, Instant now)
    : device_(device),
      facts_(device.facts()),
      config_(config),
      sequence_key_(derived_key(config.secret, 0x5C)),
      cookies_(derived_key(config.secret, 0x36)),
      now_(now),
      receive_budget_(config.receive_memory_size_max),
      wheel_(now) {
  PM_CHECK(config_.address.is_v4());
  our_scale_ = scale_for(config_.receive_window_size);
  if (config_.gateway && config_.gateway_mac) neighbours_.fix(config_.gateway->v4(), *config_.gateway_mac);
  port_offset_ = static_cast<std::uint32_t>(siphash(config_.secret, bytes_of("ports")));
  // Gratuitous ARP: peers that knew another MAC for our address, or none, learn it now.
  if (auto frame = new_frame()) {
    build_arp(*frame, {.operation = arp_request,
                       .destination = broadcast_mac,
                       .sender_mac = facts_.mac,
                       .sender_ip = config_.address.v4(),
                       .target_mac = {},
                       .target_ip = config_.address.v4()});
    outgoing_.push_back(*frame);
  }
}

Stack::~Stack() {
  for (const Frame& frame : outgoing_) device_.release(frame);
}

Result<void> Stack::listen(const Endpoint& local, Acceptor& acceptor) {
  if (local.ip != config_.address && local.ip != IpAddress::v4(0) && local.ip != IpAddress{}) return fail(tcp_not_ours);
  for (const Listener& listener : listeners_) {
    if (listener.local.port == local.port) return fail(tcp_port_taken);
  }
  listeners_.push_back({local, &acceptor});
  return {};
}

Result<Stream*> Stack::connect(const Endpoint& peer, StreamEvents& events) {
  if (!peer.ip.is_v4() || !is_unicast(peer.ip.v4()) || !next_hop(peer.ip.v4())) return fail(tcp_no_route);
  if (connection_count_ >= config_.connection_count_max) return fail(tcp_no_connections);
  // RFC 6056 §3.3.3: a walk over the ports that starts at a place which depends on the peer and a secret.
  Tuple tuple{{config_.address, 0}, peer};
  const auto start = static_cast<std::uint32_t>(hash_of(sequence_key_, tuple));
  for (std::uint32_t i = 0; i < port_count; ++i) {
    tuple.local.port = static_cast<std::uint16_t>(port_first + (start + port_offset_++) % port_count);
    const std::uint64_t hash = hash_of(config_.secret, tuple);
    const bool used = table_
                          .find(hash,
                                [&](std::uint32_t value) {
                                  return (value & time_wait_bit) != 0 ? time_waits_.at(value & TimeWaitQueue::number_mask).tuple == tuple
                                                                      : connections_[value]->tuple_ == tuple;
                                })
                          .has_value();
    if (used) continue;
    Connection* c = new_connection(tuple, hash);
    if (c == nullptr) return fail(tcp_no_connections);
    c->opened_ = Opened::by_us;
    c->events_ = &events;
    c->move(Event::active_open);
    want_output(*c);
    return c;
  }
  return fail(tcp_no_port);
}

// The turn.
std::size_t Stack::poll(Instant now) {
  now_ = now;
  std::array<Frame, burst_size> frames;
  std::size_t work = 0;
  for (std::size_t received = burst_size; received == burst_size && work < frames_a_turn_max; work += received) {
    received = device_.receive(frames);
    for (std::size_t i = 0; i < received; ++i) {
      ++counters_.frames_in;
      const std::uint64_t holes = counters_.out_of_order;
      on_frame(frames[i].bytes());
      if (planted(Planted::frame_leaked) && counters_.out_of_order != holes) continue;
      device_.release(frames[i]);
    }
  }
  work += wheel_.advance(now_, [&](std::uint32_t id) { on_timer(*connections_[id]); });
  expire_time_wait();
  work += resumed_.size() + output_.size();
  deliver_resumed();
  run_output();
  ask_neighbours();
  work += flush();
  work += dead_.size();
  report_closed();
  return work;
}

void Stack::wait(int wake_fd, Duration longest) {
  if (!output_.empty() || !resumed_.empty() || !dead_.empty()) return;
  const Instant next = next_deadline();
  if (next.ns != 0) longest = std::min(longest, std::max(next - now_, Duration{}));
  device_.wait(wake_fd, longest);
}

Instant Stack::next_deadline() const {
  Instant first = wheel_.next();
  const auto consider = [&](Instant at) {
    if (at.ns != 0 && (first.ns == 0 || at < first)) first = at;
  };
  consider(neighbours_.next_deadline());
  if (!time_waits_.empty()) consider(time_waits_.front().ends_at);
  return first;
}

StackUsage Stack::usage() const {
  StackUsage usage{.connections = connection_count_,
                   .half_open = half_open_count_,
                   .time_wait = time_waits_.count(),
                   .timers = wheel_.count(),
                   .frames = outgoing_.size(),
                   .receive_memory = receive_budget_.used(),
                   .table_entries = table_.count()};
  return usage;
}

void Stack::on_frame(ByteView bytes) {
  const auto ethernet = parse_ethernet(bytes);
  if (!ethernet) return drop(ethernet.error());
  const bool to_us = ethernet->destination == facts_.mac;
  if (ethernet->type == ether_arp && (to_us || ethernet->destination == broadcast_mac)) return on_arp(ethernet->payload);
  if (ethernet->type == ether_ipv4 && to_us) return on_ipv4(ethernet->payload);
  drop(ethernet->type == ether_ipv4 || ethernet->type == ether_arp ? Drop::not_for_us : Drop::other_protocol);
}

void Stack::on_arp(ByteView packet) {
  const auto arp = parse_arp(packet);
  if (!arp) return drop(arp.error());
  const std::uint32_t ours = config_.address.v4();
  if (arp->sender_ip == ours || (arp->sender_mac[0] & 1) != 0) return drop(Drop::bad_arp);
  if (is_unicast(arp->sender_ip)) {
    const auto mode = arp->target_ip == ours ? Neighbours::Learn::may_add : Neighbours::Learn::known_only;
    const Neighbours::Learned learned = neighbours_.learn(arp->sender_ip, arp->sender_mac, mode, now_);
    if (learned == Neighbours::Learned::reachable) wake_waiting(arp->sender_ip);
    if (learned == Neighbours::Learned::not_believed) ++counters_.arp_claims;
  }
  if (arp->operation != arp_request || arp->target_ip != ours) return;
  if (auto frame = new_frame()) {
    build_arp(*frame, {.operation = arp_reply,
                       .destination = arp->sender_mac,
                       .sender_mac = facts_.mac,
                       .sender_ip = ours,
                       .target_mac = arp->sender_mac,
                       .target_ip = arp->sender_ip});
    outgoing_.push_back(*frame);
  }
}

void Stack::on_ipv4(ByteView packet) {
  const auto ip = parse_ipv4(packet, facts_.checksum_in);
  if (!ip) return drop(ip.error());
  if (ip->destination != config_.address.v4()) return drop(Drop::not_for_us);
  if (!is_unicast(ip->source) || ip->source == config_.address.v4()) return drop(Drop::bad_source);
  if (ip->protocol == protocol_icmp) return on_icmp(*ip);
  if (ip->protocol != protocol_tcp) return drop(Drop::other_protocol);
  const auto segment = parse_tcp(*ip, facts_.checksum_in);
  if (!segment) return drop(segment.error());
  on_segment(*segment);
}

// RFC 792.
void Stack::on_icmp(const Ipv4View& packet) {
  constexpr std::uint8_t echo_request = 8, unreachable = 3, too_large = 4;
  const ByteView message = packet.payload;
  if (message.size() < 8 || internet_sum(message) != 0xFFFF) return drop(Drop::other_protocol);
  if (message[0] == echo_request) return on_echo(packet);
  if (message[0] == unreachable && message[1] == too_large) return on_too_large(message);
  drop(Drop::other_protocol);
}

// RFC 1191: a hop whose MTU is smaller than our packet names it, and quotes what it dropped: the IPv4 header and eight bytes. Only a
// segment that is under way proves that the hop saw it.
void Stack::on_too_large(ByteView message) {
  const std::size_t mtu = load<std::uint16_t>(message.data() + 6, std::endian::big);
  const ByteView quoted = message.subspan(8);
  const std::size_t header = quoted.empty() ? 0 : std::size_t{quoted[0] & 15U} * 4;
  if (header < ipv4_size || quoted.size() < header + 8 || quoted[0] >> 4 != 4 || quoted[9] != protocol_tcp)
    return drop(Drop::other_protocol);
  const auto number = [&]<class Integer>(std::size_t at, Integer) { return load<Integer>(quoted.data() + at, std::endian::big); };
  const Tuple tuple{.local = {IpAddress::v4(number(12, std::uint32_t{})), number(header, std::uint16_t{})},
                    .peer = {IpAddress::v4(number(16, std::uint32_t{})), number(header + 2, std::uint16_t{})}};
  const auto value = table_.find(hash_of(config_.secret, tuple),
                                 [&](std::uint32_t v) { return (v & time_wait_bit) == 0 && connections_[v]->tuple_ == tuple; });
  if (!value) return drop(Drop::other_protocol);
  Connection& c = *connections_[*value];
  const Seq seq{number(header + 4, std::uint32_t{})};
  if (!synchronized(c.state_) || seq < c.una_ || c.max_ <= seq) return drop(Drop::other_protocol);
  // Hops before RFC 1191 name none.
  if (!shrink_segments(c, mtu == 0 ? mss_default : mtu - std::min(mtu, ipv4_size + tcp_size))) return;
  c.nxt_ = c.una_;
  c.timing_ = false;
  c.retransmitted_until_ = c.max_;
  want_output(c);
}

// RFC 1122 §3.2.2.6: an echo request comes back with its own data.
void Stack::on_echo(const Ipv4View& packet) {
  const ByteView message = packet.payload;
  const auto hop = next_hop(packet.source);
  if (!hop) return drop(Drop::no_neighbour);
  const auto mac = mac_of(*hop, Neighbours::Asker::stranger);
  if (!mac) return drop(Drop::no_neighbour);
  if (ipv4_size + message.size() > facts_.mtu) return drop(Drop::no_frame);
  auto frame = new_frame();
  if (!frame) return;
  // The device does no ICMP checksums, so the IPv4 one is made here too.
  build_ipv4(*frame, {.destination_mac = *mac,
                      .source_mac = facts_.mac,
                      .source = config_.address.v4(),
                      .destination = packet.source,
                      .protocol = protocol_icmp,
                      .payload_size = message.size()});
  std::uint8_t* at = frame->data + ethernet_size + ipv4_size;
  std::copy(message.begin(), message.end(), at);
  at[0] = 0;
  store<std::uint16_t>(at + 2, 0, std::endian::big);
  store(at + 2, static_cast<std::uint16_t>(~internet_sum({at, message.size()})), std::endian::big);
  outgoing_.push_back(*frame);
}

void Stack::on_segment(const Segment& segment) {
  ++counters_.segments_in;
  const std::uint64_t hash = hash_of(config_.secret, segment.tuple);
  const auto value = table_.find(hash, [&](std::uint32_t v) {
    return (v & time_wait_bit) != 0 ? time_waits_.at(v & TimeWaitQueue::number_mask).tuple == segment.tuple
                                    : connections_[v]->tuple_ == segment.tuple;
  });
  if (!value) return on_listen(segment, hash);
  if ((*value & time_wait_bit) != 0) return on_time_wait(*value & TimeWaitQueue::number_mask, segment);
  on_connection(*connections_[*value], segment);
}

std::size_t Stack::flush() {
  if (outgoing_.empty()) return 0;
  const std::size_t taken = device_.transmit(outgoing_);
  counters_.frames_out += taken;
  outgoing_.erase(outgoing_.begin(), outgoing_.begin() + static_cast<std::ptrdiff_t>(taken));
  return taken;
}

void Stack::ask_neighbours() {
  const Instant deadline = neighbours_.next_deadline();
  if (deadline.ns == 0 || deadline > now_) return;
  const Neighbours::Turn turn = neighbours_.due(now_);
  counters_.arp_evicted += turn.evicted_count;
  for (const Neighbours::Question& question : turn.ask) {
    auto frame = new_frame();
    if (!frame) continue;
    build_arp(*frame, {.operation = arp_request,
                       .destination = question.to.value_or(broadcast_mac),
                       .sender_mac = facts_.mac,
                       .sender_ip = config_.address.v4(),
                       .target_mac = {},
                       .target_ip = question.ip});
    outgoing_.push_back(*frame);
  }
  for (const std::uint32_t ip : turn.given_up) {
    for (const std::uint32_t id : std::exchange(waiting_, {})) {
      Connection& c = *connections_[id];
      if (next_hop(c.tuple_.peer.ip.v4()) == ip) {
        c.waits_for_neighbour_ = false;
        close(c, CloseReason::unreachable);
      } else {
        waiting_.push_back(id);
      }
    }
  }
}

void Stack::wake_waiting(std::uint32_t hop) {
  std::erase_if(waiting_, [&](std::uint32_t id) {
    Connection& c = *connections_[id];
    if (next_hop(c.tuple_.peer.ip.v4()) != hop) return false;
    c.waits_for_neighbour_ = false;
    want_output(c);
    return true;
  });
}

// Every connection hangs on the gateway, so nobody's questions displace those for it.
std::expected<MacAddress, Neighbours::NoMac> Stack::mac_of(std::uint32_t hop, Neighbours::Asker asker) {
  const bool gateway = config_.gateway && hop == config_.gateway->v4();
  return neighbours_.find(hop, gateway ? Neighbours::Asker::us : asker, now_);
}

std::optional<std::uint32_t> Stack::next_hop(std::uint32_t ip) const {
  const unsigned host_bits = 32u - config_.prefix_length;
  const std::uint32_t mask = host_bits >= 32 ? 0 : ~std::uint32_t{0} << host_bits;
  if ((ip & mask) == (config_.address.v4() & mask)) return ip;
  if (config_.gateway) return config_.gateway->v4();
  return std::nullopt;
}

std::optional<Frame> Stack::new_frame() {
  // A full device slows connections down in run_output; answers without a connection are dropped here.
  if (outgoing_.size() >= backlog_max) {
    flush();
    if (outgoing_.size() >= backlog_max) {
      drop(Drop::backlog);
      return std::nullopt;
    }
  }
  const Frame frame = device_.allocate();
  if (!frame) {
    drop(Drop::no_frame);
    return std::nullopt;
  }
  return frame;
}

Connection* Stack::new_connection(const Tuple& tuple, std::uint64_t hash) {
  if (connection_count_ >= config_.connection_count_max) return nullptr;
  if (free_ids_.empty()) {
    free_ids_.push_back(static_cast<std::uint32_t>(connections_.size()));
    connections_.emplace_back();
  }
  const std::uint32_t id = free_ids_.back();
  free_ids_.pop_back();
  Connection& c = connections_[id].emplace(*this, id);
  c.tuple_ = tuple;
  c.hash_ = hash;
  c.iss_ = initial_sequence(hash);
  c.una_ = c.nxt_ = c.max_ = c.edge_ = c.recover_ = c.retransmitted_until_ = c.iss_;
  c.our_scale_ = our_scale_;
  table_.insert(hash, id);
  ++connection_count_;
  return &c;
}

Acceptor* Stack::acceptor_of(const Endpoint& local) const {
  for (const Listener& listener : listeners_) {
    if (listener.local.port == local.port) return listener.acceptor;
  }
  return nullptr;
}

// RFC 6528: a clock that ticks every 4 us, and a keyed hash of the tuple.
Seq Stack::initial_sequence(std::uint64_t tuple_hash) const {
  if (planted(Planted::isn_constant)) return Seq{1};
  std::array<std::uint8_t, 8> bytes;
  store(bytes.data(), tuple_hash, std::endian::little);
  return Seq{static_cast<std::uint32_t>(siphash(sequence_key_, bytes)) + static_cast<std::uint32_t>(now_.ns / 4'000)};
}

// The record leaves the protocol now: no segment and no timer finds it any more. on_close comes at the end of the turn, after
// everything that was received in order has been delivered.
void Stack::close(Connection& c, CloseReason reason) {
  PM_CHECK(!c.gone());
  if (c.state_ == State::syn_received && c.opened_ == Opened::by_peer) --half_open_count_;
  table_.erase(c.hash_, c.id_);
  wheel_.disarm(c.id_);
  stop_timer(c);
  c.ack_at_ = {};
  c.state_ = State::closed;
  c.reason_ = reason;
  c.acknowledged_size_ = c.send_queue_.begin();
  if (c.una_ == c.max_) c.nothing_more_arrived_ = true;
  c.send_queue_.clear();
  if (reason != CloseReason::finished) {
    c.receive_queue_.clear();
    c.end_pending_ = false;
  } else {
    c.receive_queue_.drop_pieces();
  }
  note_pieces(c);
  // Paused with bytes in hand: resume_reading brings it here again.
  if (c.undelivered()) return;
  c.dead_ = true;
  dead_.push_back(c.id_);
}

void Stack::report_closed() {
  // on_close may abort or open others; those that die meanwhile are told in the same turn, which ends because records are finite.
  for (std::size_t i = 0; i < dead_.size(); ++i) {
    Connection& c = *connections_[dead_[i]];
    if (c.events_ != nullptr) c.events_->on_close(c.reason_);
    const auto forget = [&](auto& list) { std::erase(list, c.id_); };
    if (c.in_output_) forget(output_);
    if (c.in_resumed_) forget(resumed_);
    if (c.waits_for_neighbour_) forget(waiting_);
    free_ids_.push_back(c.id_);
    connections_[c.id_].reset();
    --connection_count_;
  }
  dead_.clear();
}

void Stack::want_output(Connection& c) {
  if (c.in_output_ || c.waits_for_neighbour_ || c.gone()) return;
  c.in_output_ = true;
  output_.push_back(c.id_);
}

void Stack::want_delivery(Connection& c) {
  if (c.in_resumed_) return;
  c.in_resumed_ = true;
  resumed_.push_back(c.id_);
}

void Stack::deliver_resumed() {
  for (const std::uint32_t id : std::exchange(resumed_, {})) {
    Connection& c = *connections_[id];
    c.in_resumed_ = false;
    if (c.paused_ || c.dead_) continue;
    while (!c.paused_ && !c.dead_) {
      const auto bytes = c.receive_queue_.take_ready();
      if (!bytes) break;
      c.events_->on_data(*bytes);
    }
    if (c.dead_) continue;
    if (c.end_pending_ && !c.paused_) {
      c.end_pending_ = false;
      c.events_->on_end();
    }
    if (c.dead_) continue;
    if (!c.gone()) {
      c.window_update_ = true;
      want_output(c);
    } else if (!c.undelivered()) {
      c.dead_ = true;
      dead_.push_back(id);
    }
  }
}

void Stack::end_time_wait(std::uint32_t number) {
  TimeWait& entry = time_waits_.at(number);
  table_.erase(entry.hash, number | time_wait_bit);
  time_waits_.end(entry);
}

void Stack::expire_time_wait() {
  while (!time_waits_.empty() &&
         (time_waits_.front().over || time_waits_.front().ends_at <= now_ || time_waits_.count() > config_.time_wait_count_max)) {
    if (!time_waits_.front().over) end_time_wait(time_waits_.front_number());
    time_waits_.pop_front();
  }
}

void Stack::check() const {
  std::size_t live = 0, half_open = 0, in_table = 0, holding = 0;
  std::uint64_t receive_memory = 0;
  for (const auto& c : connections_) {
    if (!c) continue;
    ++live;
    if (c->state_ == State::syn_received && c->opened_ == Opened::by_peer) ++half_open;
    if (!c->gone()) ++in_table;
    c->check();
    receive_memory += c->receive_queue_.memory_size();
    PM_CHECK(c->receive_queue_.has_holes() == c->holder_index_.has_value());
    if (c->holder_index_) {
      ++holding;
      PM_CHECK(holders_[*c->holder_index_] == c->id_);
    }
    // In flight means that somebody will look again: the timer, or the turn's output.
    if (!c->gone() && c->una_ != c->max_) PM_CHECK(c->timer_kind_ != TimerKind::none || c->in_output_ || c->waits_for_neighbour_);
    if (c->timer_kind_ != TimerKind::none || c->ack_at_.ns != 0) PM_CHECK(wheel_.armed(c->id_));
  }
  PM_CHECK(live == connection_count_);
  PM_CHECK(half_open == half_open_count_);
  PM_CHECK(holding == holders_.size());
  PM_CHECK(receive_memory == receive_budget_.used());
  PM_CHECK(table_.count() == in_table + time_waits_.count());
}

}  // namespace pushmail::tcp
