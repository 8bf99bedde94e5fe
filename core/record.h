// The one framing of journal segments, handoff sockets and the fetcher's socket. Little-endian:
//
//   0        4      6         8           16          32       36
//   | length | kind | version | sequence  | item id   | CRC32C | body: fields {tag u16, length u32, bytes} ...
//
// `length` counts the whole record; the CRC (Castagnoli, RFC 3720 §B.4) covers everything but itself. A reader skips fields whose
// tag it does not know, so a newer writer does not break it. Which kinds and tags exist stands in tables: core/contract/handoff/schema.h,
// core/contract/journal/schema.h, core/contract/fetcher/schema.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/bytes.h"
#include "core/ids.h"
#include "core/limits.h"
#include "core/result.h"

namespace pushmail {

inline constexpr std::size_t record_header_size = 36;

struct RecordHeader {
  std::uint32_t length = 0;  // bytes, header included
  std::uint16_t kind = 0;
  std::uint16_t version = 0;
  std::uint64_t sequence = 0;
  ItemId item;
  std::uint32_t crc = 0;
};

/// Builds one record. Fields appear in the order of the calls; a tag may repeat (lists).
class RecordWriter {
 public:
  RecordWriter(std::uint16_t kind, std::uint16_t version, const ItemId& item);

  RecordWriter& u64(std::uint16_t tag, std::uint64_t value);
  RecordWriter& i64(std::uint16_t tag, std::int64_t value) { return u64(tag, static_cast<std::uint64_t>(value)); }
  RecordWriter& text(std::uint16_t tag, std::string_view value);
  RecordWriter& bytes(std::uint16_t tag, ByteView value);
  RecordWriter& trace(std::uint16_t tag, const TraceId& value) { return bytes(tag, value.bytes); }

  /// Bytes of the finished record.
  [[nodiscard]] std::size_t size() const { return record_.size(); }
  /// The finished record with its sequence number and CRC; the writer is empty afterwards.
  [[nodiscard]] Bytes finish(std::uint64_t sequence);

 private:
  Bytes record_;
};

/// One checked record over the caller's bytes, which must outlive it.
class RecordView {
 public:
  RecordView() = default;

  [[nodiscard]] const RecordHeader& header() const { return header_; }
  [[nodiscard]] ByteView whole() const { return whole_; }

  /// The first field with this tag; empty optional when there is none or its size is wrong for the type.
  [[nodiscard]] std::optional<std::uint64_t> u64(std::uint16_t tag) const;
  [[nodiscard]] std::optional<std::int64_t> i64(std::uint16_t tag) const;
  [[nodiscard]] std::optional<std::string_view> text(std::uint16_t tag) const;
  [[nodiscard]] std::optional<ByteView> bytes(std::uint16_t tag) const;
  [[nodiscard]] std::optional<TraceId> trace(std::uint16_t tag) const;

  /// Calls `visit(tag, bytes)` for every field in order.
  template <class Visit>
  void for_each(Visit&& visit) const {
    std::size_t at = record_header_size;
    while (at < whole_.size()) {
      const auto tag = load<std::uint16_t>(whole_.data() + at, std::endian::little);
      const auto size = load<std::uint32_t>(whole_.data() + at + 2, std::endian::little);
      visit(tag, whole_.subspan(at + 6, size));
      at += 6 + size;
    }
  }

 private:
  friend Parsed<RecordView> parse_record(ByteView bytes);
  RecordHeader header_;
  ByteView whole_;
};

/// Reads one record from the front of `bytes`. need_more: the bytes end inside it. bad: too long, CRC wrong, or a field
/// that does not fit; on bad, `error().at` is the offset inside the record.
[[nodiscard]] Parsed<RecordView> parse_record(ByteView bytes);

/// CRC32C of `bytes`, continuing from `seed` (ISA-L).
[[nodiscard]] std::uint32_t crc32c(ByteView bytes, std::uint32_t seed = 0);

}  // namespace pushmail
