#include "dataplane/tcp/kernel.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <deque>
#include <optional>

#include <linux/tcp.h>  // glibc's tcp_info ends before tcpi_bytes_acked
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/log.h"
#include "core/timers.h"

namespace pushmail {

namespace {

constexpr std::size_t read_size = 64 * 1024;
constexpr int reads_per_turn_max = 4;  // then the next stream: one fast sender must not starve the others
constexpr int accepts_per_turn_max = 64;
constexpr int events_per_turn_max = 256;
constexpr std::size_t gather_max = 16;
constexpr std::size_t joined_size_max = 64 * 1024;  // small sends are joined up to this

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

SocketAddress to_socket_address(const Endpoint& endpoint) {
  SocketAddress address;
  if (endpoint.ip.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    v4.sin_addr.s_addr = htonl(endpoint.ip.v4());
    std::memcpy(&address.storage, &v4, sizeof v4);
    address.size = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    std::memcpy(&v6.sin6_addr, endpoint.ip.bytes.data(), endpoint.ip.bytes.size());
    std::memcpy(&address.storage, &v6, sizeof v6);
    address.size = sizeof v6;
  }
  return address;
}

Endpoint to_endpoint(const SocketAddress& address) {
  Endpoint endpoint;
  if (address.storage.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address.storage, sizeof v4);
    endpoint.ip = IpAddress::v4(ntohl(v4.sin_addr.s_addr));
    endpoint.port = ntohs(v4.sin_port);
  } else if (address.storage.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address.storage, sizeof v6);
    std::memcpy(endpoint.ip.bytes.data(), &v6.sin6_addr, endpoint.ip.bytes.size());
    endpoint.port = ntohs(v6.sin6_port);
  }
  return endpoint;
}

bool set_flag(int fd, int level, int option) {
  const int on = 1;
  return setsockopt(fd, level, option, &on, sizeof on) == 0;
}

CloseReason reason_of(int error) {
  switch (error) {
    case ECONNREFUSED:
      return CloseReason::refused;
    case ETIMEDOUT:
      return CloseReason::timed_out;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case EADDRNOTAVAIL:
      return CloseReason::unreachable;
    case ENOMEM:
    case ENOBUFS:
      return CloseReason::no_memory;
    default:
      return CloseReason::reset_by_peer;
  }
}

// A connection that ends for want of something here; all else is the peer's or the network's doing, and in its item's history.
bool is_ours(int error) {
  switch (error) {
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
    case ETIMEDOUT:
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case ENOTCONN:  // reset before we finished our side
      return false;
    default:
      return true;
  }
}

bool is_again(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

void release(const LentBytes& lent) {
  if (lent.release != nullptr) lent.release(lent.context);
}

}  // namespace

/// What an epoll event points to.
class KernelSource {
 public:
  virtual ~KernelSource() = default;
  virtual void on_events(std::uint32_t events, Instant now) = 0;
};

class KernelListener final : public KernelSource {
 public:
  KernelListener(KernelNetwork& network, int fd, Acceptor& acceptor) : network_(network), fd_(fd), acceptor_(acceptor) {}
  ~KernelListener() override { ::close(fd_); }
  void on_events(std::uint32_t, Instant now) override { (void)network_.accept_from(*this, now); }

  /// False: the system refused, and nothing has changed.
  bool listen_for(std::uint32_t events) {
    epoll_event event{.events = events, .data = {.ptr = static_cast<KernelSource*>(this)}};
    return epoll_ctl(network_.epoll_fd_, EPOLL_CTL_MOD, fd_, &event) == 0;
  }
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] Acceptor& acceptor() const { return acceptor_; }

 private:
  KernelNetwork& network_;
  int fd_;
  Acceptor& acceptor_;
};

//            connect()                 on_accept
//               |                         |
//          connecting --writable--> established --FIN both ways--> closed --poll--> told (freed)
//               \___________ error, abort() ____________________/
class KernelStream final : public Stream, public KernelSource {
 public:
  KernelStream(KernelNetwork& network, int fd, const Endpoint& peer) : network_(network), fd_(fd), peer_(peer) {}
  KernelStream(const KernelStream&) = delete;
  KernelStream& operator=(const KernelStream&) = delete;
  ~KernelStream() override {
    if (fd_ >= 0) reset_descriptor();
    drop_queue();
  }

  void set_events(StreamEvents& events) override { events_ = &events; }
  void send(ByteView bytes) override {
    if (bytes.empty() || closed() || finishing_) return;
    if (queue_.empty() || queue_.back().is_lent || queue_.back().own.size() >= joined_size_max) queue_.emplace_back();
    append(queue_.back().own, bytes);
    mark_dirty();
  }
  void send_lent(LentBytes lent) override {
    if (lent.bytes.empty() || closed() || finishing_) return release(lent);
    queue_.push_back({.own = {}, .lent = lent, .is_lent = true});
    mark_dirty();
  }
  void finish() override {
    finishing_ = true;
    mark_dirty();
  }
  void abort() override {
    if (closed()) return;
    reset_descriptor();
    become_closed(CloseReason::aborted);
  }
  void pause_reading() override {
    paused_ = true;
    mark_dirty();
  }
  void resume_reading() override {
    paused_ = false;
    mark_dirty();
  }
  [[nodiscard]] Endpoint peer() const override { return peer_; }
  [[nodiscard]] Acknowledged acknowledged() const override {
    if (fd_ >= 0) return {.size = acknowledged_size(), .is_last = peer_finished_};
    return {.size = acknowledged_at_close_, .is_last = peer_finished_ || acknowledged_at_close_ == written_size_};
  }

  void on_events(std::uint32_t events, Instant) override {
    if (closed()) return;
    if (connecting_ && !open_now()) return;
    if ((events & EPOLLERR) != 0) return fail_with(pending_error());
    if ((events & EPOLLIN) != 0 || ((events & EPOLLHUP) != 0 && !paused_)) read();
    if (closed()) return;
    if ((events & EPOLLHUP) != 0 && paused_) return leave_epoll();
    if ((events & EPOLLOUT) != 0) mark_dirty();
  }

  /// Writes what the kernel takes, then says what to wait for.
  void flush() {
    dirty_ = false;
    if (closed()) return;
    if (connecting_) return update_interest();
    while (!queue_.empty()) {
      if (!write_some()) break;
    }
    if (closed()) return;
    if (queue_.empty() && was_sending_) {
      was_sending_ = false;
      events_->on_sent();
    }
    if (closed()) return;
    if (queue_.empty() && finishing_ && !finished_) {
      finished_ = true;
      if (::shutdown(fd_, SHUT_WR) != 0) return fail_with(errno);
    }
    if (finished_ && peer_finished_) return close_in_order();
    update_interest();
  }

  void start_connecting() {
    connecting_ = true;
    update_interest();
  }
  void fail_with(int error) {
    if (is_ours(error)) network_.log_failure("connection", error);
    // Linux gives EPIPE for a RST that came behind the peer's FIN, and ECONNRESET for any other.
    if (error == EPIPE) peer_finished_ = true;
    close_descriptor();
    become_closed(reason_of(error));
  }
  /// The last call of its events; the queue's lenders hear of it first.
  void report_closed() {
    drop_queue();
    if (events_ != nullptr) events_->on_close(*closed_reason_);
  }
  void update_interest() {
    if (closed()) return;
    std::uint32_t wanted = 0;
    if (connecting_ || !queue_.empty()) wanted |= EPOLLOUT;
    if (!connecting_ && !paused_ && !peer_finished_) wanted |= EPOLLIN;
    // Paused and hung up: epoll would report it without end, so it waits outside the set until reading is resumed.
    if (outside_ && hung_up_ && (wanted & EPOLLIN) == 0) return;
    if (!outside_ && wanted == interest_) return;
    epoll_event event{.events = wanted, .data = {.ptr = static_cast<KernelSource*>(this)}};
    const int operation = outside_ ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (epoll_ctl(network_.epoll_fd_, operation, fd_, &event) != 0) return fail_with(errno);
    outside_ = false;
    interest_ = wanted;
  }
  [[nodiscard]] bool closed() const { return closed_reason_.has_value(); }
  [[nodiscard]] bool has_events() const { return events_ != nullptr; }
  [[nodiscard]] bool dirty() const { return dirty_; }

  std::size_t slot = 0;  // where the network holds it

 private:
  struct Piece {
    Bytes own;
    LentBytes lent{};
    bool is_lent = false;
    [[nodiscard]] ByteView bytes() const { return is_lent ? lent.bytes : ByteView{own}; }
  };

  void mark_dirty() {
    if (dirty_ || closed()) return;
    dirty_ = true;
    network_.dirty_.push_back(this);
  }

  [[nodiscard]] int pending_error() const {
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
    return error == 0 ? ECONNRESET : error;
  }

  /// False when the connection could not be made.
  bool open_now() {
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    if (error != 0) {
      fail_with(error);
      return false;
    }
    connecting_ = false;
    acknowledged_at_open_ = tcp_bytes_acked();
    mark_dirty();
    events_->on_open();
    return !closed();
  }

  void read() {
    for (int i = 0; i < reads_per_turn_max && !paused_ && !closed() && !peer_finished_; ++i) {
      const ssize_t got = ::recv(fd_, network_.read_buffer_.data(), network_.read_buffer_.size(), 0);
      if (got < 0) {
        if (!is_again(errno)) fail_with(errno);
        return;
      }
      if (got == 0) {
        peer_finished_ = true;
        mark_dirty();
        return events_->on_end();
      }
      events_->on_data(ByteView{network_.read_buffer_}.first(static_cast<std::size_t>(got)));
      if (static_cast<std::size_t>(got) < network_.read_buffer_.size()) return;
    }
  }

  /// False when the kernel takes no more, or the stream has closed.
  bool write_some() {
    std::array<iovec, gather_max> gather{};
    std::size_t count = 0;
    for (const Piece& piece : queue_) {
      if (count == gather.size()) break;
      const ByteView rest = count == 0 ? piece.bytes().subspan(front_sent_) : piece.bytes();
      gather[count++] = {.iov_base = const_cast<std::uint8_t*>(rest.data()), .iov_len = rest.size()};
    }
    msghdr message{};
    message.msg_iov = gather.data();
    message.msg_iovlen = count;
    const ssize_t sent = ::sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (sent < 0) {
      if (!is_again(errno)) fail_with(errno);
      return false;
    }
    was_sending_ = true;
    written_size_ += static_cast<std::uint64_t>(sent);
    take_from_queue(static_cast<std::size_t>(sent));
    return true;
  }

  void take_from_queue(std::size_t size) {
    while (!queue_.empty()) {
      const std::size_t left = queue_.front().bytes().size() - front_sent_;
      if (size < left) {
        front_sent_ += size;
        return;
      }
      size -= left;
      front_sent_ = 0;
      const Piece piece = std::move(queue_.front());
      queue_.pop_front();
      if (piece.is_lent) release(piece.lent);
    }
  }

  void drop_queue() {
    front_sent_ = 0;
    while (!queue_.empty()) {
      const Piece piece = std::move(queue_.front());
      queue_.pop_front();
      if (piece.is_lent) release(piece.lent);
    }
  }

  void leave_epoll() {
    if (epoll_ctl(network_.epoll_fd_, EPOLL_CTL_DEL, fd_, nullptr) != 0) return fail_with(errno);
    outside_ = true;
    hung_up_ = true;
    interest_ = 0;
  }

  void close_in_order() {
    close_descriptor();
    become_closed(CloseReason::finished);
  }
  void become_closed(CloseReason reason) {
    closed_reason_ = reason;
    network_.closed_.push_back(this);
  }
  /// RFC 9293 §3.10.5 (ABORT): a linger time of zero makes close() send RST.
  void reset_descriptor() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close_descriptor();
  }
  void close_descriptor() {
    if (fd_ < 0) return;
    acknowledged_at_close_ = acknowledged_size();
    ::close(fd_);
    fd_ = -1;
  }

  /// RFC 4898 tcpEStatsAppHCThruOctetsAcked; Linux counts our SYN and our FIN in it. It outlives a RST, as long as the descriptor does.
  [[nodiscard]] std::optional<std::uint64_t> tcp_bytes_acked() const {
    tcp_info info{};
    socklen_t size = sizeof info;
    if (getsockopt(fd_, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) {
      network_.log_failure("TCP_INFO", errno);
      return std::nullopt;
    }
    if (size < offsetof(tcp_info, tcpi_bytes_acked) + sizeof info.tcpi_bytes_acked) return std::nullopt;
    return info.tcpi_bytes_acked;
  }
  [[nodiscard]] std::uint64_t acknowledged_size() const {
    if (written_size_ == 0) return 0;
    const auto acked = tcp_bytes_acked();
    // A kernel that does not say (before Linux 4.1): whatever it took may have arrived.
    if (!acked || !acknowledged_at_open_) return written_size_;
    return std::min(*acked - std::min(*acked, *acknowledged_at_open_), written_size_);
  }

  KernelNetwork& network_;
  int fd_;
  Endpoint peer_;
  StreamEvents* events_ = nullptr;
  std::deque<Piece> queue_;
  std::size_t front_sent_ = 0;
  std::optional<CloseReason> closed_reason_;
  std::uint32_t interest_ = 0;
  std::uint64_t written_size_ = 0;                         // taken by the kernel
  std::optional<std::uint64_t> acknowledged_at_open_ = 0;  // our SYN, if we opened
  std::uint64_t acknowledged_at_close_ = 0;
  bool outside_ = true;   // not in the epoll set
  bool hung_up_ = false;  // both directions have ended, while reading was paused
  bool connecting_ = false;
  bool paused_ = false;
  bool finishing_ = false;      // finish() was called
  bool finished_ = false;       // FIN given to the kernel
  bool peer_finished_ = false;  // its FIN came
  bool was_sending_ = false;
  bool dirty_ = false;
};

Result<std::unique_ptr<KernelNetwork>> KernelNetwork::open() {
  const int fd = epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) return fail_os(link_no_descriptor, errno);
  return std::unique_ptr<KernelNetwork>(new KernelNetwork(fd));
}

KernelNetwork::KernelNetwork(int epoll_fd) : epoll_fd_(epoll_fd), read_buffer_(read_size) {}

KernelNetwork::~KernelNetwork() {
  streams_.clear();
  listeners_.clear();
  ::close(epoll_fd_);
}

Result<void> KernelNetwork::listen(const Endpoint& local, Acceptor& acceptor) {
  const int fd = ::socket(local.ip.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail_os(link_no_descriptor, errno);
  // Without it a restarted worker could not listen while its old connections are in TIME_WAIT.
  const bool reused = set_flag(fd, SOL_SOCKET, SO_REUSEADDR);
  SocketAddress address = to_socket_address(local);
  if (!reused || ::bind(fd, address.get(), address.size) != 0 || ::listen(fd, SOMAXCONN) != 0) {
    const int error = errno;
    ::close(fd);
    return fail_os(link_cannot_listen, error);
  }
  auto listener = std::make_unique<KernelListener>(*this, fd, acceptor);
  epoll_event event{.events = EPOLLIN, .data = {.ptr = static_cast<KernelSource*>(listener.get())}};
  if (epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) != 0) return fail_os(link_no_descriptor, errno);
  listeners_.push_back(std::move(listener));
  return {};
}

std::vector<Endpoint> KernelNetwork::listening() const {
  std::vector<Endpoint> endpoints;
  for (const auto& listener : listeners_) {
    SocketAddress address;
    address.size = sizeof address.storage;
    if (getsockname(listener->fd(), address.get(), &address.size) == 0) endpoints.push_back(to_endpoint(address));
  }
  return endpoints;
}

KernelStream& KernelNetwork::add_stream(int fd, const Endpoint& peer) {
  // That costs latency, and no more.
  if (!set_flag(fd, IPPROTO_TCP, TCP_NODELAY)) log_failure("option", errno);
  streams_.push_back(std::make_unique<KernelStream>(*this, fd, peer));
  streams_.back()->slot = streams_.size() - 1;
  return *streams_.back();
}

Result<Stream*> KernelNetwork::connect(const Endpoint& peer, StreamEvents& events) {
  const int fd = ::socket(peer.ip.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail_os(link_no_descriptor, errno);
  KernelStream& stream = add_stream(fd, peer);
  stream.set_events(events);
  SocketAddress address = to_socket_address(peer);
  // A refusal that is known at once is told like any other, from the next poll.
  if (::connect(fd, address.get(), address.size) != 0 && errno != EINPROGRESS) {
    stream.fail_with(errno);
  } else {
    stream.start_connecting();
  }
  return &stream;
}

KernelNetwork::Backlog KernelNetwork::accept_from(KernelListener& listener, Instant now) {
  for (int i = 0; i < accepts_per_turn_max; ++i) {
    SocketAddress address;
    address.size = sizeof address.storage;
    const int fd = ::accept4(listener.fd(), address.get(), &address.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        // The backlog stays readable: without this pause the worker would spin on it.
        const int error = errno;
        accept_again_ = now + timers::kernel_accept;
        if (const std::uint64_t failures = accept_lines_.count(now, error); failures > 0)
          log_error("accept_failed").number("failures", static_cast<std::int64_t>(failures)).os_error(error);
        // One that stays in the set costs a failed accept in each turn until the pause is over.
        for (const auto& each : listeners_) (void)each->listen_for(0);
        return Backlog::more;
      }
      // That client has gone; others may wait behind it.
      if (errno == ECONNABORTED) continue;
      return Backlog::empty;
    }
    KernelStream& stream = add_stream(fd, to_endpoint(address));
    listener.acceptor().on_accept(stream);
    PM_CHECK(stream.closed() || stream.has_events());
    stream.update_interest();
  }
  return Backlog::more;
}

// Closing a listener resets those that the kernel has accepted for us, so they are taken out first.
void KernelNetwork::leave_listeners(Instant now) {
  constexpr std::uint32_t turns_most = 64;  // of 64 accepts each: a flood never leaves the backlog empty
  const bool is_over = ++leaving_turns_ >= turns_most;
  // In two steps: accept_from looks at all of them.
  std::vector<const KernelListener*> empty;
  for (const auto& listener : listeners_) {
    if (accept_from(*listener, now) == Backlog::empty || is_over) empty.push_back(listener.get());
  }
  std::erase_if(listeners_, [&](const auto& listener) { return std::ranges::find(empty, listener.get()) != empty.end(); });
}

void KernelNetwork::log_failure(const char* what, int error) {
  if (const std::uint64_t failures = failure_lines_.count(now_, error); failures > 0)
    log_error("link_failed").text("what", what).number("failures", static_cast<std::int64_t>(failures)).os_error(error);
}

void KernelNetwork::flush_dirty() {
  // What on_sent asks for is sent in the next turn.
  std::vector<KernelStream*> now;
  now.swap(dirty_);
  for (KernelStream* stream : now) stream->flush();
}

void KernelNetwork::report_closed() {
  std::vector<KernelStream*> now;
  now.swap(closed_);
  for (KernelStream* stream : now) {
    stream->report_closed();
    finished_.push_back(stream);
  }
}

void KernelNetwork::free_closed() {
  for (KernelStream* stream : finished_) {
    // A stream may be dirty and closed: nobody may keep its address.
    if (stream->dirty()) std::erase(dirty_, stream);
    const std::size_t slot = stream->slot;
    std::swap(streams_[slot], streams_.back());
    streams_[slot]->slot = slot;
    streams_.pop_back();
  }
  finished_.clear();
}

std::size_t KernelNetwork::poll(Instant now) {
  now_ = now;
  std::size_t work = closed_.size() + dirty_.size();
  report_closed();
  if (leaving_) leave_listeners(now);
  if (accept_again_.ns != 0 && now >= accept_again_) {
    accept_again_ = {};
    for (const auto& listener : listeners_) {
      if (!listener->listen_for(EPOLLIN)) accept_again_ = now + timers::kernel_accept;
    }
  }
  std::array<epoll_event, events_per_turn_max> events;
  const int count = epoll_wait(epoll_fd_, events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    static_cast<KernelSource*>(event.data.ptr)->on_events(event.events, now);
  }
  if (count > 0) work += static_cast<std::size_t>(count);
  flush_dirty();
  free_closed();
  return work;
}

void KernelNetwork::wait(int wake_fd, Duration longest) {
  // Something to tell or to send: the next poll has work.
  if (!closed_.empty() || !dirty_.empty()) return;
  if (accept_again_.ns != 0) longest = std::min(longest, timers::kernel_accept.first);
  if (longest.ns <= 0) return;
  std::array<pollfd, 2> fds{{{.fd = epoll_fd_, .events = POLLIN, .revents = 0}, {.fd = wake_fd, .events = POLLIN, .revents = 0}}};
  const timespec time{.tv_sec = longest.ns / 1'000'000'000, .tv_nsec = longest.ns % 1'000'000'000};
  (void)ppoll(fds.data(), fds.size(), &time, nullptr);
}

}  // namespace pushmail
