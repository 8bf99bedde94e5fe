// Our TCP: one object per worker, no globals, over one FrameDevice. The turn is poll(): frames in, timers, output, frames out, and
// only then the news that connections are gone.
//
// Came from: the NIC queue (dataplane/nic) or the simulated link. Goes to: sessions, through StreamEvents.
// Invariant: check(). Bounded by StackConfig: connections, half-open ones, TIME-WAIT entries, bytes per receive window and of all of them.
// RFC 9293, 826, 791, 792, 4987 (SYN cookies), 5681, 5961 (challenge ACKs), 6056, 6298, 6528, 6582, 7323 (window scale).
#pragma once

#include <deque>
#include <optional>
#include <span>

#include "core/limits.h"
#include "core/timers.h"
#include "dataplane/tcp/conn.h"
#include "dataplane/tcp/neighbours.h"
#include "dataplane/tcp/stack_counters.h"
#include "dataplane/tcp/syn_cookies.h"
#include "dataplane/tcp/time_wait.h"
#include "dataplane/tcp/wheel.h"
#include "dataplane/tcp/wire.h"

namespace pushmail::tcp {

struct StackConfig {
  IpAddress address{};
  std::uint8_t prefix_length = 24;
  /// Next hop for everything outside the prefix; none: nothing outside can be reached.
  std::optional<IpAddress> gateway{};
  /// The gateway's MAC, which no ARP packet changes; none: ARP finds it.
  std::optional<MacAddress> gateway_mac{};
  /// Random (core/ids fill_random), different in each run: initial sequence numbers, ports and the table hang on it.
  HashKey secret{};
  std::uint32_t connection_count_max = 65'536;
  /// Handshakes that a peer began and did not finish. Above: SYN cookies.
  std::uint32_t half_open_count_max = 1'024;
  std::uint32_t time_wait_count_max = 65'536;
  std::uint32_t receive_window_size = limits::receive_window_size_max;
  /// Bytes received and not delivered, of all connections together; windows shrink as it fills.
  std::uint64_t receive_memory_size_max = limits::receive_memory_size_max;
  Duration time_wait = timers::tcp_time_wait;
  Duration delayed_ack = timers::tcp_delayed_ack;
  /// Time-outs in a row without progress before a connection is given up (R2 of RFC 9293 §3.8.3).
  std::uint32_t retry_count_max = 15;
  std::uint32_t syn_retry_count_max = 6;
  /// The same for a SYN-ACK (31 s), and while more than half of half_open_count_max is used (3 s).
  std::uint32_t syn_ack_retry_count_max = 4;
  std::uint32_t syn_ack_retry_count_pressed = 1;
};

/// What the stack holds now.
struct StackUsage {
  std::size_t connections = 0;
  std::size_t half_open = 0;
  std::size_t time_wait = 0;
  std::size_t timers = 0;
  std::size_t frames = 0;            // waiting for the device
  std::uint64_t receive_memory = 0;  // bytes that take what was received and not delivered
  std::size_t table_entries = 0;
};

class Stack final : public Network {
 public:
  Stack(FrameDevice& device, const StackConfig& config, Instant now);
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;
  /// Whatever is still open goes without a word, as after a crash; lent memory is given back.
  ~Stack() override;

  [[nodiscard]] Result<void> listen(const Endpoint& local, Acceptor& acceptor) override;
  void stop_listening() override { accepts_syn_ = false; }
  [[nodiscard]] Result<Stream*> connect(const Endpoint& peer, StreamEvents& events) override;
  std::size_t poll(Instant now) override;
  void wait(int wake_fd, Duration longest) override;

  /// Not after the next moment at which poll() has something to do without a frame coming in; {0}: none.
  [[nodiscard]] Instant next_deadline() const;
  [[nodiscard]] const StackCounters& counters() const { return counters_; }
  [[nodiscard]] StackUsage usage() const;
  /// Every rule that must hold between two turns.
  void check() const;

 private:
  friend class Connection;

  struct Listener {
    Endpoint local;
    Acceptor* acceptor;
  };
  enum class Sent : std::uint8_t { yes, later };

  // stack.cpp: frames and records.
  void on_frame(ByteView bytes);
  void on_arp(ByteView packet);
  void on_ipv4(ByteView packet);
  void on_icmp(const Ipv4View& packet);
  void on_echo(const Ipv4View& packet);
  void on_too_large(ByteView message);
  void on_segment(const Segment& segment);
  void drop(Drop reason) { ++counters_.of(reason); }
  std::size_t flush();
  void ask_neighbours();
  void wake_waiting(std::uint32_t hop);
  [[nodiscard]] std::optional<std::uint32_t> next_hop(std::uint32_t ip) const;
  [[nodiscard]] std::expected<MacAddress, Neighbours::NoMac> mac_of(std::uint32_t hop, Neighbours::Asker asker);
  [[nodiscard]] std::optional<Frame> new_frame();
  [[nodiscard]] Connection* new_connection(const Tuple& tuple, std::uint64_t hash);
  [[nodiscard]] Acceptor* acceptor_of(const Endpoint& local) const;
  [[nodiscard]] Seq initial_sequence(std::uint64_t tuple_hash) const;
  void close(Connection& c, CloseReason reason);
  void report_closed();
  void want_output(Connection& c);
  void want_delivery(Connection& c);
  void deliver_resumed();
  void end_time_wait(std::uint32_t number);
  void expire_time_wait();

  // input.cpp: RFC 9293 §3.10.7.
  void answer_closed(const Segment& segment);
  void on_listen(const Segment& segment, std::uint64_t hash);
  Connection* on_syn(const Segment& segment, std::uint64_t hash);
  void send_cookie(const Segment& segment, std::uint64_t hash);
  void on_cookie(const Segment& segment, std::uint64_t hash);
  void on_time_wait(std::uint32_t number, const Segment& segment);
  void on_connection(Connection& c, const Segment& segment);
  void in_syn_sent(Connection& c, const Segment& segment);
  [[nodiscard]] bool acceptable(Connection& c, const Segment& segment);
  void on_reset(Connection& c, const Segment& segment);
  void established(Connection& c, const Segment& segment);
  void take_options(Connection& c, const Segment& segment);
  void on_text(Connection& c, const Segment& segment);
  [[nodiscard]] bool deliver(Connection& c, ByteView bytes);
  [[nodiscard]] bool deliver_behind(Connection& c);
  [[nodiscard]] bool keep_out_of_order(Connection& c, Seq seq, ByteView text);
  void on_fin(Connection& c);
  [[nodiscard]] bool must_hold(const Connection& c) const { return c.paused_ || c.receive_queue_.ready_size() > 0; }
  [[nodiscard]] bool make_room(Connection& c, std::size_t size);
  void note_pieces(Connection& c);
  void enter_time_wait(Connection& c);
  void challenge(Connection& c);

  // ack.cpp: what an acknowledgement tells.
  [[nodiscard]] bool on_ack(Connection& c, const Segment& segment);
  void on_new_ack(Connection& c, Seq ack);
  void on_duplicate_ack(Connection& c);
  void enter_recovery(Connection& c);
  void on_fin_acked(Connection& c);

  // output.cpp: what may be sent now.
  void run_output();
  [[nodiscard]] Sent output(Connection& c);
  [[nodiscard]] Sent send_syn(Connection& c);
  [[nodiscard]] Sent send_data(Connection& c);
  void send_planted_after_fin(Connection& c);
  [[nodiscard]] Sent retransmit_first(Connection& c);
  [[nodiscard]] Sent send_piece(Connection& c, Seq seq, std::uint32_t size, std::uint8_t flags);
  [[nodiscard]] Sent send_ack(Connection& c);
  [[nodiscard]] std::uint32_t receive_window(const Connection& c) const;
  [[nodiscard]] std::uint32_t window_growth(const Connection& c) const;
  [[nodiscard]] std::uint16_t our_mss() const { return static_cast<std::uint16_t>(facts_.mtu - ipv4_size - tcp_size); }
  [[nodiscard]] std::uint16_t opening_window() const;
  [[nodiscard]] std::uint16_t announce(Connection& c);
  void after_send(Connection& c, Seq seq, Seq end);
  void send_reset(const Tuple& tuple, Seq seq, std::optional<Seq> ack);
  struct Outgoing {
    const Tuple* tuple;
    TcpOut tcp;
    const SendQueue* queue = nullptr;
    std::uint64_t offset = 0;
    std::uint32_t size = 0;
  };
  [[nodiscard]] Sent transmit(const Outgoing& out);
  [[nodiscard]] std::uint32_t send_window(const Connection& c) const;

  // timers.cpp
  void on_timer(Connection& c);
  void on_retransmit_timeout(Connection& c);
  bool shrink_segments(Connection& c, std::size_t mss);
  [[nodiscard]] std::uint32_t retry_count_max(const Connection& c) const;
  void on_persist(Connection& c);
  void start_timer(Connection& c, TimerKind kind, Instant at);
  void start_persist(Connection& c);
  void stop_timer(Connection& c);
  void set_retransmit(Connection& c);
  void delay_ack(Connection& c);
  void arm(Connection& c);

  FrameDevice& device_;
  DeviceFacts facts_;
  StackConfig config_;
  HashKey sequence_key_;
  SynCookies cookies_;
  Instant now_;
  std::uint8_t our_scale_ = 0;
  StackCounters counters_;

  ReceiveBudget receive_budget_;        // before the connections, which give back what they hold
  std::vector<std::uint32_t> holders_;  // connections with pieces behind a hole
  std::size_t next_holder_ = 0;         // where make_room looks next

  std::vector<Listener> listeners_;
  bool accepts_syn_ = true;                            // else only handshakes that had begun come to their listener
  std::deque<std::optional<Connection>> connections_;  // addresses stay; the id is the index
  std::vector<std::uint32_t> free_ids_;
  std::size_t connection_count_ = 0;
  std::size_t half_open_count_ = 0;
  TupleTable table_;  // value: id of a connection, or time_wait_bit and a TIME-WAIT number
  static constexpr std::uint32_t time_wait_bit = 0x80000000;
  TimeWaitQueue time_waits_;
  TimerWheel wheel_;
  Neighbours neighbours_;
  std::uint32_t port_offset_ = 0;

  std::deque<std::uint32_t> output_;    // connections that have something to send, in turn
  std::vector<std::uint32_t> waiting_;  // their next hop's address is being asked for
  std::vector<std::uint32_t> resumed_;  // may be given what was held
  std::vector<std::uint32_t> dead_;     // on_close is due
  std::vector<Frame> outgoing_;         // built and not yet taken by the device
};

}  // namespace pushmail::tcp
