#include "dataplane/handoff/server.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "core/accounts.h"
#include "core/log.h"
#include "core/socket_file.h"
#include "core/timers.h"

namespace pushmail::handoff {

namespace {

// One connection must not keep the journal waiting: so many reads, then the loop goes round.
constexpr int reads_max = 16;

}  // namespace

Result<std::unique_ptr<Server>> Server::open(const std::filesystem::path& socket, std::uint64_t epoch, ServerEvents& events) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& name = socket.native();
  if (name.size() >= sizeof address.sun_path) return fail(handoff_socket);
  name.copy(address.sun_path, name.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail_os(handoff_socket, errno);
  // What a killed predecessor left; a living one holds the journal's lock, so this process would not have come here.
  remove_socket_file(socket);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || ::chmod(name.c_str(), 0660) != 0 ||
      ::listen(fd, 4) != 0) {
    const int error = errno;
    ::close(fd);
    return fail_os(handoff_socket, error);
  }
  // Without its group a control plane that is not root cannot connect: that is no start.
  const auto owners = find_group("pushmail");
  const bool owned = owners && (!*owners || ::chown(name.c_str(), static_cast<uid_t>(-1), **owners) == 0);
  if (!owned) {
    const int error = owners ? errno : owners.error().os;
    ::close(fd);
    return fail_os(handoff_socket, error);
  }
  return std::unique_ptr<Server>(new Server(socket, fd, epoch, events));
}

Server::Server(std::filesystem::path path, int listen_fd, std::uint64_t epoch, ServerEvents& events)
    : path_(std::move(path)), events_(events), peer_(Direction::to_control, epoch, events), listen_fd_(listen_fd) {}

Server::~Server() {
  if (fd_ >= 0) ::close(fd_);
  ::close(listen_fd_);
  remove_socket_file(path_);
}

void Server::watch(std::vector<pollfd>& fds) const {
  fds.push_back({.fd = clock_.now() < accept_again_ ? -1 : listen_fd_, .events = POLLIN, .revents = 0});
  if (fd_ < 0) return;
  const short wanted = peer_.output().empty() ? POLLIN : POLLIN | POLLOUT;
  fds.push_back({.fd = fd_, .events = wanted, .revents = 0});
}

void Server::run() {
  accept_new();
  read_all();
  write_all();
}

void Server::accept_new() {
  const Instant now = clock_.now();
  if (now < accept_again_) return;
  const int fd = ::accept4(listen_fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) return;
    const int error = errno;
    ++accept_failures_;
    accept_again_ = now + timers::handoff_accept;
    if (const std::uint64_t failures = accept_lines_.count(now, error); failures > 0)
      log_error("handoff_accept").text("socket", path_.native()).number("failures", static_cast<std::int64_t>(failures)).os_error(error);
    return;
  }
  close_connection();
  fd_ = fd;
  peer_.connected();
}

void Server::read_all() {
  for (int n = 0; fd_ >= 0 && n < reads_max; ++n) {
    const MutableBytes room = peer_.room();
    const ssize_t size = ::recv(fd_, room.data(), room.size(), 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size < 0) log_warning("handoff_lost").os_error(errno);
    if (size <= 0) return close_connection();
    const auto taken = peer_.received(static_cast<std::size_t>(size));
    if (!taken) {
      log_error("handoff_broken").error(taken.error());
      return close_connection();
    }
  }
}

void Server::write_all() {
  while (fd_ >= 0 && !peer_.output().empty()) {
    const ssize_t size = ::send(fd_, peer_.output().data(), peer_.output().size(), MSG_NOSIGNAL);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size < 0) log_warning("handoff_lost").os_error(errno);
    if (size <= 0) return close_connection();
    peer_.sent(static_cast<std::size_t>(size));
  }
}

void Server::close_connection() {
  if (fd_ < 0) return;
  ::close(std::exchange(fd_, -1));
  peer_.disconnected();
  events_.on_lost();
}

}  // namespace pushmail::handoff
