// The thread that writes the log, so that no other thread makes a system call for a line or waits for who reads it.
//
//   LogEvent ──> LogSink::put ──> LogRing ──> log thread ──> writev(2), in a pipe at most PIPE_BUF bytes a call, so that lines of
//   processes do not mix
//
// The thread sleeps while there is nothing to write; the first line wakes it, and it lets more lines gather for `gather`. When a reader of
// the log is slower than the program, the ring fills, and the least important lines are dropped first (`share_of_ring`); they are counted,
// and a line says how many. Everything put is written at the end of the writer's life, by log_flush(), and when a signal ends the process
// because of a fault of ours (PM_CHECK, an assertion of the library, a bad access).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/clock.h"
#include "core/log.h"
#include "core/log_ring.h"
#include "core/thread.h"
#include "core/wake.h"

namespace pushmail {

struct LogWriterSettings {
  int fd = 2;                                    // not owned
  std::size_t ring_size = std::size_t{1} << 20;  // bytes, a power of two
  Duration gather = milliseconds(20);            // from the first line to its write
};

/// One at a time. Made when the signals that the program handles itself are blocked, so that its thread never gets one; ends, like it
/// began, while no other thread logs.
class LogWriter final : public LogSink {
 public:
  explicit LogWriter(LogWriterSettings settings = {});
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;
  ~LogWriter();

  void put(LogLevel level, std::string_view line) override;
  /// Lines that were dropped or could not be written, since the start.
  [[nodiscard]] std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

  /// Writes what was put before the call. Any thread; also a signal handler's, which passes how long it waits for a writing thread at most.
  void flush(Duration patience);

 private:
  class Turn;
  void run();
  [[nodiscard]] bool write_all(int timeout_ms);  // false: some of it is lost
  [[nodiscard]] bool write_batch(const LogRing::Batch& batch, int timeout_ms);
  [[nodiscard]] bool writable(int timeout_ms) const;
  void report_drops();

  LogWriterSettings settings_;
  std::size_t batch_size_;  // bytes of one writev
  LogRing ring_;
  Wake bell_;
  int stop_fd_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> busy_{false};  // somebody reads the ring
  std::atomic<std::uint64_t> dropped_{0};
  std::uint64_t reported_ = 0;
  Thread thread_;
};

/// The writer's, when there is one; otherwise nothing is to be done.
void log_flush();
/// Lines that the writer dropped; 0 without one.
[[nodiscard]] std::uint64_t log_lines_dropped();

}  // namespace pushmail
