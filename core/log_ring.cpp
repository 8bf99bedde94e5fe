#include "core/log_ring.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "core/result.h"

namespace pushmail {

LogRing::LogRing(std::size_t capacity) : words_(capacity / word_size) { PM_CHECK(capacity >= 64 && std::has_single_bit(capacity)); }

std::uint64_t& LogRing::word(std::uint64_t at) const { return words_[(at & (capacity() - 1)) / word_size]; }

// Acquire: the line's bytes are there when its size is.
std::uint64_t LogRing::size_word(std::uint64_t at) const { return std::atomic_ref(word(at)).load(std::memory_order_acquire); }

bool LogRing::put(std::string_view line, std::size_t most) {
  if (line.empty()) return true;
  const std::size_t record = word_size + (line.size() + word_size - 1) / word_size * word_size;
  const std::size_t limit = std::min(most, capacity());
  // Read before the reservations, so that the ring looks fuller than it is, never emptier. Acquire: what was freed is zeroed.
  std::uint64_t read = read_.load(std::memory_order_acquire);
  std::uint64_t at = reserved_.load(std::memory_order_relaxed);
  do {
    if (record > limit || at + record - read > limit) return false;
    read = read_.load(std::memory_order_acquire);
  } while (!reserved_.compare_exchange_weak(at, at + record, std::memory_order_relaxed));

  auto* bytes = static_cast<char*>(static_cast<void*>(words_.data()));
  const std::size_t start = (at + word_size) & (capacity() - 1);
  const std::size_t first = std::min(line.size(), capacity() - start);
  std::memcpy(bytes + start, line.data(), first);
  std::memcpy(bytes, line.data() + first, line.size() - first);
  std::atomic_ref(word(at)).store(line.size(), std::memory_order_release);
  return true;
}

LogRing::Batch LogRing::peek(std::size_t bytes_max) const {
  Batch batch;
  auto* bytes = static_cast<char*>(static_cast<void*>(words_.data()));
  std::uint64_t at = read_.load(std::memory_order_relaxed);
  std::size_t total = 0;
  // A line that goes round the end has two parts.
  while (batch.part_count + 2 <= Batch::parts_max) {
    const std::size_t size = size_word(at);
    if (size == 0 || (total != 0 && total + size > bytes_max)) break;
    const std::size_t start = (at + word_size) & (capacity() - 1);
    const std::size_t first = std::min(size, capacity() - start);
    batch.parts[batch.part_count++] = {.iov_base = bytes + start, .iov_len = first};
    if (first < size) batch.parts[batch.part_count++] = {.iov_base = bytes, .iov_len = size - first};
    ++batch.line_count;
    total += size;
    at += word_size + (size + word_size - 1) / word_size * word_size;
    if (at - read_.load(std::memory_order_relaxed) >= capacity()) break;  // the ring is full: this was all of it
  }
  batch.end = at;
  return batch;
}

void LogRing::release(const Batch& batch) {
  for (std::uint64_t at = read_.load(std::memory_order_relaxed); at != batch.end; at += word_size) word(at) = 0;
  read_.store(batch.end, std::memory_order_release);
}

bool LogRing::empty() const { return read_.load(std::memory_order_acquire) == reserved_.load(std::memory_order_seq_cst); }

}  // namespace pushmail
