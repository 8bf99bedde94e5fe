#include "dataplane/nic/link_options.h"

#include <gtest/gtest.h>

#include "dataplane/nic/errors.h"

namespace pushmail {
namespace {

Result<LinkOptions> read(const std::string& link) {
  const auto config =
      Config::parse("domain = \"x.example\"\n[notify]\nsmsc = \"127.0.0.1:1\"\nsource = \"1\"\n[link]\nkind = \"dpdk\"\n" + link, "t.toml");
  // The configuration refuses most of it before anybody asks, with file, line and rule.
  if (!config) return fail(nic_bad_link);
  return read_link_options(*config);
}

TEST(LinkOptions, ReadsATap) {
  const auto options = read(
      "address = \"198.18.0.2/24\"\ngateway = \"198.18.0.1\"\nmac = \"02:00:00:00:00:0a\"\nvdev = "
      "\"net_tap0,iface=pm0,mac=02:00:00:00:00:01\"\n");
  ASSERT_TRUE(options.has_value());
  EXPECT_EQ(to_string(options->address), "198.18.0.2");
  EXPECT_EQ(options->prefix_length, 24U);
  EXPECT_EQ(to_string(options->gateway), "198.18.0.1");
  EXPECT_EQ(options->port.name, "net_tap0");
  EXPECT_EQ(options->port.mac, (MacAddress{2, 0, 0, 0, 0, 10}));
  EXPECT_FALSE(options->eal.huge_pages);
  EXPECT_EQ(options->eal.memory_size, 512U << 20);
}

TEST(LinkOptions, TheGatewaysMacCanBeFixed) {
  const std::string rest = "address = \"198.18.0.2/24\"\nvdev = \"net_tap0\"\n";
  const auto options = read(rest + "gateway = \"198.18.0.1\"\ngateway_mac = \"02:00:00:00:00:0b\"\n");
  ASSERT_TRUE(options.has_value());
  EXPECT_EQ(options->gateway_mac, (MacAddress{2, 0, 0, 0, 0, 11}));
  EXPECT_FALSE(read(rest + "gateway_mac = \"02:00:00:00:00:0b\"\n").has_value()) << "of which gateway?";
  EXPECT_FALSE(read(rest + "gateway = \"198.18.0.1\"\ngateway_mac = \"01:00:5e:00:00:0b\"\n").has_value()) << "a group is no gateway";
  EXPECT_FALSE(read(rest + "gateway = \"198.18.0.1\"\ngateway_mac = \"here\"\n").has_value());
}

TEST(LinkOptions, APciPortHasItsOwnAddress) {
  const auto options = read("address = \"192.0.2.7/25\"\nallow = \"0000:01:00.0\"\nhuge_pages = true\n");
  ASSERT_TRUE(options.has_value());
  EXPECT_EQ(options->port.name, "0000:01:00.0");
  EXPECT_EQ(options->port.mac, MacAddress{});
  EXPECT_TRUE(options->eal.huge_pages);
}

TEST(LinkOptions, RefusesWhatIsHalfSaid) {
  const std::string good = "address = \"198.18.0.2/24\"\n";
  for (const std::string& link :
       {std::string(), good, good + "vdev = \"net_tap0\"\nallow = \"0000:01:00.0\"\n",
        std::string("address = \"198.18.0.2\"\nvdev = \"net_tap0\"\n"), std::string("address = \"198.18.0.2/33\"\nvdev = \"net_tap0\"\n"),
        good + "vdev = \"net_tap0\"\nmac = \"02:00:00:00:00\"\n", good + "vdev = \"net_tap0\"\nmac = \"02:00:00:00:00-01\"\n",
        good + "vdev = \"net_tap0\"\ngateway = \"here\"\n"}) {
    EXPECT_FALSE(read(link).has_value()) << link;
  }
}

}  // namespace
}  // namespace pushmail
