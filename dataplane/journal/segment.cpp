#include "dataplane/journal/segment.h"

#include <algorithm>
#include <optional>

#include "core/versions.h"
#include "dataplane/journal/journal.h"
#include "dataplane/journal/schema.h"

namespace pushmail::journal {

namespace {

constexpr auto order = std::endian::little;

std::uint32_t length_at(ByteView bytes) { return load<std::uint32_t>(bytes.data(), order); }

// Whether a record of ours may begin here; cheap, so that the search below computes few checksums.
bool may_begin(ByteView bytes, std::uint64_t last_sequence) {
  if (bytes.size() < record_header_size) return false;
  const std::uint32_t length = length_at(bytes);
  if (length < record_header_size || length > bytes.size()) return false;
  const auto kind = load<std::uint16_t>(bytes.data() + 4, order);
  if (kind == 0 || kind > static_cast<std::uint16_t>(kind_last)) return false;
  const auto version = load<std::uint16_t>(bytes.data() + 6, order);
  if (version == 0 || version > versions::journal_schema) return false;
  return load<std::uint64_t>(bytes.data() + 8, order) > last_sequence;
}

// The next good record behind broken bytes.
std::optional<std::size_t> find_next(ByteView bytes, std::size_t from, std::uint64_t last_sequence) {
  for (std::size_t at = from; at + record_header_size <= bytes.size(); ++at) {
    if (may_begin(bytes.subspan(at), last_sequence) && parse_record(bytes.subspan(at)).is_done()) return at;
  }
  return std::nullopt;
}

std::size_t size_without_zeros(ByteView bytes) {
  const auto last = std::find_if(bytes.rbegin(), bytes.rend(), [](std::uint8_t byte) { return byte != 0; });
  return static_cast<std::size_t>(bytes.rend() - last);
}

}  // namespace

SegmentScan scan_segment(ByteView bytes, const std::function<void(const RecordView&)>& visit) {
  SegmentScan scan;
  const ByteView used = bytes.first(size_without_zeros(bytes));
  std::uint64_t last_sequence = 0;
  std::size_t at = 0;
  while (at < used.size()) {
    // The last record may end in zeros of its own, so it is read from all bytes.
    const Parsed<RecordView> record = parse_record(bytes.subspan(at));
    if (record.is_done()) {
      visit(record.value());
      ++scan.records;
      last_sequence = record.value().header().sequence;
      at += record.used();
      scan.end = at;
      continue;
    }
    if (const auto next = find_next(bytes, at + 1, last_sequence)) {
      scan.damage.push_back({.offset = at, .size = *next - at});
      at = *next;
      continue;
    }
    const std::size_t rest = used.size() - at;
    const bool is_whole = rest >= record_header_size && rest >= length_at(used.subspan(at)) && length_at(used.subspan(at)) >= record_header_size;
    if (is_whole) {
      scan.damage.push_back({.offset = at, .size = rest});
      scan.end = used.size();
    } else {
      scan.tail_size = rest;
    }
    break;
  }
  return scan;
}

}  // namespace pushmail::journal
