// The data plane's end of the handoff socket: a UNIX stream listener and at most one control plane.
//
// Came from: the I/O thread's poll loop. Goes to: Peer (peer.h), and through it to ServerEvents. The socket's file has mode 0660, and who
// connects must be root, our own user or the control plane's. A second control plane is refused while the first answers (silence.h): two of
// them would have everything sent twice. The same process takes its own old connection's place: it has given that up.
#pragma once

#include <poll.h>

#include <filesystem>
#include <memory>
#include <vector>

#include "core/contract/handoff/peer.h"
#include "core/log_pace.h"
#include "core/socket_user.h"
#include "dataplane/handoff/silence.h"

namespace pushmail::handoff {

inline constexpr ErrorInfo handoff_socket{"handoff.socket", "the handoff socket cannot be made", "", Fault::world};

class ServerEvents : public Events {
 public:
  /// The connection is gone.
  virtual void on_lost() = 0;
};

class Server {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Server>> open(const std::filesystem::path& socket, std::uint64_t epoch, ServerEvents& events);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  /// Removes the socket's file.
  ~Server();

  [[nodiscard]] Peer& peer() { return peer_; }
  /// Adds what the loop must watch.
  void watch(std::vector<pollfd>& fds) const;
  /// Accepts, reads, writes as far as the descriptors allow; never blocks. Call after poll and after each send.
  void run();
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Connections that were closed at once: of another user, or of a second control plane.
  [[nodiscard]] std::uint64_t refused() const { return refused_; }
  /// Connections that could not be taken for want of descriptors or memory.
  [[nodiscard]] std::uint64_t accept_failures() const { return accept_failures_; }

 private:
  Server(std::filesystem::path path, int listen_fd, std::uint64_t epoch, ExpectedUser expected, ServerEvents& events);
  void accept_new();
  void admit(int fd);
  [[nodiscard]] bool first_answers();
  void read_all();
  void write_all();
  void close_connection();

  std::filesystem::path path_;
  ServerEvents& events_;
  Peer peer_;
  ExpectedUser expected_;
  int listen_fd_;
  int fd_ = -1;
  pid_t process_ = 0;       // who connected fd_
  std::uint64_t said_ = 0;  // bytes that came over fd_
  Silence silence_;
  SystemClock clock_;
  Instant accept_again_{};  // after a failure, so that the backlog, which stays readable, does not keep the loop turning
  LogPace accept_lines_;
  std::uint64_t accept_failures_ = 0;
  LogPace refusal_lines_;
  std::uint64_t refused_ = 0;
};

}  // namespace pushmail::handoff
