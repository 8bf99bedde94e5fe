// The bytes of one segment file: good records, damage in the middle, a torn end.
//
//   | segment record | record | record | ... | zeros of the preallocation |
//
// Bodies are bytes of strangers, and one that knows the framing can send a body that holds well-formed records. So that a search for
// the next good record behind broken bytes never takes those, each file has a random mark, and every record ends in a seal:
//
//   | tag u16 | 20 u32 | length u32 | mark, 16 bytes |     a field; length is the record's own
//
// The mark leaves the file with no message, so it cannot be guessed; the length keeps a record that somebody placed in a body from
// borrowing the seal of the record around it, since one that ends at the same place and begins later is shorter.
// The mark is learnt from the first record, or, when that is broken, from the second, which begins at a known offset in another page.
//
// A batch begins on a sector of its own, so that a sector that dies under a write takes nothing of the batch before; its first record is a
// batch record (in a new file the segment record). That one is written when the batch before is durable, and alone when the lane has
// nothing to do, so it proves what lies before it:
//
//   | segment record | record ... | 0 | batch | record ... | 0 | batch | rec#### | record | 0
//    <------------------- proven ------------------------->  <----- the last batch ------->
//
// What is broken or missing in the proven part is damage: something that was acknowledged may be lost. In the last batch it is what a
// machine leaves that stopped in the middle of a write whose sectors arrive in any order; nobody was told of that batch. What is whole of
// it is taken all the same. Records of a file count on by one, so that a missing one is found although zeros have its place.
// Pure: bytes in, findings out.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "core/bytes.h"
#include "core/clock.h"
#include "core/record.h"

namespace pushmail::journal {

using Mark = std::array<std::uint8_t, 16>;

inline constexpr std::size_t seal_size = 26;      // with the field's header
inline constexpr std::size_t sector_size = 4096;  // no disk writes less at once; those of 512 bytes write several
inline constexpr std::size_t segment_record_size = sector_size;

[[nodiscard]] constexpr std::uint64_t next_sector(std::uint64_t offset) { return (offset + sector_size - 1) / sector_size * sector_size; }

[[nodiscard]] Mark new_mark();
/// The finished record with its seal: `record.size() + seal_size` bytes.
[[nodiscard]] Bytes finish_sealed(RecordWriter record, const Mark& mark, std::uint64_t sequence);
/// A start writes the last batch of the life before once more (lane.cpp). What is broken in `segment` at `from` or behind, up to the
/// segment that says so, is no damage.
struct Carried {
  std::uint64_t segment = 0;  // 0: there was nothing to carry
  std::uint64_t from = 0;
};
/// A file's first record.
[[nodiscard]] Bytes segment_record(std::uint64_t number, Timestamp time, const Carried& carried, const Mark& mark, std::uint64_t sequence);
[[nodiscard]] Carried carried_by(const RecordView& segment_record);
/// A batch's first record.
[[nodiscard]] Bytes batch_record(const Mark& mark, std::uint64_t sequence);

/// Bytes that are no record, or that hold none where one is missing.
struct Broken {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

struct SegmentScan {
  std::uint64_t records = 0;
  std::uint64_t end = 0;          // where the good part ends
  std::uint64_t tail_offset = 0;  // behind `end`: bytes with no good record behind them
  std::uint64_t tail_size = 0;
  std::uint64_t proven = 0;    // what lies before was durable
  std::vector<Broken> broken;  // before `end`
};

[[nodiscard]] SegmentScan scan_segment(ByteView bytes, const std::function<void(const RecordView&)>& visit);

}  // namespace pushmail::journal
