// Bytes that this program copies: its memcpy and memmove count them, whoever calls (std::vector, std::copy, a library).
#pragma once

#include <atomic>
#include <cstdint>

namespace pushmail::test {

/// By copies of `counted_size_min` bytes or more since it was set to 0.
extern std::atomic<std::uint64_t> copied_bytes;
inline constexpr std::uint64_t counted_size_min = 1024;

}  // namespace pushmail::test
