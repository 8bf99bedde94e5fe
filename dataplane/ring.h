// How threads of the data plane hand things to each other: a bounded ring with one producer and one consumer, and a wake-up.
//
// A turn makes no system call for it: send() only writes memory; flush(), once a turn, wakes the consumer by its eventfd, and only when
// it sleeps. What does not fit in the ring waits in the producer's own queue (bounded by what the relay accepts), so nothing is lost.
#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "core/result.h"
#include "core/wake.h"

namespace pushmail {

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
    // A slot between `read_` and `written_` holds a value: it is moved out without asking, and the compiler sees that it is there.
    std::optional<T>& slot = slots_[at % slots_.size()];
    std::optional<T> value(std::in_place, std::move(*slot));
    slot.reset();
    read_.store(at + 1, std::memory_order_release);
    return value;
  }
  [[nodiscard]] bool empty() const { return read_.load(std::memory_order_relaxed) == written_.load(std::memory_order_seq_cst); }

  /// Stops the program when a slot between `read_` and `written_` holds nothing, or another one a value. While both sides rest.
  void check() const {
    const std::size_t read = read_.load(std::memory_order_acquire), written = written_.load(std::memory_order_acquire);
    PM_CHECK(read <= written && written - read <= slots_.size());
    for (std::size_t at = read; at < read + slots_.size(); ++at) PM_CHECK(slots_[at % slots_.size()].has_value() == (at < written));
  }

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
