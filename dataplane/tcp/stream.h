// The seam between sessions (HTTP, SMTP) and whatever carries their bytes. Three implementations: our TCP on DPDK, kernel sockets
// through epoll, and the simulated link; configuration picks one and the code above does not know which (link = "dpdk" | "kernel").
//
// Everything here belongs to one worker thread. Calls never block and never call back from inside themselves: events arrive only
// from Network::poll. A Stream lives from on_accept / connect until its on_close has returned; nobody else deletes it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/bytes.h"
#include "core/clock.h"
#include "core/endpoint.h"
#include "core/result.h"

namespace pushmail {

/// How a connection ended. `finished`: both directions were closed in order.
enum class CloseReason : std::uint8_t { finished, reset_by_peer, timed_out, refused, unreachable, aborted, no_memory };

/// What a session hears of its connection. on_close is the last call, exactly one for each Stream.
class StreamEvents {
 public:
  virtual ~StreamEvents() = default;
  /// The connection that we opened is established. Of accepted ones only where another stream lies over them: both sides agree.
  virtual void on_open() {}
  /// Bytes in order, lent until the call returns. All of them are taken: a session that cannot keep up calls
  /// Stream::pause_reading, which closes the announced window instead of dropping bytes.
  virtual void on_data(ByteView bytes) = 0;
  /// Everything given to send() so far has left our hands (acknowledged, or taken by the kernel).
  virtual void on_sent() {}
  /// The peer finished its direction (FIN), after all its bytes.
  virtual void on_end() = 0;
  virtual void on_close(CloseReason reason) = 0;
};

/// Memory lent to a Stream until `release(context)` is called, exactly once, when the peer has acknowledged it or the stream died.
struct LentBytes {
  ByteView bytes;
  void (*release)(void* context) = nullptr;
  void* context = nullptr;
};

/// What a connection proves about the bytes that were sent on it.
struct Acknowledged {
  /// Bytes of ours that the peer's TCP has acknowledged; SYN and FIN are not counted, and it never falls.
  std::uint64_t size = 0;
  /// What lies beyond `size` has not reached the peer. It ended the connection and named what it had (its FIN came, or a RST that carries
  /// an acknowledgement), or the connection ended while nothing more had left us. A bare RST, a time-out and our own abort prove nothing.
  bool is_last = false;
};

/// Whom the other side of a connection has proven to be, by the certificate that it was asked for.
struct PeerProof {
  std::vector<std::string> peers{};    // names of those whose certificate it is
  std::vector<std::string> asked{};    // names of all whose certificate was asked for
  const ErrorInfo* refusal = nullptr;  // why it is nobody's; null: it is somebody's
};

/// One connection. Sends are queued without limit of its own: the session keeps what it queues bounded by watching on_sent.
class Stream {
 public:
  virtual ~Stream() = default;
  /// Who hears of this connection from now on; set in on_accept or connect, never null afterwards.
  virtual void set_events(StreamEvents& events) = 0;
  /// Copies `bytes` into the send queue.
  virtual void send(ByteView bytes) = 0;
  /// Queues `lent` by reference: our TCP transmits it in place.
  virtual void send_lent(LentBytes lent) = 0;
  /// FIN after everything queued. Receiving goes on until the peer finishes too.
  virtual void finish() = 0;
  /// RST now; queued bytes are dropped and on_close(aborted) follows from the next poll.
  virtual void abort() = 0;
  virtual void pause_reading() = 0;
  virtual void resume_reading() = 0;
  [[nodiscard]] virtual Endpoint peer() const = 0;
  /// Holds in every state, until on_close has returned.
  [[nodiscard]] virtual Acknowledged acknowledged() const = 0;
  /// Whether nobody on the way can read it.
  [[nodiscard]] virtual bool is_encrypted() const { return false; }
  /// Null: nobody was asked for a certificate, or both sides do not agree yet.
  [[nodiscard]] virtual const PeerProof* proof() const { return nullptr; }
  /// What a stream over another one found wrong with the peer (a certificate, say); null: nothing. Holds until on_close has returned.
  [[nodiscard]] virtual const ErrorInfo* failure() const { return nullptr; }
};

/// Puts a stream over an open one (STARTTLS).
class StreamCover {
 public:
  virtual ~StreamCover() = default;
  /// Whether cover() would begin anything now; null: it would. Else why not, and `below` is as it was.
  [[nodiscard]] virtual const ErrorInfo* refusal(const Stream& below) {
    static_cast<void>(below);
    return nullptr;
  }
  /// `below` belongs to the new stream from now on, and all of its events; `events` hears on_open when both sides agree, or on_close.
  [[nodiscard]] virtual Result<Stream*> cover(Stream& below, StreamEvents& events) = 0;
};

/// Who is asked about a new incoming connection. Must call stream.set_events before it returns, or stream.abort().
class Acceptor {
 public:
  virtual ~Acceptor() = default;
  virtual void on_accept(Stream& stream) = 0;
};

/// One worker's network.
class Network {
 public:
  virtual ~Network() = default;
  [[nodiscard]] virtual Result<void> listen(const Endpoint& local, Acceptor& acceptor) = 0;
  /// Nobody is accepted any more: a SYN is refused. Whose handshake is done has its on_accept yet, from the next polls.
  virtual void stop_listening() = 0;
  /// Starts a connection. The result is only whether it could be started; on_open or on_close tells the rest.
  [[nodiscard]] virtual Result<Stream*> connect(const Endpoint& peer, StreamEvents& events) = 0;
  /// One turn: takes what came in, runs timers that are due at `now`, sends. Returns how much work it found (0: idle).
  virtual std::size_t poll(Instant now) = 0;
  /// Blocks until something may have come in, `wake_fd` is readable, or `longest` has passed. For idle workers only.
  virtual void wait(int wake_fd, Duration longest) = 0;
};

}  // namespace pushmail
