// A segment file's bytes into the replay: as they are, and with the checksums and seals put right, so that the fields behind them are
// reached too.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "core/contract/journal/schema.h"
#include "core/contract/journal/segment.h"
#include "dataplane/journal/journal.h"

using namespace pushmail;

namespace {

// Gives every record that announces a possible length its right seal and checksum.
Bytes with_checks(ByteView bytes) {
  Bytes made(bytes.begin(), bytes.end());
  std::size_t at = 0;
  while (made.size() - at >= record_header_size) {
    const auto length = load<std::uint32_t>(made.data() + at, std::endian::little);
    if (length < record_header_size || length > made.size() - at) break;
    if (length >= record_header_size + journal::seal_size) {
      std::uint8_t* seal = made.data() + at + length - journal::seal_size;
      store(seal, journal::tag(journal::Tag::seal), std::endian::little);
      store(seal + 2, static_cast<std::uint32_t>(journal::seal_size - 6), std::endian::little);
      store(seal + 6, length, std::endian::little);
      std::fill_n(seal + 10, journal::Mark{}.size(), std::uint8_t{0x5a});
    }
    const ByteView record(made.data() + at, length);
    store(made.data() + at + 32, crc32c(record.subspan(record_header_size), crc32c(record.first(32))), std::endian::little);
    at += length;
  }
  return made;
}

void scan(ByteView bytes) {
  std::uint64_t visited = 0, visited_size = 0;
  const journal::SegmentScan found = journal::scan_segment(bytes, [&](const RecordView& record) {
    ++visited;
    visited_size += record.header().length;
    record.for_each([](std::uint16_t tag, ByteView value) {
      if (journal::find_tag(tag) == nullptr && value.size() > limits::record_size_max) std::abort();
    });
    (void)record.trace(journal::tag(journal::Tag::trace));
    (void)record.bytes(journal::tag(journal::Tag::body));
  });
  std::uint64_t damaged_size = 0;
  for (const journal::Broken& damage : found.broken) {
    if (damage.offset + damage.size > bytes.size()) std::abort();
    damaged_size += damage.size;
  }
  // Every byte is a record, damage, tail, or the zeros of the preallocation.
  if (visited != found.records || found.end > bytes.size() || found.tail_size > bytes.size()) std::abort();
  if (visited_size + damaged_size + found.tail_size > bytes.size()) std::abort();
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  scan(bytes);
  scan(with_checks(bytes));
  return 0;
}
