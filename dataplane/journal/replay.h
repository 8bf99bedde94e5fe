// Reads a lane's folder at start: every segment in order, what is unsettled, what is broken.
//
// Came from: Journal::open. Goes to: the lane (which segment holds what) and the relay (Replayed). Broken bytes are copied to
// quarantine/ in the folder, named in the log, and the replay goes on: one bad sector must not take the other messages with it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <utility>
#include <vector>

#include "core/result.h"
#include "dataplane/journal/journal.h"

namespace pushmail::journal {

using Key = std::pair<Kind, ItemId>;

struct FoundSegment {
  std::uint64_t number = 0;
  std::uint64_t used = 0;        // bytes up to the end of the last record
  std::uint64_t size = 0;        // bytes of the file
};
struct FoundRecord {
  std::uint64_t segment = 0;
  std::uint64_t sequence = 0;
  Bytes record;
};

struct Replay {
  std::vector<FoundSegment> segments;             // in order
  std::map<Key, FoundRecord> unsettled;
  std::uint64_t last_sequence = 0;
  std::uint64_t last_number = 0;                  // of the segments, unreadable ones included
  ReplaySummary summary;
};

[[nodiscard]] std::filesystem::path segment_path(const std::filesystem::path& folder, std::uint64_t number);
[[nodiscard]] Result<Bytes> read_file(const std::filesystem::path& file);
[[nodiscard]] Result<Replay> replay_folder(const std::filesystem::path& folder, const Seen& seen);

}  // namespace pushmail::journal
