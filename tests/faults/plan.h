// The page that tests/faults/run and the programs under test share: which call fails next, and which calls were seen from where.
//
// Came from: tests/faults/run, which makes one file per program and writes it through mmap. Goes to: shim.cpp inside the programs. The
// runner's half of this layout is in plan.py; a test of the runner's compares the sizes.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace pushmail::faults {

inline constexpr std::uint32_t magic = 0x70666c74;
inline constexpr std::size_t frames_max = 24;  // of the program itself, innermost first
inline constexpr std::size_t seen_max = 8192;
inline constexpr std::size_t call_name_max = 32;
inline constexpr std::size_t offsets_max = 64;

struct Seen {
  std::array<char, call_name_max> call;
  std::uint32_t phases;  // a bit for each phase in which it was seen
  std::uint32_t frame_count;
  std::array<std::uint32_t, frames_max> frames;  // return addresses less one, from the program's load address
};

struct Page {
  std::uint32_t magic;
  std::uint32_t recording;
  std::uint32_t phase;              // 0 to 31
  std::uint32_t error;              // errno of the fault
  std::atomic<std::int32_t> armed;  // calls still to fail; the runner writes it last
  std::atomic<std::uint32_t> hits;
  std::atomic<std::uint32_t> lock;
  std::atomic<std::uint32_t> seen_count;
  std::array<char, call_name_max> call;
  std::uint32_t offset_count;
  std::uint32_t hit_process;                       // who failed last
  std::array<std::uint32_t, offsets_max> offsets;  // fails when one of them is among its frames; none: wherever it comes from
  std::array<Seen, seen_max> seen;
};

}  // namespace pushmail::faults
