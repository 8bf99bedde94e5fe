// What is known about mail providers: the table that goes along with the programs, and what a table may not say.
#include "controlplane/binding/providers.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace pushmail {
namespace {

TEST(Providers, TheTableOfTheSourcesIsTheBuiltInOne) {
  std::ifstream file(PUSHMAIL_SOURCE_DIR "/conf/providers.toml");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  ASSERT_FALSE(text.empty());
  EXPECT_EQ(built_in_providers(), text);
  const auto providers = Providers::parse(text);
  ASSERT_TRUE(providers) << providers.error();
  EXPECT_GE(providers->all().size(), 6U);
}

// One row for each fact, as it is known of the provider.
TEST(Providers, EachIsFoundByTheEndOfItsHost) {
  struct Row {
    const char* host;
    const char* name;
    std::uint64_t connections;
    bool idle;
    Duration idle_break;
    const char* refresh;
    Duration refresh_every;
    bool id;
  };
  const Providers providers = Providers::built_in();
  for (const Row& row : {
           Row{"imap.gmail.com", "Gmail", 15, true, {}, "noop", {}, false},
           Row{"IMAP.GoogleMail.Com.", "Gmail", 15, true, {}, "noop", {}, false},
           Row{"outlook.office365.com", "Microsoft 365", 20, true, {}, "noop", {}, false},
           Row{"imap-mail.outlook.com", "Microsoft 365", 20, true, {}, "noop", {}, false},
           Row{"imap.mail.yahoo.com", "Yahoo", 0, true, seconds(180), "noop", {}, false},
           Row{"imap.aol.com", "Yahoo", 0, true, seconds(180), "noop", {}, false},
           Row{"imap.rambler.ru", "Rambler", 0, true, seconds(55), "noop", {}, false},
           Row{"imap.163.com", "NetEase", 0, false, {}, "status", seconds(55), true},
           Row{"imap.naver.com", "Naver", 0, true, {}, "select", {}, false},
           Row{"mail.example.com", "", 0, true, {}, "noop", {}, false},
           Row{"notgmail.com", "", 0, true, {}, "noop", {}, false},
           Row{"gmail.com.example", "", 0, true, {}, "noop", {}, false},
           Row{"8.8.8.8", "", 0, true, {}, "noop", {}, false},
           Row{"", "", 0, true, {}, "noop", {}, false},
       }) {
    const Provider& provider = providers.of_host(row.host);
    EXPECT_EQ(provider.name, row.name) << row.host;
    EXPECT_EQ(provider.connections, row.connections) << row.host;
    EXPECT_EQ(provider.idle, row.idle) << row.host;
    EXPECT_EQ(provider.idle_break, row.idle_break) << row.host;
    EXPECT_EQ(to_string(provider.refresh), row.refresh) << row.host;
    EXPECT_EQ(provider.refresh_every, row.refresh_every) << row.host;
    EXPECT_EQ(provider.id, row.id) << row.host;
  }
}

TEST(Providers, TheLongestSuffixCounts) {
  const auto providers = Providers::parse(
      "[[provider]]\nname = \"all\"\nhosts = [\"example.com\"]\n[[provider]]\nname = \"one\"\nhosts = [\"imap.example.com\"]\n");
  ASSERT_TRUE(providers) << providers.error();
  EXPECT_EQ(providers->of_host("a.imap.example.com").name, "one");
  EXPECT_EQ(providers->of_host("pop.example.com").name, "all");
}

TEST(Providers, WhatIsWrongIsNamedWithItsLine) {
  const std::string row = "[[provider]]\nname = \"x\"\nhosts = [\"x.example\"]\n";
  for (const std::string& bad : {std::string("[[provider]]\nname = \"x\"\n"),
                                 std::string("[[provider]]\nhosts = [\"x.example\"]\n"),
                                 row + "idel = true\n",
                                 row + "idle = \"no\"\n",
                                 row + "idle_break = \"soon\"\n",
                                 row + "idle_break = 55\n",
                                 row + "idle_break = \"30min\"\n",
                                 row + "refresh_every = \"1s\"\n",
                                 row + "refresh = \"often\"\n",
                                 row + "connections = 0\n",
                                 row + "connections = \"3\"\n",
                                 row + "id = 1\n",
                                 row + row,
                                 std::string("[[provider]]\nname = \"x\"\nhosts = [\"a b\"]\n"),
                                 std::string("[[provider]]\nname = \"x\"\nhosts = []\n"),
                                 std::string("[[provider]]\nname = \"x\"\nhosts = \"x.example\"\n"),
                                 std::string("name = \"x\"\n"),
                                 std::string("[provider]\nname = \"x\"\n"),
                                 std::string("[[providers]]\n"),
                                 std::string("[[provider\n"),
                                 std::string("provider = [1]\n")}) {
    const auto providers = Providers::parse(bad);
    ASSERT_FALSE(providers) << bad;
    EXPECT_TRUE(providers.error().starts_with("line ")) << providers.error();
  }
  EXPECT_TRUE(Providers::parse("")) << "nothing is known of anybody";
}

}  // namespace
}  // namespace pushmail
