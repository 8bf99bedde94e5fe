#include "core/contract/journal/segment.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "core/contract/journal/schema.h"
#include "core/ids.h"
#include "core/versions.h"

namespace pushmail::journal {

namespace {

constexpr auto order = std::endian::little;
constexpr std::size_t field_header_size = 6;

std::uint32_t length_at(ByteView bytes) { return load<std::uint32_t>(bytes.data(), order); }

using Seal = std::array<std::uint8_t, seal_size>;

Seal seal_of(std::uint32_t length, const Mark& mark) {
  Seal seal;
  store(seal.data(), tag(Tag::seal), order);
  store(seal.data() + 2, static_cast<std::uint32_t>(seal_size - field_header_size), order);
  store(seal.data() + field_header_size, length, order);
  std::copy(mark.begin(), mark.end(), seal.end() - static_cast<std::ptrdiff_t>(mark.size()));
  return seal;
}

// Whether what begins here ends in this file's seal. Looked at before the checksum, which anybody can compute.
bool is_sealed(ByteView bytes, const Mark& mark) {
  if (bytes.size() < record_header_size + seal_size) return false;
  const std::uint32_t length = length_at(bytes);
  if (length < record_header_size + seal_size || length > bytes.size()) return false;
  const Seal expected = seal_of(length, mark);
  return std::equal(expected.begin(), expected.end(), bytes.begin() + static_cast<std::ptrdiff_t>(length - seal_size));
}

// At these two offsets a record of ours begins whatever strangers sent, so its seal may be believed.
std::optional<Mark> find_mark(ByteView bytes) {
  for (const std::size_t at : {std::size_t{0}, segment_record_size}) {
    if (bytes.size() < at) break;
    const Parsed<RecordView> record = parse_record(bytes.subspan(at));
    if (!record.is_done() || record.used() < record_header_size + seal_size) continue;
    const ByteView whole = record.value().whole();
    Mark mark;
    std::copy(whole.end() - static_cast<std::ptrdiff_t>(mark.size()), whole.end(), mark.begin());
    if (is_sealed(whole, mark)) return mark;
  }
  return std::nullopt;
}

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
std::optional<std::size_t> find_next(ByteView bytes, std::size_t from, std::uint64_t last_sequence, const Mark& mark) {
  for (std::size_t at = from; at + record_header_size <= bytes.size(); ++at) {
    const ByteView rest = bytes.subspan(at);
    if (may_begin(rest, last_sequence) && is_sealed(rest, mark) && parse_record(rest).is_done()) return at;
  }
  return std::nullopt;
}

std::size_t size_without_zeros(ByteView bytes) {
  // Of the preallocation by whole sectors, which is many times as fast.
  static constexpr std::array<std::uint8_t, sector_size> zeros{};
  while (bytes.size() >= zeros.size() && std::memcmp(bytes.last(zeros.size()).data(), zeros.data(), zeros.size()) == 0) {
    bytes = bytes.first(bytes.size() - zeros.size());
  }
  const auto last = std::find_if(bytes.rbegin(), bytes.rend(), [](std::uint8_t byte) { return byte != 0; });
  return static_cast<std::size_t>(bytes.rend() - last);
}

}  // namespace

Mark new_mark() {
  Mark mark;
  fill_random(mark);
  return mark;
}

Bytes finish_sealed(RecordWriter record, const Mark& mark, std::uint64_t sequence) {
  const Seal seal = seal_of(static_cast<std::uint32_t>(record.size() + seal_size), mark);
  return record.bytes(tag(Tag::seal), ByteView(seal).subspan(field_header_size)).finish(sequence);
}

Bytes segment_record(std::uint64_t number, Timestamp time, const Carried& carried, const Mark& mark, std::uint64_t sequence) {
  RecordWriter record = make(Kind::segment, {});
  record.u64(tag(Tag::segment_number), number).i64(tag(Tag::time), time.us);
  if (carried.segment != 0) record.u64(tag(Tag::carried_segment), carried.segment).u64(tag(Tag::carried_from), carried.from);
  record.bytes(tag(Tag::padding), Bytes(segment_record_size - seal_size - field_header_size - record.size()));
  return finish_sealed(std::move(record), mark, sequence);
}

Carried carried_by(const RecordView& segment_record) {
  return {.segment = segment_record.u64(tag(Tag::carried_segment)).value_or(0),
          .from = segment_record.u64(tag(Tag::carried_from)).value_or(0)};
}

Bytes batch_record(const Mark& mark, std::uint64_t sequence) { return finish_sealed(make(Kind::batch, {}), mark, sequence); }

SegmentScan scan_segment(ByteView bytes, const std::function<void(const RecordView&)>& visit) {
  SegmentScan scan;
  const ByteView used = bytes.first(size_without_zeros(bytes));
  const std::optional<Mark> mark = find_mark(bytes);
  if (!mark) {
    // Nothing can be told from what strangers sent. More than a torn first record is evidence and is kept.
    if (used.size() > segment_record_size) {
      scan.broken.push_back({.offset = 0, .size = used.size()});
      scan.end = used.size();
    } else {
      scan.tail_size = used.size();
    }
    return scan;
  }
  std::uint64_t last_sequence = 0;
  std::size_t at = 0;
  // Zeros up to the next sector stand between two batches.
  const auto behind_zeros = [&](std::size_t from) {
    const auto next = static_cast<std::size_t>(next_sector(from));
    const bool zeros =
        next < used.size() && std::all_of(
                                  bytes.begin() + static_cast<std::ptrdiff_t>(from), bytes.begin() + static_cast<std::ptrdiff_t>(next),
                                  [](std::uint8_t byte) { return byte == 0; });
    return zeros ? next : from;
  };
  while (at < used.size()) {
    // The last record may end in zeros of its own, so it is read from all bytes.
    std::size_t found = behind_zeros(at);
    Parsed<RecordView> record = parse_record(bytes.subspan(found));
    if (!record.is_done() || !is_sealed(record.value().whole(), *mark)) {
      const auto next = find_next(bytes, found + 1, last_sequence, *mark);
      if (!next) {
        scan.tail_offset = found;
        scan.tail_size = used.size() - found;
        break;
      }
      scan.broken.push_back({.offset = found, .size = *next - found});
      found = *next;
      record = parse_record(bytes.subspan(found));
    } else if (scan.records > 0 && record.value().header().sequence != last_sequence + 1) {
      scan.broken.push_back({.offset = at, .size = found - at});
    }
    const auto kind = static_cast<Kind>(record.value().header().kind);
    if (kind == Kind::segment || kind == Kind::batch) scan.proven = found;
    visit(record.value());
    ++scan.records;
    last_sequence = record.value().header().sequence;
    at = found + record.used();
    scan.end = at;
  }
  return scan;
}

}  // namespace pushmail::journal
