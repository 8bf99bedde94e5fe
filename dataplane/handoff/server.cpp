#include "dataplane/handoff/server.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
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
  PM_TRY(const ExpectedUser expected, ExpectedUser::of(control_plane_user));
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
  if (const auto given = give_to_group(socket, shared_group); !given) {
    ::close(fd);
    // Without its group a control plane that is not root cannot connect: that is no start.
    return fail_os(handoff_socket, given.error().os);
  }
  return std::unique_ptr<Server>(new Server(socket, fd, epoch, expected, events));
}

Server::Server(std::filesystem::path path, int listen_fd, std::uint64_t epoch, ExpectedUser expected, ServerEvents& events)
    : path_(std::move(path)), events_(events), peer_(Direction::to_control, epoch, events), expected_(expected), listen_fd_(listen_fd) {}

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
  // First what the old connection has to say, its end above all: then its place is free.
  read_all();
  accept_new();
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
  admit(fd);
}

void Server::admit(int fd) {
  const auto other = socket_user(fd);
  const bool is_expected = other && expected_.includes(other->user);
  // 0: of another PID namespace, as any other may be.
  const bool is_same = other && other->process != 0 && other->process == process_;
  const bool is_first = fd_ < 0 || is_same || !first_answers();
  if (is_expected && is_first) {
    close_connection();
    fd_ = fd;
    process_ = other->process;
    said_ = 0;
    silence_ = {};
    peer_.connected();
    return;
  }
  ++refused_;
  const std::string_view reason =
      !is_expected ? "it does not run as root, as our own user or as pushmail-cp" : "another control plane is connected and answers";
  if (const std::uint64_t refusals = refusal_lines_.count(clock_.now(), is_expected ? 1 : 2); refusals > 0) {
    auto line = log_warning("handoff_refused");
    line.text("reason", reason).number("refusals", static_cast<std::int64_t>(refusals));
    if (other)
      line.number("uid", other->user).number("pid", other->process);
    else
      line.error(other.error());
  }
  ::close(fd);
}

bool Server::first_answers() {
  int unread = 0;
  // Where the kernel does not say, what we still hold back says it: the socket is full.
  const bool knows = ::ioctl(fd_, SIOCOUTQ, &unread) == 0;
  return silence_.answers(clock_.now(), (knows && unread > 0) || !peer_.output().empty(), said_);
}

void Server::read_all() {
  for (int n = 0; fd_ >= 0 && n < reads_max; ++n) {
    const MutableBytes room = peer_.room();
    const ssize_t size = ::recv(fd_, room.data(), room.size(), 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size < 0) log_warning("handoff_lost").os_error(errno);
    if (size <= 0) return close_connection();
    said_ += static_cast<std::uint64_t>(size);
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
