// The system's random numbers, replaced for this program: item ids and suffixes must be the same when a seed is run again.
#pragma once

#include <cstdint>

namespace pushmail::edge {

/// From now on getrandom(2), as core/ids calls it, gives numbers that follow from `seed`.
void seed_random(std::uint64_t seed);

}  // namespace pushmail::edge
