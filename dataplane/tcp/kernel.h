// The kernel's sockets behind the Stream seam (link = "kernel"): for hosts without a NIC for DPDK, and the honest opponent in benchmarks.
//
// Came from: epoll, one set per worker. Goes to: the sessions, through StreamEvents, only from inside poll().
// Invariant: a stream is freed at the end of a poll whose callbacks have all returned, never inside one; every LentBytes that was given
// to a stream is released exactly once, at the latest before its on_close.
// "Sent" means taken by the kernel here, not acknowledged by the peer: the seam allows both.
#pragma once

#include <memory>
#include <vector>

#include "core/log_pace.h"
#include "dataplane/tcp/stream.h"

namespace pushmail {

inline constexpr ErrorInfo link_no_descriptor{"link.no_descriptor", "the system gave no socket", "", Fault::world, Lasting::temporary};
inline constexpr ErrorInfo link_cannot_listen{"link.cannot_listen", "the address cannot be listened on", "", Fault::world};

class KernelStream;
class KernelListener;

class KernelNetwork final : public Network {
 public:
  [[nodiscard]] static Result<std::unique_ptr<KernelNetwork>> open();
  KernelNetwork(const KernelNetwork&) = delete;
  KernelNetwork& operator=(const KernelNetwork&) = delete;
  /// Streams that are still open are reset and freed without on_close: whoever destroys the network has stopped listening to it.
  ~KernelNetwork() override;

  [[nodiscard]] Result<void> listen(const Endpoint& local, Acceptor& acceptor) override;
  void stop_listening() override { leaving_ = true; }
  [[nodiscard]] Result<Stream*> connect(const Endpoint& peer, StreamEvents& events) override;
  std::size_t poll(Instant now) override;
  void wait(int wake_fd, Duration longest) override;

  /// Where we really listen, in the order of listen(): the port is known when 0 was asked for.
  [[nodiscard]] std::vector<Endpoint> listening() const;
  [[nodiscard]] std::size_t stream_count() const { return streams_.size(); }

 private:
  friend class KernelStream;
  friend class KernelListener;
  explicit KernelNetwork(int epoll_fd);

  KernelStream& add_stream(int fd, const Endpoint& peer);
  enum class Backlog : std::uint8_t { empty, more };
  Backlog accept_from(KernelListener& listener, Instant now);
  void leave_listeners(Instant now);
  /// Something of this machine was refused.
  void log_failure(const char* what, int error);
  void flush_dirty();
  void report_closed();
  void free_closed();

  int epoll_fd_;
  std::vector<std::unique_ptr<KernelListener>> listeners_;
  bool leaving_ = false;  // each listener goes when its backlog is empty, or when it has not been for too many turns
  std::uint32_t leaving_turns_ = 0;
  std::vector<std::unique_ptr<KernelStream>> streams_;
  std::vector<KernelStream*> dirty_;     // something to send, or an interest to change
  std::vector<KernelStream*> closed_;    // descriptor gone, on_close still to be told
  std::vector<KernelStream*> finished_;  // on_close has returned: freed at the end of the poll
  Bytes read_buffer_;
  Instant now_{};           // of the last poll
  Instant accept_again_{};  // out of descriptors: listeners are quiet until then
  LogPace accept_lines_;
  LogPace failure_lines_;
};

}  // namespace pushmail
