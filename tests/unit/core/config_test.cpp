#include "core/config.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace pushmail {
namespace {

constexpr std::string_view least = R"(domain = "mms.example.net"
[notify]
smsc = "127.0.0.1:2775"
source = "5000"
)";

TEST(Config, DefaultsAreFilledIn) {
  const auto config = Config::parse(least, "t.toml");
  ASSERT_TRUE(config.has_value()) << config.error().message();
  EXPECT_EQ(config->text("domain"), "mms.example.net");
  EXPECT_EQ(config->size("smtp.size_max"), 25U << 20);
  EXPECT_EQ(config->duration("notify.code_lifetime").ms(), 7 * 86'400'000LL);
  EXPECT_EQ(config->text("link.kind"), "kernel");
  EXPECT_FALSE(config->has("smtp.smart_host"));
  EXPECT_TRUE(config->peers().empty());
  EXPECT_EQ(config->changed().size(), 3U);
}

TEST(Config, PeersAreTables) {
  const auto config = Config::parse(std::string(least) + "[peer.a]\nurl = \"http://127.0.0.1:1/mm7\"\nservice_number = \"5000\"\nallow = [\"127.0.0.1\"]\n"
                                    "[peer.b]\nurl = \"http://127.0.0.1:2/mm7\"\nservice_number = \"6000\"\nsender = \"alias\"\n", "t.toml");
  ASSERT_TRUE(config.has_value()) << config.error().message();
  EXPECT_EQ(config->peers(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(config->number("peer.a.sender_refused"), 4007);
  EXPECT_EQ(config->texts("peer.a.allow"), std::vector<std::string>{"127.0.0.1"});
  EXPECT_EQ(config->text("peer.b.sender"), "alias");
}

struct Bad {
  std::string_view toml;
  std::string_view message;
};

TEST(Config, SaysFileLineKeyAndRule) {
  const std::string base(least);
  for (const Bad& bad : {
           Bad{"[smtp]\nsize_max = \"25\"\n", "t.toml:6: smtp.size_max: must be a number and a unit (KiB, MiB, GiB, B), got \"25\""},
           Bad{"[smtp]\nsize_max = 25\n", "t.toml:6: smtp.size_max: must be text in quotes"},
           Bad{"[smtp]\nsize_max = \"26MiB\"\n", "t.toml:6: smtp.size_max: must be at most 26214400"},
           Bad{"[smtp]\nlissen = \"0.0.0.0:25\"\n", "t.toml:6: smtp.lissen: unknown key; did you mean smtp.listen?"},
           Bad{"[smpt]\nlisten = \"0.0.0.0:25\"\n", "t.toml:5: smpt: unknown table"},
           Bad{"[link]\nkind = \"fast\"\n", "t.toml:6: link.kind: must be one of kernel|dpdk, got \"fast\""},
           Bad{"[peer.x]\nservice_number = \"1\"\n", "t.toml:0: peer.x.url: must be given"},
           Bad{"node = \n", "t.toml:5: "},
           Bad{"[http]\nlisten = \"nowhere\"\n", "t.toml:6: http.listen: must be address:port, got \"nowhere\""},
           Bad{"[worker]\npoll = true\n", "t.toml:6: worker.poll: must be text in quotes"},
       }) {
    const auto config = Config::parse(base + std::string(bad.toml), "t.toml");
    ASSERT_FALSE(config.has_value()) << bad.toml;
    EXPECT_TRUE(config.error().message().starts_with(bad.message)) << config.error().message();
  }
}

TEST(Config, SampleIsReadable) {
  std::string sample = sample_config();
  for (const auto& [from, to] : {std::pair<std::string, std::string>{"domain = \"\"", "domain = \"x.example\""}, {"url = \"\"", "url = \"http://127.0.0.1/\""},
                                 {"service_number = \"\"", "service_number = \"5000\""}, {"smsc = \"\"", "smsc = \"127.0.0.1:1\""},
                                 {"source = \"\"", "source = \"5000\""}}) {
    const std::size_t at = sample.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    sample.replace(at, from.size(), to);
  }
  const auto config = Config::parse(sample, "sample.toml");
  EXPECT_TRUE(config.has_value()) << config.error().message();
}

// `pushmailctl config sample > conf/pushmail.toml` after a change of the table.
TEST(Config, TheFileInConfIsTheSample) {
  std::ifstream stream(std::string(PUSHMAIL_SOURCE_DIR) + "/conf/pushmail.toml");
  std::stringstream text;
  text << stream.rdbuf();
  EXPECT_EQ(text.str(), sample_config());
}

TEST(Config, ASecretOthersMayReadIsRefused) {
  const std::string path = fmt::format("{}/pushmail_secret_{}", ::testing::TempDir(), ::getpid());
  std::ofstream(path) << "hidden\nrest\n";
  chmod(path.c_str(), 0644);
  EXPECT_FALSE(read_secret_file(path).has_value());
  chmod(path.c_str(), 0600);
  EXPECT_EQ(read_secret_file(path).value(), "hidden");
  std::filesystem::remove(path);
  EXPECT_FALSE(read_secret_file(path).has_value());
}

}  // namespace
}  // namespace pushmail
