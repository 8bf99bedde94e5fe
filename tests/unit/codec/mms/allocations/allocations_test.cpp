// No heap allocation for a part, in and out: counted, in a program of its own, by replacing operator new.
#include <gtest/gtest.h>

#include <string>

#include "codec/mms/pdu.h"
#include "tests/unit/counted_heap.h"

namespace pushmail::mms {
namespace {

/// Names that no short string would hold, and one that must be decoded.
Pdu message_of(std::size_t parts) {
  static constexpr std::string_view data = "some octets";
  Pdu pdu;
  pdu.type = MessageType::retrieve_conf;
  pdu.message_id = "m1";
  pdu.date = 1;
  pdu.has_content = true;
  for (std::size_t i = 0; i < parts; ++i) {
    pdu.content.parts.push_back({.media_type = "application/x-with-a-long-name",
                                 .charset = {},
                                 .name = "Gr\u00fc\u00dfe aus dem sonnigen S\u00fcden.bin",
                                 .content_id = "a-content-id-that-is-long@example.com",
                                 .content_location = "a-content-location-that-is-long.bin",
                                 .data = bytes_of(data)});
  }
  if (parts > 0) pdu.content.presentation = 0;
  return pdu;
}

std::size_t allocations_of_encode(const Pdu& pdu) {
  const std::size_t before = allocations;
  const auto gather = encode_gather(pdu);
  EXPECT_TRUE(gather.has_value());
  return allocations - before;
}
std::size_t allocations_of_decode(const Bytes& octets, std::size_t parts) {
  const std::size_t before = allocations;
  const auto pdu = decode(octets);
  const std::size_t count = allocations - before;
  EXPECT_EQ(pdu.value().content.parts.size(), parts);
  return count;
}

TEST(MmsAllocations, GrowWithTheLogarithmOfTheParts) {
  const std::size_t few = allocations_of_decode(encode(message_of(4)).value(), 4);
  const std::size_t many = allocations_of_decode(encode(message_of(800)).value(), 800);
  EXPECT_LE(few, 4U);
  // Chunks of the arena double.
  EXPECT_LE(many, few + 10);
}

TEST(MmsAllocations, AGatherListIsThreeWhateverItHolds) {
  // The headers, the list, and the presentation's name in brackets.
  EXPECT_LE(allocations_of_encode(message_of(4)), 3U);
  EXPECT_LE(allocations_of_encode(message_of(800)), 3U);
}

}  // namespace
}  // namespace pushmail::mms
