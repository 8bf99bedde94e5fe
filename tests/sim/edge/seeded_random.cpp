#include "tests/sim/edge/seeded_random.h"

#include <sys/random.h>

#include <optional>

#include "dataplane/tcp/sim_link.h"

namespace {

std::optional<pushmail::tcp::SimRandom> numbers;

}  // namespace

// The program's own definition comes before the C library's.
extern "C" ssize_t getrandom(void* buffer, std::size_t size, unsigned int) noexcept {
  if (!numbers) numbers.emplace(0);
  auto* bytes = static_cast<std::uint8_t*>(buffer);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(numbers->next());
  return static_cast<ssize_t>(size);
}

namespace pushmail::edge {

void seed_random(std::uint64_t seed) { numbers.emplace(seed); }

}  // namespace pushmail::edge
