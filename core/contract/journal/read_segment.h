// A segment file of the journal, read from outside: `pushmailctl journal cat`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "core/record.h"
#include "core/result.h"

namespace pushmail::journal {

/// What replay found: `torn` and `tail` are what a crash leaves of a batch that nobody was told of, `damaged` is a place where something
/// that was durable is broken or missing (copied to quarantine/, named in the log).
struct ReplaySummary {
  std::uint64_t records = 0;
  std::uint64_t unsettled = 0;
  std::uint64_t tail_size = 0;
  std::uint64_t torn = 0;
  std::uint64_t damaged = 0;
};

/// Calls `visit` for each good one; returns what it found.
[[nodiscard]] Result<ReplaySummary> read_segment(const std::filesystem::path& segment, const std::function<void(const RecordView&)>& visit);

}  // namespace pushmail::journal
