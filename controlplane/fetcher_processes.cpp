#include "controlplane/fetcher_processes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <deque>
#include <expected>

#include "core/accounts.h"
#include "core/log.h"
#include "core/record_inbox.h"
#include "core/socket_user.h"
#include "core/timers.h"

namespace pushmail {

namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Protocol = asio::local::stream_protocol;

constexpr std::size_t read_size = 256 * 1024;
constexpr std::size_t unread_max = limits::record_size_max;
constexpr std::size_t unwritten_max = 64 * 1024 * 1024;  // bytes; a fetcher that reads nothing is hung
constexpr int fetcher_descriptor = 3;

// In the child between fork and exec: only calls that are safe there, which the log's are not.
[[noreturn]] void end_child(const char* step) {
  const char* error = strerrorname_np(errno);
  const std::array<const char*, 5> parts{R"({"level":"error","event":"fetcher_not_started","step":")", step, R"(","errno":")",
                                         error != nullptr ? error : "?", "\"}\n"};
  for (const char* part : parts) {
    if (::write(STDERR_FILENO, part, std::strlen(part)) < 0) break;
  }
  _exit(127);
}

[[noreturn]] void become_fetcher(int socket, pid_t parent, const char* program, char* const* arguments) {
  // Whoever kills the control plane ends its fetchers too. (A fetcher that changes its user loses this; then the closed socket ends it.)
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) end_child("prctl");
  if (getppid() != parent) _exit(EXIT_FAILURE);
  sigset_t none;
  sigemptyset(&none);
  if (sigprocmask(SIG_SETMASK, &none, nullptr) != 0) end_child("sigprocmask");
  if (socket == fetcher_descriptor) {
    if (fcntl(socket, F_SETFD, 0) != 0) end_child("fcntl");
  } else if (dup2(socket, fetcher_descriptor) < 0) {
    end_child("dup2");
  }
  execv(program, arguments);
  end_child("execv");
}

}  // namespace

class FetcherProcesses::Process : public std::enable_shared_from_this<FetcherProcesses::Process> {
 public:
  Process(asio::io_context& context, const Options& options, std::size_t index, Durability& durability, FetcherEvents& events)
      : options_(options), index_(index), durability_(durability), events_(events), socket_(context), timer_(context), steady_(context) {}

  void start();
  void stop();
  [[nodiscard]] bool is_up() const { return up_ && !hung_; }
  [[nodiscard]] Standing standing() const {
    return {.up = is_up(), .pid = std::max(pid_, 0), .last_error = last_error_, .times_lost = times_lost_};
  }
  void send(RecordWriter record);

 private:
  [[nodiscard]] std::expected<void, std::string> fork_child();
  [[nodiscard]] std::expected<void, std::string> connect_to_manager();
  void read();
  [[nodiscard]] Result<void> take_records();
  void write();
  void lost(const std::string& reason);

  const Options options_;
  const ExpectedUser expected_ = ExpectedUser::of(fetcher_user).value_or(ExpectedUser(std::nullopt));
  const std::size_t index_;
  Durability& durability_;
  FetcherEvents& events_;
  Protocol::socket socket_;
  asio::steady_timer timer_;
  asio::steady_timer steady_;
  pid_t pid_ = -1;
  bool up_ = false;
  bool stopped_ = false;
  bool hung_ = false;
  bool writing_ = false;
  int failures_ = 0;
  std::string last_error_{};
  std::uint64_t times_lost_ = 0;
  std::uint64_t generation_ = 0;  // callbacks of an older process are ignored
  std::uint64_t sequence_ = 0;
  std::uint64_t may_leave_ = 0;  // records up to this one rest on nothing but what is on disk
  RecordInbox inbox_;
  std::deque<Bytes> out_;
  std::size_t out_size_ = 0;
};

void FetcherProcesses::Process::send(RecordWriter record) {
  if (!is_up()) return;
  out_.push_back(record.finish(++sequence_));
  out_size_ += out_.back().size();
  durability_.when_durable([self = shared_from_this(), generation = generation_, sequence = sequence_] {
    if (self->stopped_ || generation != self->generation_) return;
    self->may_leave_ = sequence;
    self->write();
  });
  if (out_size_ <= unwritten_max) return;
  // Who sends is in the middle of something; the loss is told when that is over.
  hung_ = true;
  asio::post(socket_.get_executor(), [self = shared_from_this(), generation = generation_] {
    if (!self->stopped_ && generation == self->generation_) self->lost("it does not read what it is told");
  });
}

std::expected<void, std::string> FetcherProcesses::Process::fork_child() {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
    return std::unexpected(std::string("socketpair: ") + std::strerror(errno));
  std::vector<char*> arguments;
  const std::string program = options_.program.string();
  arguments.push_back(const_cast<char*>(program.c_str()));
  for (const std::string& argument : options_.arguments) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t child = fork();
  const int fork_error = errno;
  if (child == 0) become_fetcher(pair[1], parent, program.c_str(), arguments.data());
  ::close(pair[1]);
  if (child < 0) {
    ::close(pair[0]);
    return std::unexpected(std::string("fork: ") + std::strerror(fork_error));
  }
  pid_ = child;
  error_code error;
  socket_ = Protocol::socket(socket_.get_executor());
  socket_.assign(Protocol(), pair[0], error);
  if (error) return std::unexpected(error.message());
  return {};
}

// The other end becomes descriptor 3 of a process that the service manager starts; it ends when ours closes, as a child of ours would.
std::expected<void, std::string> FetcherProcesses::Process::connect_to_manager() {
  if (options_.socket.string().size() >= sizeof(sockaddr_un::sun_path))
    return std::unexpected(options_.socket.string() + ": longer than a socket's path may be");
  error_code error;
  socket_ = Protocol::socket(socket_.get_executor());
  socket_.open(Protocol(), error);
  // Whoever listens there and takes nothing must not hold up this thread.
  if (!error) socket_.non_blocking(true, error);
  if (!error) socket_.connect(Protocol::endpoint(options_.socket.string()), error);
  if (error) return std::unexpected(options_.socket.string() + ": " + error.message());
  // Passwords of mailboxes go there.
  const auto other = socket_user(socket_.native_handle());
  if (!other) return std::unexpected(options_.socket.string() + ": who listens there: " + std::strerror(other.error().os));
  if (!expected_.includes(other->user))
    return std::unexpected(options_.socket.string() + ": who listens there runs neither as root, as our own user nor as pushmail-fetch");
  return {};
}

void FetcherProcesses::Process::start() {
  if (stopped_) return;
  const auto begun = options_.socket.empty() ? fork_child() : connect_to_manager();
  if (!begun) return lost(begun.error());
  ++generation_;
  sequence_ = 0;
  may_leave_ = 0;
  inbox_.clear();
  out_.clear();
  out_size_ = 0;
  hung_ = false;
  writing_ = false;
  up_ = true;
  log_info("fetcher_started").number("fetcher", static_cast<std::int64_t>(index_)).number("pid", std::max(pid_, 0));
  steady_.expires_after(timers::fetcher_steady.chrono());
  steady_.async_wait([self = shared_from_this()](error_code cancelled) {
    if (!cancelled) self->failures_ = 0;
  });
  read();
  events_.on_fetcher_up(index_);
}

void FetcherProcesses::Process::read() {
  const MutableBytes room = inbox_.room(read_size);
  const auto into = asio::buffer(room.data(), room.size());
  socket_.async_read_some(into, [self = shared_from_this(), generation = generation_](error_code error, std::size_t size) {
    if (self->stopped_ || generation != self->generation_) return;
    if (error) return self->lost(error.message());
    self->inbox_.filled(size);
    const auto taken = self->take_records();
    if (self->stopped_ || generation != self->generation_) return;
    if (!taken) return self->lost(std::string(taken.error().info->text));
    self->read();
  });
}

Result<void> FetcherProcesses::Process::take_records() {
  const std::uint64_t generation = generation_;
  while (true) {
    const auto record = inbox_.next();
    if (record.is_bad()) return std::unexpected(record.error());
    if (record.needs_more()) break;
    events_.on_fetcher_record(record.value());
    if (stopped_ || generation != generation_) return {};
  }
  PM_CHECK(inbox_.unread().size() <= unread_max);
  return {};
}

void FetcherProcesses::Process::write() {
  if (writing_ || out_.empty() || !up_ || sequence_ - out_.size() >= may_leave_) return;
  writing_ = true;
  socket_.async_write_some(asio::buffer(out_.front()),
                           [self = shared_from_this(), generation = generation_](error_code error, std::size_t size) {
                             if (self->stopped_ || generation != self->generation_) return;
                             self->writing_ = false;
                             // The read side need not notice: a send can fail for want of memory while the socket is whole.
                             if (error) return self->lost(error.message());
                             self->out_size_ -= size;
                             Bytes& front = self->out_.front();
                             if (size < front.size())
                               front.erase(front.begin(), front.begin() + static_cast<std::ptrdiff_t>(size));
                             else
                               self->out_.pop_front();
                             self->write();
                           });
}

void FetcherProcesses::Process::lost(const std::string& reason) {
  ++generation_;
  error_code ignored;
  socket_.close(ignored);
  steady_.cancel();
  int status = 0;
  if (pid_ > 0) {
    // Its socket is gone, so it ends; one that does not is hung.
    if (waitpid(pid_, &status, WNOHANG) == 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, &status, 0);
    }
    pid_ = -1;
  }
  const bool was_up = std::exchange(up_, false);
  ++times_lost_;
  last_error_ = WIFSIGNALED(status)                             ? fmt::format("{}; it was ended by signal {}", reason, WTERMSIG(status))
                : WIFEXITED(status) && WEXITSTATUS(status) != 0 ? fmt::format("{}; it ended with {}", reason, WEXITSTATUS(status))
                                                                : reason;
  const std::chrono::nanoseconds wait(doubled(timers::fetcher_restart, failures_++).ns);
  log_warning("fetcher_lost")
      .number("fetcher", static_cast<std::int64_t>(index_))
      .text("reason", reason)
      .number("exit", WIFEXITED(status) ? WEXITSTATUS(status) : -1)
      .number("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
  timer_.expires_after(wait);
  timer_.async_wait([self = shared_from_this()](error_code error) {
    if (!error) self->start();
  });
  if (was_up) events_.on_fetcher_down(index_);
}

void FetcherProcesses::Process::stop() {
  stopped_ = true;
  up_ = false;
  error_code ignored;
  socket_.close(ignored);
  timer_.cancel();
  steady_.cancel();
  if (pid_ <= 0) return;
  // Closing the socket is the word to end; a mail server in the middle of a command is no reason to wait.
  constexpr int patience_ms = 1000;
  const int exited = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  pollfd wanted{exited, POLLIN, 0};
  if (exited < 0 || ::poll(&wanted, 1, patience_ms) <= 0) kill(pid_, SIGKILL);
  if (exited >= 0) close(exited);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

FetcherProcesses::FetcherProcesses(asio::io_context& context, Options options, Durability& durability, FetcherEvents& events) {
  for (std::size_t i = 0; i < options.count; ++i) processes_.push_back(std::make_shared<Process>(context, options, i, durability, events));
}
FetcherProcesses::~FetcherProcesses() { stop(); }

void FetcherProcesses::start() {
  for (const auto& process : processes_) process->start();
}
void FetcherProcesses::stop() {
  for (const auto& process : processes_) process->stop();
}

std::size_t FetcherProcesses::index_of(std::string_view binding) const { return crc32c(bytes_of(binding)) % processes_.size(); }

std::size_t FetcherProcesses::up_count() const {
  return static_cast<std::size_t>(
      std::count_if(processes_.begin(), processes_.end(), [](const auto& process) { return process->is_up(); }));
}

std::vector<FetcherProcesses::Standing> FetcherProcesses::standing() const {
  std::vector<Standing> all;
  for (const auto& process : processes_) all.push_back(process->standing());
  return all;
}

bool FetcherProcesses::is_up(std::string_view binding) const { return processes_[index_of(binding)]->is_up(); }

bool FetcherProcesses::send_to(std::size_t index, RecordWriter record) {
  if (!processes_[index]->is_up()) return false;
  processes_[index]->send(std::move(record));
  return true;
}

void FetcherProcesses::send(std::string_view binding, mailbox::Kind, const ItemId&, RecordWriter record) {
  processes_[index_of(binding)]->send(std::move(record));
}

}  // namespace pushmail
