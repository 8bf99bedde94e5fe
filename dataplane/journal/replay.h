// Reads a lane's folder at start: every segment in order, what is unsettled, what is broken.
//
// Came from: Journal::open. Goes to: the lane (which segment holds what) and the relay (Replayed). What a killed process had written may be
// in the page cache only: all of it is made durable before any of it is believed. Broken bytes are copied to quarantine/ in the folder,
// named in the log, and the replay goes on: one bad sector must not take the other messages with it. A segment that cannot be read is no
// broken one: there is no start without it.
#pragma once

#include <compare>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "core/contract/journal/segment.h"
#include "core/result.h"
#include "core/storage.h"
#include "dataplane/journal/journal.h"
#include "dataplane/journal/segment_buffer.h"

namespace pushmail::journal {

using Key = std::pair<Kind, ItemId>;

struct FoundSegment {
  std::uint64_t number = 0;
  std::uint64_t used = 0;    // bytes up to the end of the last record
  std::uint64_t size = 0;    // bytes of the file
  bool is_evidence = false;  // what is broken in it could not be copied: the segment stays
};
/// Where a record begins.
struct Place {
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;
  friend auto operator<=>(const Place&, const Place&) = default;
};

struct Replay {
  std::vector<FoundSegment> segments;  // in order
  std::map<Key, Place> unsettled;
  std::uint64_t last_sequence = 0;
  std::uint64_t last_number = 0;  // of the segments
  Carried carried;                // where the last batch begins, when nothing proves it
  std::vector<Bytes> unproven;    // its records
  ReplaySummary summary;
};

[[nodiscard]] std::filesystem::path segment_path(const std::filesystem::path& folder, std::uint64_t number);
[[nodiscard]] Result<Replay> replay_folder(Storage& storage, const std::filesystem::path& folder, SegmentBuffer& buffer, const Seen& seen);
[[nodiscard]] std::vector<Place> in_order(const std::map<Key, Place>& unsettled);
/// Reads what lies there once more and visits it: a lane may hold more than memory does, so nothing of it is kept meanwhile. What was whole
/// and is not any more is EIO.
[[nodiscard]] Result<void> visit_unsettled(Storage& storage, const std::filesystem::path& folder, const std::vector<Place>& places,
                                           SegmentBuffer& buffer, const std::function<void(Replayed)>& visit);

}  // namespace pushmail::journal
