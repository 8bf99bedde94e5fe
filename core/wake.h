// A thread's bell: how a thread that has nothing to do sleeps, and how the others wake it. One eventfd.
//
// Ringing makes a system call only while the thread sleeps.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

#include "core/result.h"

namespace pushmail {

/// Several producers may ring it.
class Wake {
 public:
  Wake() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (fd_ < 0) system_failed("an eventfd", errno);
  }
  Wake(const Wake&) = delete;
  Wake& operator=(const Wake&) = delete;
  ~Wake() { ::close(fd_); }

  [[nodiscard]] int fd() const { return fd_; }

  /// The sleeper: announce() first, then look once more for work, then block on fd(), then awake().
  void announce() { sleeping_.store(true, std::memory_order_seq_cst); }
  void awake() {
    sleeping_.store(false, std::memory_order_seq_cst);
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t n = ::read(fd_, &count, sizeof count);
  }

  /// The others: after their work is visible.
  void ring() {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    // The first one wakes it; until it runs again the others have nothing to do.
    if (!sleeping_.load(std::memory_order_seq_cst) || !sleeping_.exchange(false, std::memory_order_seq_cst)) return;
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(fd_, &one, sizeof one);
  }

 private:
  int fd_;
  std::atomic<bool> sleeping_{false};
};

}  // namespace pushmail
