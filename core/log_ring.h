// Finished log lines on their way from the threads that log to the one that writes: a bounded ring of bytes, many producers, one consumer.
//
//   read_                                    reserved_
//     v                                          v
//   | size  line ... pad | size  line ... pad |  0  ... |   a record is 8 bytes aligned; a line may go round the end of the buffer
//     written              written              reserved, its bytes not all there yet
//
// put() reserves a record with one compare-and-swap, copies the line and stores its size last; nothing waits, nothing is allocated. The
// consumer stops at a size of 0, and zeroes what it frees. Lines of one thread keep their order, since a thread reserves one at a time.
#pragma once

#include <sys/uio.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace pushmail {

class LogRing {
 public:
  /// `capacity`: bytes, a power of two of at least 64.
  explicit LogRing(std::size_t capacity);
  LogRing(const LogRing&) = delete;
  LogRing& operator=(const LogRing&) = delete;

  [[nodiscard]] std::size_t capacity() const { return words_.size() * word_size; }

  /// Any thread. False when the ring would then hold more than `most` bytes; nothing is kept of an empty line.
  [[nodiscard]] bool put(std::string_view line, std::size_t most);

  /// Whole lines from the oldest on, in the ring's own memory; valid until release().
  struct Batch {
    static constexpr std::size_t parts_max = 256;
    std::array<iovec, parts_max> parts;
    std::size_t part_count = 0;
    std::size_t line_count = 0;
    std::uint64_t end = 0;  // what release() frees up to
  };
  /// The consumer. Holds one line at least when one is there, and otherwise no more than `bytes_max` bytes. Async-signal-safe.
  [[nodiscard]] Batch peek(std::size_t bytes_max) const;
  void release(const Batch& batch);
  /// Any thread. False also while the only line is reserved and not written yet.
  [[nodiscard]] bool empty() const;

 private:
  static constexpr std::size_t word_size = 8;
  [[nodiscard]] std::uint64_t size_word(std::uint64_t at) const;
  [[nodiscard]] std::uint64_t& word(std::uint64_t at) const;

  mutable std::vector<std::uint64_t> words_;
  alignas(64) std::atomic<std::uint64_t> reserved_{0};  // bytes since the start
  alignas(64) std::atomic<std::uint64_t> read_{0};
};

}  // namespace pushmail
