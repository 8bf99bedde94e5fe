// What every server on a Stream needs, whatever it speaks: a place for each connection, memory of what is being received, turns for those
// that may go on, deadlines, and an end that loses no answer.
//
//   on_accept ──add──> has a place ──> reads <──> blocked ──finish_stream──> our FIN is out, input is thrown away ──> on_close
//                └── none left ──> is told so (turned_away_max of them), else RST
//
// The server derives its Connection from ServerConnection and keeps one ServerConnections. HTTP and SMTP use it (http_server, smtp_server).
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "core/bytes.h"
#include "core/clock.h"
#include "dataplane/session/connection_limiter.h"
#include "dataplane/tcp/stream.h"

namespace pushmail {

/// Bytes that all connections of a server may hold of what they receive. Outlives its shares.
class MemoryBudget {
 public:
  explicit MemoryBudget(std::uint64_t size_max) : size_max_(size_max) {}
  [[nodiscard]] bool has_room(std::uint64_t size) const { return used_ + size <= size_max_; }
  [[nodiscard]] std::uint64_t used() const { return used_; }

 private:
  friend class MemoryShare;
  std::uint64_t size_max_;
  std::uint64_t used_ = 0;
};

/// What one connection holds of it; given back when it goes.
class MemoryShare {
 public:
  explicit MemoryShare(MemoryBudget& budget) : budget_(budget) {}
  MemoryShare(const MemoryShare&) = delete;
  MemoryShare& operator=(const MemoryShare&) = delete;
  ~MemoryShare() { clear(); }
  /// False, and nothing is taken, when there is no room.
  [[nodiscard]] bool grow(std::uint64_t size);
  void clear() { budget_.used_ -= std::exchange(size_, 0); }
  [[nodiscard]] std::uint64_t size() const { return size_; }

 private:
  MemoryBudget& budget_;
  std::uint64_t size_ = 0;
};

struct ServerLimits {
  ConnectionLimits connections;
  std::uint64_t unsent_size_max = 0;  // above it a connection is not read: its peer does not read us either
  Duration idle;                      // so long may nothing of an answer leave
  Duration linger;                    // after our FIN
};

/// What happened, for the worker's counters.
struct ServerCounts {
  std::uint64_t connections = 0;
  std::uint64_t turned_away = 0;  // at accept: no place, or the source is not wanted
  std::uint64_t timed_out = 0;
  std::uint64_t late_answers = 0;  // tickets whose connection had gone
};

class ServerConnections;

class ServerConnection : public StreamEvents, public LimitedConnection {
 public:
  /// Hears of `stream` from now on.
  ServerConnection(ServerConnections& all, Stream& stream);

  void on_sent() final {
    if (std::exchange(unsent_size_, 0) > unsent_size_max()) become_runnable();
  }
  void evict() final { stream_->abort(); }
  [[nodiscard]] const Endpoint& source() const { return source_; }

 protected:
  /// Goes on with what was left when it was blocked; from inside tick.
  virtual void go_on() = 0;
  /// Deadlines of the protocol, while our FIN is not asked for and what we sent leaves.
  virtual void check_deadlines(Instant now) = 0;
  /// The server begins to end (is_draining): with nothing under way the connection ends now, else behind its answer.
  virtual void on_drain() = 0;

  [[nodiscard]] Instant now() const;
  [[nodiscard]] bool is_draining() const;
  /// The peer has shown that it is there.
  void note_received() { last_received_ = now(); }
  [[nodiscard]] Instant last_received() const { return last_received_; }
  void send(std::string_view text);
  /// So much waits to leave that nothing more is read.
  [[nodiscard]] bool is_full() const { return unsent_size_ > unsent_size_max(); }
  void pause_reading();
  void resume_reading();
  [[nodiscard]] bool is_paused() const { return paused_; }
  /// go_on() with the next tick.
  void become_runnable();
  void raise(Standing standing);
  /// Our direction ends behind what was sent, and what the peer still sends is thrown away: closing at once would answer it by a reset
  /// that costs it our last words (RFC 9112 §9.6).
  void finish_stream();
  [[nodiscard]] bool is_finishing() const { return finishing_; }
  void abort() { stream_->abort(); }
  [[nodiscard]] Stream& stream() const { return *stream_; }
  /// Goes on over `over`, which was put on the stream there was and has its events: all that is sent and heard from now on is its.
  void reseat(Stream& over);

 private:
  friend class ServerConnections;
  [[nodiscard]] std::uint64_t unsent_size_max() const;
  void run();
  void look_at_deadlines(Instant now);

  ServerConnections& all_;
  Stream* stream_;
  Endpoint source_;
  std::size_t slot_ = 0;  // in all_
  Instant last_received_{};
  Instant unsent_since_{};
  Instant finishing_since_{};
  std::uint64_t unsent_size_ = 0;
  bool paused_ = false;
  bool runnable_ = false;
  bool finishing_ = false;
};

class ServerConnections {
 public:
  /// Told that there is no place for them; beyond these, a RST is all they get.
  static constexpr std::uint32_t turned_away_max = 256;
  enum class Wanted : std::uint8_t { no, yes };
  /// served: it has a place. refused: it has none and may be told so. cut: it should only be aborted.
  enum class Welcome : std::uint8_t { served, refused, cut };

  ServerConnections(const ServerLimits& limits, ServerCounts& counts, Instant now)
      : limits_(limits), counts_(counts), now_(now), limiter_(limits.connections) {}

  /// Takes it over until remove(). One that has a place may cost another one its own.
  [[nodiscard]] Welcome add(std::unique_ptr<ServerConnection> connection, Wanted wanted);
  /// From inside its on_close: it is gone when this returns.
  void remove(ServerConnection& connection);
  /// Those that may go on, then deadlines. Once a turn.
  void tick(Instant now);
  /// From now on each connection ends when what is under way on it has its answer, and nobody gets a place. Not from inside an event.
  void drain();
  [[nodiscard]] bool is_draining() const { return draining_; }

  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] bool has_runnable() const { return !runnable_.empty(); }
  [[nodiscard]] std::size_t size() const { return connections_.size(); }
  [[nodiscard]] ConnectionLimiter& limiter() { return limiter_; }
  [[nodiscard]] const ConnectionLimiter& limiter() const { return limiter_; }

 private:
  friend class ServerConnection;
  ServerLimits limits_;
  ServerCounts& counts_;
  Instant now_;
  Instant next_check_{};
  bool draining_ = false;
  ConnectionLimiter limiter_;
  std::vector<std::unique_ptr<ServerConnection>> connections_;
  std::vector<ServerConnection*> runnable_;
};

}  // namespace pushmail
