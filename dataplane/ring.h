// How threads of the data plane hand things to each other: a bounded ring with one producer and one consumer, and a wake-up.
//
// A turn makes no system call for it: send() only writes memory; flush(), once a turn, wakes the consumer by its eventfd, and only when
// it sleeps. What does not fit in the ring waits in the producer's own queue (bounded by what the relay accepts), so nothing is lost.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "core/result.h"

namespace pushmail {

/// A thread's bell. Several producers may ring it.
class Wake {
 public:
  Wake() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) { PM_CHECK(fd_ >= 0); }
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
    if (!sleeping_.load(std::memory_order_seq_cst)) return;
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(fd_, &one, sizeof one);
  }

 private:
  int fd_;
  std::atomic<bool> sleeping_{false};
};

template <class T>
class Ring {
 public:
  explicit Ring(Wake& consumer, std::size_t capacity = 4096) : consumer_(consumer), slots_(capacity) {}

  // Producer.
  void send(T value) {
    sent_ = true;
    if (waiting_.empty() && push(value)) return;
    waiting_.push_back(std::move(value));
  }
  /// Once a turn. True when everything is in the ring; otherwise call again soon.
  bool flush() {
    // What waited and moves in now is news too: the consumer may have emptied the ring and gone to sleep meanwhile.
    bool has_news = std::exchange(sent_, false);
    while (!waiting_.empty() && push(waiting_.front())) {
      waiting_.pop_front();
      has_news = true;
    }
    if (has_news || !waiting_.empty()) consumer_.ring();
    return waiting_.empty();
  }

  // Consumer.
  [[nodiscard]] std::optional<T> receive() {
    const std::size_t at = read_.load(std::memory_order_relaxed);
    if (at == written_.load(std::memory_order_acquire)) return std::nullopt;
    std::optional<T> value = std::move(slots_[at % slots_.size()]);
    slots_[at % slots_.size()].reset();
    read_.store(at + 1, std::memory_order_release);
    return value;
  }
  [[nodiscard]] bool empty() const { return read_.load(std::memory_order_relaxed) == written_.load(std::memory_order_seq_cst); }

 private:
  [[nodiscard]] bool push(T& value) {
    const std::size_t at = written_.load(std::memory_order_relaxed);
    if (at - read_.load(std::memory_order_acquire) == slots_.size()) return false;
    slots_[at % slots_.size()].emplace(std::move(value));
    written_.store(at + 1, std::memory_order_seq_cst);
    return true;
  }

  Wake& consumer_;
  std::vector<std::optional<T>> slots_;
  std::deque<T> waiting_;
  bool sent_ = false;
  alignas(64) std::atomic<std::size_t> written_{0};
  alignas(64) std::atomic<std::size_t> read_{0};
};

}  // namespace pushmail
