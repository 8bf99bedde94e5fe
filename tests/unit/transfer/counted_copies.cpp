#include "tests/unit/transfer/counted_copies.h"

#include <cstddef>

namespace pushmail::test {
std::atomic<std::uint64_t> copied_bytes;
}

namespace {

void count(std::size_t size) {
  if (size >= pushmail::test::counted_size_min) pushmail::test::copied_bytes.fetch_add(size, std::memory_order_relaxed);
}

}  // namespace

// A loop must not become a call of itself.
extern "C" __attribute__((optimize("no-tree-loop-distribute-patterns"))) void* memmove(void* to, const void* from, std::size_t size) {
  count(size);
  auto* const out = static_cast<unsigned char*>(to);
  const auto* const in = static_cast<const unsigned char*>(from);
  if (out <= in) {
    for (std::size_t i = 0; i < size; ++i) out[i] = in[i];
  } else {
    for (std::size_t i = size; i > 0; --i) out[i - 1] = in[i - 1];
  }
  return to;
}

extern "C" void* memcpy(void* __restrict to, const void* __restrict from, std::size_t size) { return memmove(to, from, size); }
