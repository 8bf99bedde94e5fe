// The bytes of one segment file: good records, damage in the middle, a torn end.
//
//   | segment record | record | record | ... | zeros of the preallocation |
//
// A write that the machine did not finish leaves a broken last record that nobody was told of: a torn tail, normal after a crash.
// A broken record with a good one behind it, or one that is broken although all its bytes are there, is damage: something that may
// have been acknowledged is lost. Pure: bytes in, findings out.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/bytes.h"
#include "core/record.h"

namespace pushmail::journal {

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
