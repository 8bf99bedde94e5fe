#include "core/record.h"

#include <gtest/gtest.h>

#include "core/errors.h"

namespace pushmail {
namespace {

Bytes sample() {
  ItemId item;
  item.bytes.fill(7);
  RecordWriter writer(50, 1, item);
  writer.u64(1, 42).text(2, "one").text(2, "two").bytes(3, {}).i64(4, -5);
  return writer.finish(99);
}

TEST(Record, RoundTrip) {
  const Bytes wire = sample();
  const auto parsed = parse_record(wire);
  ASSERT_TRUE(parsed.is_done());
  EXPECT_EQ(parsed.used(), wire.size());
  const RecordView& record = parsed.value();
  EXPECT_EQ(record.header().kind, 50);
  EXPECT_EQ(record.header().sequence, 99U);
  EXPECT_EQ(record.header().item.bytes[0], 7);
  EXPECT_EQ(record.u64(1), 42U);
  EXPECT_EQ(record.text(2), "one");
  EXPECT_EQ(record.bytes(3)->size(), 0U);
  EXPECT_EQ(record.i64(4), -5);
  EXPECT_EQ(record.u64(2), std::nullopt);
  EXPECT_EQ(record.text(9), std::nullopt);
  std::size_t fields = 0;
  record.for_each([&](std::uint16_t, ByteView) { ++fields; });
  EXPECT_EQ(fields, 5U);
}

TEST(Record, EveryCutNeedsMore) {
  const Bytes wire = sample();
  for (std::size_t size = 0; size < wire.size(); ++size) EXPECT_TRUE(parse_record(ByteView(wire).first(size)).needs_more()) << size;
}

TEST(Record, EveryFlippedBitIsFound) {
  const Bytes wire = sample();
  for (std::size_t bit = 32; bit < wire.size() * 8; ++bit) {
    Bytes broken = wire;
    broken[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    EXPECT_TRUE(parse_record(broken).is_bad()) << bit;
  }
}

TEST(Record, LengthOutsideItsLimitsIsBad) {
  Bytes wire = sample();
  store(wire.data(), std::uint32_t{35}, std::endian::little);
  EXPECT_TRUE(parse_record(wire).error().is(core_record_short));
  store(wire.data(), static_cast<std::uint32_t>(limits::record_size_max + 1), std::endian::little);
  EXPECT_TRUE(parse_record(wire).error().is(core_record_too_long));
}

TEST(Record, FieldThatRunsPastTheEndIsBad) {
  Bytes wire = sample();
  store(wire.data() + record_header_size + 2, std::uint32_t{1000}, std::endian::little);
  const std::uint32_t crc = crc32c(ByteView(wire).subspan(36), crc32c(ByteView(wire).first(32)));
  store(wire.data() + 32, crc, std::endian::little);
  EXPECT_TRUE(parse_record(wire).error().is(core_record_field));
}

// RFC 3720 §B.4 gives these.
TEST(Record, Crc32cVectors) {
  Bytes bytes(32, 0);
  EXPECT_EQ(crc32c(bytes), 0x8A9136AAU);
  bytes.assign(32, 0xFF);
  EXPECT_EQ(crc32c(bytes), 0x62A8AB43U);
  for (std::uint8_t i = 0; i < 32; ++i) bytes[i] = i;
  EXPECT_EQ(crc32c(bytes), 0x46DD794EU);
  EXPECT_EQ(crc32c(ByteView(bytes).subspan(10), crc32c(ByteView(bytes).first(10))), 0x46DD794EU);
}

}  // namespace
}  // namespace pushmail
