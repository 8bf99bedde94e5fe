// The journal: what was acknowledged to a peer lies here until it is settled. One lane (folder of segment files) per worker.
//
// Came from: relay (a message that came in whole; an outcome; a report). Goes to: disk, and back to the relay at the commit's
// completion, which is the only place from which a peer is answered (docs/design.md, Acknowledged is kept). Writes and fdatasync go through
// io_uring, one sync in flight; what arrives meanwhile is the next batch. A failed write or sync is never taken back: what it held is cut
// off, refused, and the lane goes on in another segment; when that fails too, it has failed and the process has to end.
//
// Threads: a Journal belongs to the I/O thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/clock.h"
#include "core/contract/journal/read_segment.h"
#include "core/contract/journal/schema.h"
#include "core/ids.h"
#include "core/record.h"
#include "core/result.h"

namespace pushmail {
class Storage;
}

namespace pushmail::journal {

class BatchWriter;

/// Called in the I/O thread when the record is durable, or when it never will be.
using Committed = std::function<void(Result<void>)>;

/// An unsettled record found by replay.
struct Replayed {
  Kind kind;
  ItemId item;
  Bytes record;  // whole, as core/record.h frames it
};

/// Called by replay for every good record in order, settled or not: what the relay remembers for repeats comes from here.
using Seen = std::function<void(const RecordView&)>;

struct Options {
  std::filesystem::path folder;
  std::uint64_t segment_size = 64 * 1024 * 1024;
  std::uint64_t lane_size_max = 64ULL * 1024 * 1024 * 1024;
  const Clock* clock = nullptr;   // for trying again after a full disk; must outlive the journal
  Storage* storage = nullptr;     // nullptr: the system's; must outlive the journal
  BatchWriter* writer = nullptr;  // nullptr: one of its own over io_uring; must outlive the journal
};

/// For counters and tests.
struct Totals {
  std::uint64_t appended = 0;  // records made durable, settle records included
  std::uint64_t syncs = 0;
  std::uint64_t bytes = 0;
  std::uint64_t segments = 0;  // files now
  std::uint64_t failures = 0;
};

class Journal {
 public:
  /// Opens or makes the lane, makes durable what is in it, replays it and calls `visit` for every unsettled record in order. No start when
  /// a segment cannot be read or synced: what is not read would stay undelivered, and nobody would know.
  [[nodiscard]] static Result<std::unique_ptr<Journal>> open(const Options& options, const std::function<void(Replayed)>& visit,
                                                             const Seen& seen = {});
  virtual ~Journal() = default;

  /// Queues a record; `committed` is called from poll() after its sync. Refused when the lane is full. When the lane has failed, never:
  /// nobody may say what a restart finds.
  virtual void append(Kind kind, const ItemId& item, RecordWriter record, Committed committed) = 0;
  /// The record of this kind and item needs no more work. Durable with the next batch; repeating it does no harm.
  virtual void settle(Kind kind, const ItemId& item) = 0;
  /// Submits what is queued and takes completions; never blocks.
  virtual void poll() = 0;
  /// Readable when poll() has completions to take.
  [[nodiscard]] virtual int completion_fd() const = 0;
  [[nodiscard]] virtual const ReplaySummary& replayed() const = 0;
  /// Set when the disk failed twice in a row, or when what it failed to take could not be cut off: the process has to end, without a word
  /// to those who wait for one.
  [[nodiscard]] virtual std::optional<Error> failed() const = 0;
  /// poll() has something to try again, and no descriptor says when.
  [[nodiscard]] virtual bool needs_turn() const = 0;
  /// False when there is no room: new input is refused with temporary codes.
  [[nodiscard]] virtual bool accepting() const = 0;
  /// Why it does not accept; empty when it does.
  [[nodiscard]] virtual std::string_view refusal() const = 0;
  /// Nothing is queued or in flight: what was given to append and settle so far is durable or was refused.
  [[nodiscard]] virtual bool idle() const = 0;
  [[nodiscard]] virtual Totals totals() const = 0;
};

}  // namespace pushmail::journal
