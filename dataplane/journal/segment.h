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
// A write that the machine did not finish leaves a broken last record that nobody was told of: a torn tail, normal after a crash.
// A broken record with a good one behind it, or one that is broken although all its bytes are there, is damage: something that may
// have been acknowledged is lost. Pure: bytes in, findings out.
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

inline constexpr std::size_t seal_size = 26;                  // with the field's header
inline constexpr std::size_t segment_record_size = 4096;      // a page of its own

[[nodiscard]] Mark new_mark();
/// The finished record with its seal: `record.size() + seal_size` bytes.
[[nodiscard]] Bytes finish_sealed(RecordWriter record, const Mark& mark, std::uint64_t sequence);
/// A file's first record.
[[nodiscard]] Bytes segment_record(std::uint64_t number, Timestamp time, const Mark& mark, std::uint64_t sequence);

struct Damage {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

struct SegmentScan {
  std::uint64_t records = 0;
  std::uint64_t end = 0;         // where the good part ends
  std::uint64_t tail_size = 0;   // bytes of a torn record behind `end`
  std::vector<Damage> damage;
};

[[nodiscard]] SegmentScan scan_segment(ByteView bytes, const std::function<void(const RecordView&)>& visit);

}  // namespace pushmail::journal
