// One seed: two of our stacks, one connection, both applications send their bytes to the other over a bad link, finish, and everything
// must be as it was before. The seed decides link, windows, MTU, write sizes, slow readers, lent or copied bytes, and where the
// sequence numbers start; the loss rate is given apart, so that seeds can be spread over it.
#pragma once

#include <cstdint>
#include <string>

namespace pushmail::tcp {

struct Plan {
  std::uint64_t seed = 1;
  double loss = 0;
  std::size_t size = 10'000'000;  // bytes each way
};

struct Outcome {
  std::string failure;  // empty: everything held
  double seconds = 0;   // of virtual time until both were closed
  std::uint64_t segments = 0;
  std::uint64_t repeated = 0;
  std::uint64_t timeouts = 0;
  std::uint64_t fast_retransmits = 0;
  std::uint64_t probes = 0;
  std::uint64_t corrupted = 0;
};

/// The loss rates that the seeds are spread over: 0, 1, 5 and 20 %.
[[nodiscard]] double loss_of(std::uint64_t seed);
[[nodiscard]] Outcome simulate(const Plan& plan);

}  // namespace pushmail::tcp
