// The codec lane without its thread: each conversion comes back once, in order, with its bytes, whatever stands in it.
#include "dataplane/codec_lane.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "tests/unit/checked.h"

namespace pushmail {
namespace {

relay::Conversion conversion_of(std::uint8_t number, relay::Content content, std::string_view body) {
  relay::Conversion conversion;
  conversion.item.bytes[15] = number;
  conversion.content = content;
  conversion.body = Bytes(body.begin(), body.end());
  return conversion;
}

TEST(CodecLane, gives_each_back_once_and_in_order) {
  Wake lane_bell, worker_bell;
  Checked<Ring<relay::Conversion>> in(std::in_place, lane_bell, 2);
  Checked<Ring<relay::Converted>> out(std::in_place, worker_bell, 1);
  scan::RuleSetSlot rules(1);
  Checked<CodecLane> lane(std::in_place, *in, *out, lane_bell, rules, std::size_t{0});
  EXPECT_FALSE(lane->step()) << "nothing is there";

  const std::string mail = "From: joe@example.com\r\nSubject: Hi\r\n\r\nhello\r\n";
  in->send(conversion_of(1, relay::Content::mail, mail));
  in->send(conversion_of(2, relay::Content::mm7, "no DeliverReq"));
  in->send(conversion_of(3, relay::Content::mail, mail));
  for (std::uint8_t number = 1; number <= 3; ++number) {
    in->flush();
    EXPECT_TRUE(lane->step());
    out->flush();
    const auto converted = out->receive();
    ASSERT_TRUE(converted.has_value());
    EXPECT_EQ(converted->item.bytes[15], number);
    EXPECT_EQ(converted->error.has_value(), number == 2);
    EXPECT_EQ(text_of(converted->body), number == 2 ? "no DeliverReq" : mail) << "the bytes come back";
    EXPECT_EQ(converted->peeked.subject, number == 2 ? "" : "Hi");
  }
  EXPECT_FALSE(lane->step());
}

}  // namespace
}  // namespace pushmail
