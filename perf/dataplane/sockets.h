// What the peers of perf/run dataplane have in common: many kernel sockets on one epoll, one thread, and orders on stdin.
//
// An order is a line on stdin; the program answers each with one line of JSON on stdout. The end of stdin ends it.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "core/clock.h"

namespace pushmail::perf {

[[noreturn]] inline void give_up(const char* what) {
  std::perror(what);
  std::exit(1);
}

/// `198.18.0.2:2525`
inline sockaddr_in address_of(std::string_view text) {
  const std::size_t colon = text.find(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  if (colon == std::string_view::npos || ::inet_pton(AF_INET, std::string(text.substr(0, colon)).c_str(), &address.sin_addr) != 1)
    give_up("address");
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoul(std::string(text.substr(colon + 1)))));
  return address;
}

/// A connected socket and the bytes of both ways.
class Connection {
 public:
  explicit Connection(int fd) : fd_(fd) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  virtual ~Connection() { ::close(fd_); }
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool has_output() const { return sent_ < out_.size(); }

  /// Takes from the front of `in` what it understands.
  virtual void on_input(std::string& in) = 0;
  virtual void on_end() {}

  void write(std::string_view text) { out_.append(text); }
  /// False when the connection is over.
  bool receive() {
    std::array<char, 65536> buffer;
    const ssize_t n = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    if (n == 0) return false;
    in_.append(buffer.data(), static_cast<std::size_t>(n));
    on_input(in_);
    return true;
  }
  bool send() {
    while (has_output()) {
      const ssize_t n = ::send(fd_, out_.data() + sent_, out_.size() - sent_, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n < 0) return errno == EAGAIN || errno == EINTR;
      sent_ += static_cast<std::size_t>(n);
    }
    out_.clear();
    sent_ = 0;
    return true;
  }

 private:
  int fd_;
  std::string in_, out_;
  std::size_t sent_ = 0;
};

inline int open_socket() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) give_up("socket");
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

/// Begins; the connection is there when it is writable.
inline int connect_to(const sockaddr_in& address) {
  const int fd = open_socket();
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 && errno != EINPROGRESS) give_up("connect");
  return fd;
}

class Loop {
 public:
  using Make = std::function<std::unique_ptr<Connection>(int fd)>;

  Loop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) { watch(STDIN_FILENO); }

  void add(std::unique_ptr<Connection> connection) {
    const int fd = connection->fd();
    epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.fd = fd}};
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) give_up("epoll_ctl");
    connections_[fd] = std::move(connection);
  }
  void listen(const sockaddr_in& address, Make make) {
    const int fd = open_socket(), on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || ::listen(fd, 1024) != 0) give_up("listen");
    watch(fd);
    listeners_[fd] = std::move(make);
  }
  /// Calls `idle` after each round, and at least every millisecond.
  void run(const std::function<void(std::string_view)>& order, const std::function<void()>& idle) {
    while (true) {
      std::array<epoll_event, 256> events;
      const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 1);
      for (int i = 0; i < count; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        if (fd == STDIN_FILENO) {
          if (!take_orders(order)) return;
        } else if (const auto listener = listeners_.find(fd); listener != listeners_.end()) {
          for (int made = 0; (made = ::accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) add(listener->second(made));
        } else {
          serve(fd);
        }
      }
      idle();
    }
  }
  /// Writes to a connection from outside its on_input; nothing happens when it is gone.
  void answer(int fd, std::string_view text) {
    const auto found = connections_.find(fd);
    if (found == connections_.end()) return;
    found->second->write(text);
    if (!found->second->send()) end(fd);
  }
  [[nodiscard]] std::size_t connection_count() const { return connections_.size(); }

 private:
  void watch(int fd) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) give_up("epoll_ctl");
  }
  // Edge-triggered: read until there is no more.
  void serve(int fd) {
    const auto found = connections_.find(fd);
    if (found == connections_.end()) return;
    Connection& connection = *found->second;
    bool alive = connection.send();
    int waiting = 0;
    while (alive && ::recv(fd, &waiting, 1, MSG_PEEK | MSG_DONTWAIT) >= 0) alive = connection.receive() && connection.send();
    if (!alive || (errno != EAGAIN && errno != EINTR)) end(fd);
  }
  void end(int fd) {
    connections_[fd]->on_end();
    connections_.erase(fd);
  }
  bool take_orders(const std::function<void(std::string_view)>& order) {
    std::array<char, 4096> buffer;
    const ssize_t n = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (n <= 0) return false;
    orders_.append(buffer.data(), static_cast<std::size_t>(n));
    for (std::size_t end = 0; (end = orders_.find('\n')) != std::string::npos; orders_.erase(0, end + 1))
      order(std::string_view(orders_).substr(0, end));
    std::fflush(stdout);
    return true;
  }

  int epoll_;
  std::map<int, std::unique_ptr<Connection>> connections_;
  std::map<int, Make> listeners_;
  std::string orders_;
};

/// Up to and with CRLF from the front of `in`; empty: not there yet.
inline std::string take_line(std::string& in) {
  const std::size_t end = in.find("\r\n");
  if (end == std::string::npos) return {};
  std::string line = in.substr(0, end + 2);
  in.erase(0, end + 2);
  return line;
}

/// A whole HTTP message with Content-Length from the front of `in`: head and body; an empty head: not there yet.
inline std::pair<std::string, std::string> take_http(std::string& in) {
  const std::size_t end = in.find("\r\n\r\n");
  if (end == std::string::npos) return {};
  std::string head = in.substr(0, end + 4);
  std::string lower = head;
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  const std::size_t field = lower.find("\r\ncontent-length:");
  const std::size_t size = field == std::string::npos ? 0 : std::stoul(lower.substr(field + 17));
  if (in.size() < head.size() + size) return {};
  std::string body = in.substr(head.size(), size);
  in.erase(0, head.size() + size);
  return {std::move(head), std::move(body)};
}

}  // namespace pushmail::perf
