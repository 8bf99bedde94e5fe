#include "core/record.h"

#include <isa-l/crc.h>

#include "core/errors.h"

namespace pushmail {

namespace {

constexpr std::size_t length_at = 0, kind_at = 4, version_at = 6, sequence_at = 8, item_at = 16, crc_at = 32;
constexpr std::size_t field_header_size = 6;
constexpr auto order = std::endian::little;

std::uint32_t crc_of_record(ByteView record) { return crc32c(record.subspan(record_header_size), crc32c(record.first(crc_at))); }

}  // namespace

std::uint32_t crc32c(ByteView bytes, std::uint32_t seed) {
  // ISA-L keeps the inverted register between calls; it only reads through the pointer.
  return ~crc32_iscsi(const_cast<unsigned char*>(bytes.data()), static_cast<int>(bytes.size()), ~seed);
}

RecordWriter::RecordWriter(std::uint16_t kind, std::uint16_t version, const ItemId& item) : record_(record_header_size) {
  store(record_.data() + kind_at, kind, order);
  store(record_.data() + version_at, version, order);
  std::copy(item.bytes.begin(), item.bytes.end(), record_.begin() + item_at);
}

RecordWriter& RecordWriter::u64(std::uint16_t tag, std::uint64_t value) {
  std::array<std::uint8_t, 8> wire;
  store(wire.data(), value, order);
  return bytes(tag, wire);
}

RecordWriter& RecordWriter::text(std::uint16_t tag, std::string_view value) { return bytes(tag, bytes_of(value)); }

RecordWriter& RecordWriter::bytes(std::uint16_t tag, ByteView value) {
  append(record_, tag, order);
  append(record_, static_cast<std::uint32_t>(value.size()), order);
  append(record_, value);
  return *this;
}

Bytes RecordWriter::finish(std::uint64_t sequence) {
  PM_CHECK(record_.size() <= limits::record_size_max);
  store(record_.data() + length_at, static_cast<std::uint32_t>(record_.size()), order);
  store(record_.data() + sequence_at, sequence, order);
  store(record_.data() + crc_at, crc_of_record(record_), order);
  return std::exchange(record_, Bytes{});
}

Parsed<RecordView> parse_record(ByteView bytes) {
  if (bytes.size() < 4) return Parsed<RecordView>::need_more();
  const auto length = load<std::uint32_t>(bytes.data() + length_at, order);
  if (length < record_header_size) return Parsed<RecordView>::bad(core_record_short);
  if (length > limits::record_size_max) return Parsed<RecordView>::bad(core_record_too_long);
  if (bytes.size() < length) return Parsed<RecordView>::need_more();

  RecordView view;
  view.whole_ = bytes.first(length);
  RecordHeader& header = view.header_;
  header.length = length;
  header.kind = load<std::uint16_t>(bytes.data() + kind_at, order);
  header.version = load<std::uint16_t>(bytes.data() + version_at, order);
  header.sequence = load<std::uint64_t>(bytes.data() + sequence_at, order);
  std::memcpy(header.item.bytes.data(), bytes.data() + item_at, header.item.bytes.size());
  header.crc = load<std::uint32_t>(bytes.data() + crc_at, order);
  if (header.crc != crc_of_record(view.whole_)) return Parsed<RecordView>::bad(core_record_crc, crc_at);

  std::size_t at = record_header_size;
  while (at < length) {
    if (length - at < field_header_size) return Parsed<RecordView>::bad(core_record_field, at);
    const auto size = load<std::uint32_t>(bytes.data() + at + 2, order);
    if (length - at - field_header_size < size) return Parsed<RecordView>::bad(core_record_field, at);
    at += field_header_size + size;
  }
  return Parsed<RecordView>::done(view, length);
}

std::optional<ByteView> RecordView::bytes(std::uint16_t tag) const {
  std::optional<ByteView> found;
  for_each([&](std::uint16_t field_tag, ByteView value) {
    if (field_tag == tag && !found) found = value;
  });
  return found;
}

std::optional<std::uint64_t> RecordView::u64(std::uint16_t tag) const {
  const auto value = bytes(tag);
  if (!value || value->size() != 8) return std::nullopt;
  return load<std::uint64_t>(value->data(), order);
}

std::optional<std::int64_t> RecordView::i64(std::uint16_t tag) const {
  const auto value = u64(tag);
  return value ? std::optional(static_cast<std::int64_t>(*value)) : std::nullopt;
}

std::optional<std::string_view> RecordView::text(std::uint16_t tag) const {
  const auto value = bytes(tag);
  return value ? std::optional(text_of(*value)) : std::nullopt;
}

std::optional<TraceId> RecordView::trace(std::uint16_t tag) const {
  const auto value = bytes(tag);
  TraceId id;
  if (!value || value->size() != id.bytes.size()) return std::nullopt;
  std::copy(value->begin(), value->end(), id.bytes.begin());
  return id;
}

}  // namespace pushmail
