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
  for (const std::string_view text :
       {"", "192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "192.0.2:25", "host:25", "2001:db8::1:25", "192.0.2.1:25x"}) {
    EXPECT_FALSE(parse_endpoint(text).has_value()) << text;
  }
}

// What inet_aton reads means another host to another reader: it is neither an address nor a name that may be looked up.
TEST(Endpoint, NumbersInOtherSpellingsAreNoAddress) {
  for (const std::string_view text : {"0177.0.0.1", "0x7f.1", "127.1", "2130706433", "0x7f000001", "127.0.0.01", "1.2.3", "127.0.0.1.",
                                      "256.0.0.1", " 127.0.0.1", "127.0.0.1 ", "a.0x7f", "mail.127"}) {
    EXPECT_FALSE(parse_ip(text)) << text;
    EXPECT_FALSE(is_host_name(text)) << text;
  }
  EXPECT_FALSE(parse_ip(std::string_view("127.0.0.1\0.example", 18)));
  for (const std::string_view text : {"", ".", "a..b", "-a.example", "a-.example", "a b", "a\r\nb", "\xC3\xA4.example"})
    EXPECT_FALSE(is_host_name(text)) << text;
  for (const std::string_view text :
       {"localhost", "mail.example.com", "mail.example.com.", "3com.example", "0x7f.example", "my_host.example"}) {
    EXPECT_TRUE(is_host_name(text)) << text;
  }
}

TEST(Network, ContainsTheirAddresses) {
  EXPECT_TRUE(parse_network("192.0.2.0/25")->contains(*parse_ip("192.0.2.127")));
  EXPECT_FALSE(parse_network("192.0.2.0/25")->contains(*parse_ip("192.0.2.128")));
  EXPECT_TRUE(parse_network("192.0.2.1")->contains(*parse_ip("192.0.2.1")));
  EXPECT_FALSE(parse_network("192.0.2.1")->contains(*parse_ip("192.0.2.2")));
  EXPECT_TRUE(parse_network("2001:db8::/32")->contains(*parse_ip("2001:db8:ffff::1")));
  EXPECT_FALSE(parse_network("2001:db8::/32")->contains(*parse_ip("192.0.2.2")));
  EXPECT_FALSE(parse_network("0.0.0.0/0")->contains(*parse_ip("2001:db8::1")));
  for (const char* bad : {"192.0.2.0/33", "192.0.2.0/", "192.0.2.0/x", "/8", "example.com", "::/129", "192.0.2.0/-1"}) {
    EXPECT_FALSE(parse_network(bad).has_value()) << bad;
  }
}

TEST(ItemState, EveryNameReadsBack) {
  for (std::size_t i = 0; i < words<ItemState>.size(); ++i) {
    const auto state = static_cast<ItemState>(i);
    EXPECT_EQ(parse_word<ItemState>(to_string(state)), state);
  }
  EXPECT_EQ(parse_word<ItemState>("gone"), std::nullopt);
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
