#include "core/config_changes.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace pushmail {
namespace {

using Keys = std::vector<std::string>;

Config config_of(std::string_view more) {
  auto config = Config::parse(fmt::format("domain = \"mms.example.net\"\nlink.kind = \"kernel\"\nnotify.smsc = \"127.0.0.1:2775\"\n"
                                          "notify.source = \"5000\"\n{}",
                                          more),
                              "t.toml");
  EXPECT_TRUE(config.has_value()) << config.error().messages();
  return std::move(*config);
}

constexpr std::string_view a_peer = "[peer.{}]\nurl = \"http://127.0.0.1:1/mm7\"\nservice_number = \"5000\"\nallow = [\"127.0.0.1\"]\n";

TEST(ConfigChanges, WhatHasTheSameValueHasNotChanged) {
  const Config one = config_of(""), two = config_of("smtp.size_max = \"25MiB\"\n");
  EXPECT_EQ(changes_of(one, one, two).taken, Keys{});
  EXPECT_EQ(changes_of(one, one, two).at_restart, Keys{});
}

TEST(ConfigChanges, RowsSayWhatIsTaken) {
  const Config before = config_of("");
  const Config fresh =
      config_of("smtp.size_max = \"1MiB\"\nsmtp.listen = \"127.0.0.1:2525\"\nlog.level = \"debug\"\nlog.pii = \"clear\"\n");
  const ConfigChanges changes = changes_of(before, before, fresh);
  EXPECT_EQ(changes.taken, (Keys{"log.level", "smtp.size_max"}));
  EXPECT_EQ(changes.at_restart, (Keys{"log.pii", "smtp.listen"}));
}

TEST(ConfigChanges, WhatWaitsForARestartIsNamedUntilItIsWhatTheProgramWasStartedWith) {
  const Config started = config_of("");
  const Config running = config_of("smtp.listen = \"127.0.0.1:2525\"\nlog.level = \"debug\"\n");
  EXPECT_EQ(changes_of(started, running, running).at_restart, Keys{"smtp.listen"});
  EXPECT_EQ(changes_of(started, running, running).taken, Keys{});
  EXPECT_EQ(changes_of(started, running, started).at_restart, Keys{});
  EXPECT_EQ(changes_of(started, running, started).taken, Keys{"log.level"});
}

TEST(ConfigChanges, PeersComeAndGo) {
  const Config none = config_of(""), one = config_of(fmt::format(fmt::runtime(a_peer), "mmsc1"));
  const Keys came = changes_of(none, none, one).taken;
  EXPECT_NE(std::ranges::find(came, "peer.mmsc1.url"), came.end());
  EXPECT_EQ(changes_of(one, one, none).taken, came);
  EXPECT_EQ(changes_of(none, none, one).at_restart, Keys{});
}

}  // namespace
}  // namespace pushmail
