#include "core/log_writer.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

#include "core/privileges.h"

namespace pushmail {

namespace {

// How full the ring may be with a line of this level: what matters more still has room when there is none for the rest. In eighths.
constexpr std::array<std::size_t, 4> share_of_ring{4, 6, 7, 8};  // debug, info, warning, error
static_assert(share_of_ring[static_cast<std::size_t>(LogLevel::error)] == 8);

// Lines of processes that share a pipe or a terminal do not mix in writes of PIPE_BUF bytes; a file that is appended to takes any write
// whole.
constexpr std::size_t file_batch_size = std::size_t{64} << 10;
constexpr int last_patience_ms = 1000;  // a log that nobody reads must not keep the process from ending
constexpr Duration fault_patience = milliseconds(100);
constexpr Duration forever{std::numeric_limits<std::int64_t>::max()};

// What ends the process because of a fault of ours. PM_CHECK and the library's assertions abort.
constexpr std::array fault_signals{SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE};

std::atomic<LogWriter*> current{nullptr};

bool is_file(int fd) {
  struct stat status{};
  return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

// The handler is for one time only (SA_RESETHAND): the signal ends the process when it comes again.
void on_fault(int signal) {
  if (LogWriter* writer = current.load(std::memory_order_acquire); writer != nullptr) writer->flush(fault_patience);
  ::raise(signal);
}

// A sanitizer's own handlers stay.
void catch_faults() {
  for (const int signal : fault_signals) {
    struct sigaction before{};
    if (::sigaction(signal, nullptr, &before) != 0 || before.sa_handler != SIG_DFL) continue;
    struct sigaction action{};
    action.sa_handler = on_fault;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    ::sigaction(signal, &action, nullptr);
  }
}

void leave_faults() {
  for (const int signal : fault_signals) {
    struct sigaction now{};
    if (::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == on_fault) ::signal(signal, SIG_DFL);
  }
}

}  // namespace

// Whose turn it is to read the ring: the log thread's, a flusher's, or the handler's. No mutex, since a handler may hold none.
class LogWriter::Turn {
 public:
  Turn(std::atomic<bool>& busy, Duration patience) : busy_(busy) {
    for (std::int64_t waited_ms = 0; busy_.exchange(true, std::memory_order_acquire); ++waited_ms) {
      if (waited_ms >= patience.ms()) return;
      ::poll(nullptr, 0, 1);
    }
    taken_ = true;
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    if (taken_) busy_.store(false, std::memory_order_release);
  }
  [[nodiscard]] bool taken() const { return taken_; }

 private:
  std::atomic<bool>& busy_;
  bool taken_ = false;
};

LogWriter::LogWriter(LogWriterSettings settings)
    : settings_(settings),
      batch_size_(is_file(settings.fd) ? file_batch_size : PIPE_BUF),
      ring_(settings.ring_size),
      stop_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (stop_fd_ < 0) system_failed("an eventfd", errno);
  PM_CHECK(current.exchange(this) == nullptr);
  thread_ = Thread("log", [this] { run(); });
  log_to(this);
  catch_faults();
}

LogWriter::~LogWriter() {
  stopping_.store(true, std::memory_order_release);
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = ::write(stop_fd_, &one, sizeof one);
  thread_.join();
  log_to(nullptr);
  leave_faults();
  current.store(nullptr);
  ::close(stop_fd_);
}

void LogWriter::put(LogLevel level, std::string_view line) {
  if (!ring_.put(line, ring_.capacity() / 8 * share_of_ring[static_cast<std::size_t>(level)]))
    dropped_.fetch_add(1, std::memory_order_relaxed);
  bell_.ring();
}

void LogWriter::flush(Duration patience) {
  const Turn turn(busy_, patience);
  if (turn.taken()) (void)write_all(static_cast<int>(patience.ms()));
}

// ---- the log thread -----------------------------------------------------------------------------------------------------------------

void LogWriter::run() {
  // It begins before the program has given up what a service manager gave it, and writes lines: it needs none of that. Root's rights go for
  // all threads at once, and only while each has them. Where this fails, it fails for the program too, which says so.
  if (::geteuid() != 0) (void)give_up_capabilities();
  std::array<pollfd, 2> fds{{{.fd = stop_fd_, .events = POLLIN, .revents = 0}, {.fd = bell_.fd(), .events = POLLIN, .revents = 0}}};
  while (!stopping_.load(std::memory_order_acquire)) {
    bell_.announce();
    if (ring_.empty()) ::poll(fds.data(), 2, -1);
    bell_.awake();
    // Lines gather, so that a busy program pays for one wake-up and few writes; only the end of the program cuts it short.
    ::poll(fds.data(), 1, static_cast<int>(settings_.gather.ms()));
    const Turn turn(busy_, forever);
    (void)write_all(-1);
    report_drops();
  }
  const Turn turn(busy_, forever);
  if (!write_all(last_patience_ms)) return;
  report_drops();
  (void)write_all(last_patience_ms);
}

void LogWriter::report_drops() {
  const std::uint64_t dropped = this->dropped();
  if (dropped == reported_) return;
  log_warning("log_lines_dropped")
      .number("count", static_cast<std::int64_t>(dropped - reported_))
      .number("total", static_cast<std::int64_t>(dropped));
  reported_ = dropped;
}

bool LogWriter::write_all(int timeout_ms) {
  bool good = true;
  while (true) {
    const LogRing::Batch batch = ring_.peek(batch_size_);
    if (batch.line_count == 0) return good;
    // A reader that did not read for so long is not waited for again.
    good = write_batch(batch, good ? timeout_ms : 0) && good;
    ring_.release(batch);
  }
}

// True when a write of a batch will not block. -1 ms: waits until it is so, or until the program ends.
bool LogWriter::writable(int timeout_ms) const {
  std::array<pollfd, 2> fds{{{.fd = settings_.fd, .events = POLLOUT, .revents = 0}, {.fd = stop_fd_, .events = POLLIN, .revents = 0}}};
  if (timeout_ms < 0) {
    ::poll(fds.data(), 2, -1);
    if (fds[0].revents != 0) return true;
    timeout_ms = last_patience_ms;
  }
  return ::poll(fds.data(), 1, timeout_ms) > 0;
}

// What cannot be written is lost, and counted: a log must not stop the service.
bool LogWriter::write_batch(const LogRing::Batch& batch, int timeout_ms) {
  auto parts = batch.parts;
  std::size_t at = 0;
  while (at < batch.part_count) {
    if (!writable(timeout_ms)) break;
    ssize_t written = ::writev(settings_.fd, parts.data() + at, static_cast<int>(batch.part_count - at));
    if (written < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (written < 0) break;
    while (at < batch.part_count && written >= static_cast<ssize_t>(parts[at].iov_len))
      written -= static_cast<ssize_t>(parts[at++].iov_len);
    if (at == batch.part_count) return true;
    parts[at].iov_base = static_cast<char*>(parts[at].iov_base) + written;
    parts[at].iov_len -= static_cast<std::size_t>(written);
  }
  dropped_.fetch_add(batch.line_count, std::memory_order_relaxed);
  return false;
}

// ---- from anywhere ------------------------------------------------------------------------------------------------------------------

void log_flush() {
  if (LogWriter* writer = current.load(std::memory_order_acquire); writer != nullptr) writer->flush(milliseconds(last_patience_ms));
}

std::uint64_t log_lines_dropped() {
  const LogWriter* writer = current.load(std::memory_order_acquire);
  return writer != nullptr ? writer->dropped() : 0;
}

}  // namespace pushmail
