// Small values of core: numbers of phones, addresses, states, bytes, JSON text.
#include <gtest/gtest.h>

#include "core/bytes.h"
#include "core/endpoint.h"
#include "core/item_state.h"
#include "core/log.h"
#include "core/msisdn.h"

namespace pushmail {
namespace {

TEST(Msisdn, TakesFiveToFifteenDigits) {
  EXPECT_EQ(Msisdn::from_digits("15550100002")->digits(), "15550100002");
  EXPECT_TRUE(Msisdn::from_digits("12345").has_value());
  for (const std::string_view text : {"", "1234", "1234567890123456", "+15550100002", "05550100002", "1555o100002"}) {
    EXPECT_FALSE(Msisdn::from_digits(text).has_value()) << text;
  }
}

TEST(Endpoint, PrintsWhatItReads) {
  for (const std::string_view text : {"192.0.2.1:25", "0.0.0.0:0", "[2001:db8::1]:65535"}) {
    const auto endpoint = parse_endpoint(text);
    ASSERT_TRUE(endpoint.has_value()) << text;
    EXPECT_EQ(to_string(*endpoint), text);
  }
  EXPECT_EQ(parse_ip("192.0.2.1")->v4(), 0xC0000201U);
  for (const std::string_view text : {"", "192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "192.0.2:25", "host:25", "2001:db8::1:25", "192.0.2.1:25x"}) {
    EXPECT_FALSE(parse_endpoint(text).has_value()) << text;
  }
}

TEST(ItemState, EveryNameReadsBack) {
  for (std::size_t i = 0; i < item_state_names.size(); ++i) {
    const auto state = static_cast<ItemState>(i);
    EXPECT_EQ(parse_item_state(to_string(state)), state);
  }
  EXPECT_EQ(parse_item_state("gone"), std::nullopt);
}

TEST(ItemState, FinalStatesStay) {
  for (std::size_t from = 0; from < item_state_names.size(); ++from) {
    for (std::size_t to = 0; to < item_state_names.size(); ++to) {
      const auto a = static_cast<ItemState>(from);
      const auto b = static_cast<ItemState>(to);
      if (!is_final(a)) continue;
      EXPECT_EQ(may_follow(a, b), a == ItemState::unconfirmed && b == ItemState::delivered);
    }
  }
}

TEST(Bytes, Hex) {
  EXPECT_EQ(to_hex(from_hex("00ff7A")), "00ff7a");
  EXPECT_TRUE(from_hex("0").empty());
  EXPECT_TRUE(from_hex("0g").empty());
}

TEST(Log, JsonTextIsAlwaysValid) {
  EXPECT_EQ(json_escape("a\"b\\c\n"), "a\\\"b\\\\c\\u000a");
  EXPECT_EQ(json_escape("Gr\xC3\xBC\xC3\x9F"), "Gr\xC3\xBC\xC3\x9F");
  EXPECT_EQ(json_escape("\xFF\xC3"), "\\ufffd\\ufffd");
  EXPECT_EQ(json_escape("\xED\xA0\x80"), "\\ufffd\\ufffd\\ufffd");
}

}  // namespace
}  // namespace pushmail
