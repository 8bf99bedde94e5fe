// Wrong configurations, one for each rule that a program would break on at its start: each is refused with file, line and key before
// anything opens. And the verbs that show, explain and compare keys.
#include "controlplane/cli/config_check.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "controlplane/cli/cli.h"

namespace pushmail::cli {
namespace {

using Json = nlohmann::json;

struct Ran {
  int code;
  std::string out, error;
};

class ConfigTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "pushmail-config-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
    std::filesystem::create_directories(root_ / "etc/pushmail/conf.d");
    secret("kek", std::string(32, 'k'));
    secret("word", "sesame\n");
    secret("long", "nine chars\n");
    secret("empty", "\n");
    secret("open", "sesame\n", 0644);
    secret("short", "k");
    write("rules", "this is no rule\n");
    write("providers.toml", "[[provider]]\nname = 7\n");
    write("authority.pem", "no certificate\n");
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void write(const std::string& name, const std::string& text) const { std::ofstream(root_ / name, std::ios::binary) << text; }
  void secret(const std::string& name, const std::string& text, mode_t mode = 0400) const {
    write(name, text);
    ASSERT_EQ(::chmod((root_ / name).c_str(), mode), 0);
  }
  [[nodiscard]] std::string path(const std::string& name) const { return (root_ / name).string(); }
  void configure(const std::string& text) const { write("etc/pushmail/pushmail.toml", text); }

  // What is right, with other lines in the place of some; @NAME@ is a file of the test.
  [[nodiscard]] std::string file_of(std::string_view replaced, std::string_view by, std::string_view more) const {
    std::string text =
        "domain = \"mms.example.net\"\nlink.kind = \"kernel\"\nnotify.smsc = \"192.0.2.1:2775\"\nnotify.source = \"5000\"\n"
        "secrets.kek_file = \"@kek@\"\n";
    if (!replaced.empty()) {
      const std::size_t at = text.find(replaced);
      EXPECT_NE(at, std::string::npos) << replaced;
      text.replace(at, replaced.size(), by);
    }
    text += more;
    for (std::size_t at; (at = text.find('@')) != std::string::npos;) {
      const std::size_t end = text.find('@', at + 1);
      if (end == std::string::npos) break;
      text.replace(at, end - at + 1, path(text.substr(at + 1, end - at - 1)));
    }
    return text;
  }
  [[nodiscard]] Ran ctl(std::vector<std::string> words) const {
    words.insert(words.end(), {"--root", root_.string()});
    std::istringstream in;
    std::ostringstream out, error;
    const int code = run(words, {in, out, error});
    return {code, out.str(), error.str()};
  }

  std::filesystem::path root_;
};

constexpr std::string_view peer = "[peer.a]\nurl = \"http://192.0.2.9/mm7\"\nservice_number = \"5000\"\nallow = [\"192.0.2.9\"]\n";

struct Wrong {
  std::string_view replaced, by;  // in what is right
  std::string more;               // behind it; its first line is line 6
  std::uint32_t line;
  std::string_view key, rule;  // rule: how it begins
};

std::vector<Wrong> wrong_ones() {
  const std::string a(peer);
  constexpr std::string_view dpdk = "link.kind = \"dpdk\"";
  return {
      // What must be given, and how values look.
      {"domain = \"mms.example.net\"\n", "", "", 0, "domain", "must be given"},
      {"link.kind = \"kernel\"\n", "", "", 0, "link.kind", "must be given"},
      {"notify.smsc = \"192.0.2.1:2775\"\n", "", "", 3, "notify.smsc", "must be given"},
      {"notify.source = \"5000\"\n", "", "", 3, "notify.source", "must be given"},
      {"", "", "node = \n", 6, "", ""},
      {"", "", "nodes = 1\n", 6, "nodes", "unknown key; did you mean node?"},
      {"", "", "[smpt]\nlisten = \"0.0.0.0:25\"\n", 6, "smpt", "unknown table"},
      {"", "", "node = \"1\"\n", 6, "node", "must be a whole number, without quotes"},
      {"", "", "node = 4096\n", 6, "node", "must be at most 4095"},
      {"", "", "node = -1\n", 6, "node", "must be at least 0"},
      {"", "", "[smtp]\nsize_max = \"25\"\n", 7, "smtp.size_max", "must be a number and a unit"},
      {"", "", "[smtp]\nsize_max = 25\n", 7, "smtp.size_max", "must be text in quotes"},
      {"", "", "[smtp]\nsize_max = \"26MiB\"\n", 7, "smtp.size_max", "must be at most"},
      {"", "", "[schedule]\nround = \"soon\"\n", 7, "schedule.round", "must be a number and a unit"},
      {"", "", "[schedule]\nround = \"10ms\"\n", 7, "schedule.round", "must be at least 1000"},
      {"", "", "[http]\nlisten = \"localhost:8080\"\n", 7, "http.listen", "must be address:port"},
      {"", "", "[http]\nlisten = \"127.0.0.1\"\n", 7, "http.listen", "must be address:port"},
      {"\"kernel\"", "\"fast\"", "", 2, "link.kind", "must be one of kernel|dpdk"},
      {"", "", "[smtp]\ntrusted = \"192.0.2.1\"\n", 7, "smtp.trusted", "must be a list of texts"},
      {"", "", "[smtp]\ntrusted = [\"192.0.2\"]\n", 7, "smtp.trusted", "\"192.0.2\" is neither an address nor a network"},
      {"", "", "[link]\nhuge_pages = \"yes\"\n", 0, "", ""},
      // What keys say together.
      {"mms.example.net", "127.0.0.1", "", 1, "domain", "must be a host name"},
      {"", "", "[http]\nlisten = \"127.0.0.1:25\"\n", 0, "smtp.listen", "is the same as http.listen"},
      {"", "", "[metrics]\nlisten = \"127.0.0.1:8080\"\n", 7, "metrics.listen", "is the same as http.listen"},
      {"", "", "[smtp]\npostmaster = \"joe\"\n", 7, "smtp.postmaster", "must be a mail address"},
      {"", "", "[smtp]\npostmaster = \"joe@mms.example.net\"\n", 7, "smtp.postmaster", "must not be at our own domain"},
      {"", "", "[smtp]\npostmaster = \"joe@example.com\"\n", 7, "smtp.postmaster", "needs smtp.smart_host"},
      {"", "", "[smtp]\nsmart_host_user = \"u\"\nsmart_host = \"192.0.2.1:25\"\nsmart_host_tls = \"implicit\"\n", 7, "smtp.smart_host_user",
       "needs smtp.smart_host_password_file"},
      {"", "", "[smtp]\nsmart_host_password_file = \"@word@\"\n", 7, "smtp.smart_host_password_file", "needs smtp.smart_host_user"},
      {"", "", "[smtp]\nsmart_host_login_in_clear = true\n", 7, "smtp.smart_host_login_in_clear", "needs smtp.smart_host_user"},
      {"", "", "[smtp]\nsmart_host_user = \"u\"\nsmart_host_password_file = \"@word@\"\nsmart_host_login_in_clear = true\n", 7,
       "smtp.smart_host_user", "needs smtp.smart_host"},
      {"", "", "[smtp]\nsmart_host_user = \"u\"\nsmart_host_password_file = \"@word@\"\nsmart_host = \"192.0.2.1:25\"\n", 7,
       "smtp.smart_host_user", "would be sent in clear"},
      {"", "", "[journal]\nlane_size_max = \"4MiB\"\n", 7, "journal.lane_size_max", "must be at least journal.segment_size"},
      {"", "", "[dns]\nservers = [\"resolver\"]\n", 7, "dns.servers", "\"resolver\" is not address:port"},
      {"", "", "[numbering]\ncountry_code = \"+49\"\n", 7, "numbering.country_code", "must be 1 to 3 digits"},
      {"", "", "[numbering]\ntrunk_prefix = \"x\"\n", 7, "numbering.trunk_prefix", "must be 1 to 5 digits"},
      {"", "", "[numbering]\ninternational_prefixes = [\"+\"]\n", 7, "numbering.international_prefixes", "\"+\" is not 1 to 6 digits"},
      {"", "", "[numbering]\nshort_codes = [\"#31\"]\n", 7, "numbering.short_codes", "\"#31\" is not 1 to 15 digits"},
      {"", "", "[numbering]\nnational_length = \"11-7\"\n", 7, "numbering.national_length", "must be a number of digits"},
      {"", "", "[numbering]\nbare = \"national\"\n", 7, "numbering.bare", "national needs"},
      // The link, which only a port of our own has.
      {"link.kind = \"kernel\"", dpdk, "link.vdev = \"net_tap0\"\n", 2, "link.address", "must be an address and its prefix"},
      {"link.kind = \"kernel\"", dpdk, "link.vdev = \"net_tap0\"\nlink.address = \"192.0.2.2/33\"\n", 7, "link.address",
       "must be an address and its prefix"},
      {"link.kind = \"kernel\"", dpdk, "link.address = \"192.0.2.2/24\"\n", 2, "link.allow", "must be given for link.kind"},
      {"link.kind = \"kernel\"", dpdk, "link.address = \"192.0.2.2/24\"\nlink.vdev = \"net_tap0\"\nlink.allow = \"0000:00:05.0\"\n", 7,
       "link.vdev", "must not be given with link.allow"},
      {"link.kind = \"kernel\"", dpdk, "link.address = \"192.0.2.2/24\"\nlink.vdev = \"net_tap0\"\nlink.gateway = \"router\"\n", 8,
       "link.gateway", "must be an address"},
      {"link.kind = \"kernel\"", dpdk, "link.address = \"192.0.2.2/24\"\nlink.vdev = \"net_tap0\"\nlink.mac = \"02:00:00\"\n", 8,
       "link.mac", "must be the MAC address of one station"},
      {"link.kind = \"kernel\"", dpdk,
       "link.address = \"192.0.2.2/24\"\nlink.vdev = \"net_tap0\"\nlink.gateway = \"192.0.2.1\"\nlink.gateway_mac = "
       "\"01:00:00:00:00:01\"\n",
       9, "link.gateway_mac", "must be the MAC address of one station"},
      {"link.kind = \"kernel\"", dpdk,
       "link.address = \"192.0.2.2/24\"\nlink.vdev = \"net_tap0\"\nlink.gateway_mac = \"02:00:00:00:00:01\"\n", 8, "link.gateway_mac",
       "needs link.gateway"},
      // A peer.
      {"", "", "[peer.a]\nservice_number = \"5000\"\n", 6, "peer.a.url", "must be given"},
      {"", "", "[peer.a]\nurl = \"http://192.0.2.9/\"\ninbound = \"open\"\n", 6, "peer.a.service_number", "must be given"},
      // A bearer.
      {"", "", "[bearer.b]\nsystem_id = \"sixteen letters.\"\n", 7, "bearer.b.system_id", "at most 15 characters"},
      {"", "", "[bearer.b]\npassword_file = \"@nowhere@\"\n", 7, "bearer.b.password_file", "@nowhere@: cannot be read: No such file"},
      {"notify.smsc = \"192.0.2.1:2775\"\n", "", "[bearer.b]\nwindow = 5\n", 5, "bearer.b.smsc", "must be given"},
      {"", "", "[bearer.b]\nkind = \"pigeon\"\n", 7, "bearer.b.kind", "must be one of smpp"},
      {"", "", "[bearer.b]\nurl = \"http://192.0.2.9/\"\n", 7, "bearer.b.url", "unknown key"},
      {"", "", "[peer.a]\nurl = \"http://192.0.2.9/\"\nservice_number = \"5000\"\n", 7, "peer.a.inbound",
       "nothing authenticates this peer"},
      {"", "", a + "inbound_user = \"u\"\n", 7, "peer.a.inbound_password_file", "must be given with inbound_user"},
      {"", "", a + "inbound_password_file = \"@word@\"\n", 7, "peer.a.inbound_user", "must be given with inbound_password_file"},
      {"", "", a + "sender_forms = []\n", 10, "peer.a.sender_forms", "must name at least one form"},
      {"", "", a + "sender_forms = [\"mail\"]\n", 10, "peer.a.sender_forms", "\"mail\" is not number"},
      {"", "", "[peer.a]\nurl = \"ftp://192.0.2.9/\"\nservice_number = \"5000\"\ninbound = \"open\"\n", 7, "peer.a.url",
       "must begin with http://"},
      {"", "", "[peer.a]\nurl = \"http://192.0.2.9:0/\"\nservice_number = \"5000\"\ninbound = \"open\"\n", 7, "peer.a.url",
       "has no valid port"},
      {"", "", "[peer.a]\nurl = \"http://192.0.2.9/\"\nservice_number = \"+5000\"\ninbound = \"open\"\n", 8, "peer.a.service_number",
       "must be 1 to 12 digits"},
      {"", "", a + "password_file = \"@nowhere@\"\n", 10, "peer.a.password_file", "@nowhere@: cannot be read: No such file"},
      {"", "", a + "password_file = \"@open@\"\n", 10, "peer.a.password_file", "@open@: "},
      // What the programs read beside it.
      {"", "", "notify.password_file = \"@nowhere@\"\n", 6, "notify.password_file", "@nowhere@: cannot be read: No such file"},
      {"", "", "notify.password_file = \"@long@\"\n", 6, "notify.password_file", "an SMPP password has at most 8 characters"},
      {"", "", "notify.system_id = \"sixteen letters.\"\n", 6, "notify.system_id", "at most 15 characters"},
      {"", "", "notify.system_type = \"thirteen long\"\n", 6, "notify.system_type", "at most 12 characters"},
      {"\"5000\"", "\"123456789012345678901\"", "", 4, "notify.source", "must have 1 to 20 characters"},
      {"", "", "mailbox.allow_networks = [\"home\"]\n", 6, "mailbox.allow_networks", ""},
      {"", "", "mailbox.providers = \"@providers.toml@\"\n", 6, "mailbox.providers", "@providers.toml@"},
      {"", "", "api.agents = [\"nobody-of-this-name\"]\n", 6, "api.agents", "there is no user nobody-of-this-name"},
      {"", "", "api.readers = [\"@none-of-this-name\"]\n", 6, "api.readers", "there is no group none-of-this-name"},
      {"", "", "rules.file = \"@rules@\"\n", 6, "rules.file", "@rules@:1"},
      {"", "", "tls.extra_ca = \"@authority.pem@\"\n", 6, "tls.extra_ca", ""},
      {"@kek@", "@short@", "", 5, "secrets.kek_file", ""},
      {"@kek@", "@nowhere@", "", 5, "secrets.kek_file", ""},
  };
}

TEST_F(ConfigTest, WhatIsRightPasses) {
  configure(file_of("", "", std::string(peer)));
  const Ran checked = ctl({"config", "check"});
  EXPECT_EQ(checked.code, 0) << checked.error;
}

TEST_F(ConfigTest, EachRuleNamesFileLineAndKey) {
  const std::vector<Wrong> all = wrong_ones();
  EXPECT_GE(all.size(), 60U);
  for (const Wrong& wrong : all) {
    const std::string text = file_of(wrong.replaced, wrong.by, wrong.more);
    configure(text);
    const Ran checked = ctl({"config", "check", "--json"});
    EXPECT_EQ(checked.code, EX_CONFIG) << text;
    const Json json = Json::parse(checked.out, nullptr, false);
    ASSERT_TRUE(json.is_object()) << text << checked.out;
    EXPECT_EQ(json["file"], path("etc/pushmail/pushmail.toml")) << text;
    // A line of 0 and no key: TOML itself is broken, and says where.
    if (!wrong.key.empty()) {
      EXPECT_EQ(json["line"], wrong.line) << text << checked.error;
      EXPECT_EQ(json["key"], wrong.key) << text << checked.error;
    }
    std::string rule(wrong.rule);
    if (const std::size_t at = rule.find('@'); at != std::string::npos) {
      const std::size_t end = rule.find('@', at + 1);
      rule.replace(at, end - at + 1, path(rule.substr(at + 1, end - at - 1)));
    }
    EXPECT_TRUE(json["rule"].get<std::string>().starts_with(rule)) << text << json["rule"] << " instead of " << rule;
    EXPECT_EQ(json["errors"].size(), 1U) << text << checked.error;
  }
}

TEST_F(ConfigTest, AllErrorsAreSaidAtOnce) {
  configure(file_of("", "", "node = \"1\"\n[smtp]\nsize_max = \"26MiB\"\nlissen = \"x\"\n"));
  write("etc/pushmail/conf.d/more.toml", "[schedule]\nround = \"soon\"\n");
  const Ran keys = ctl({"config", "check"});
  EXPECT_EQ(keys.code, EX_CONFIG);
  const std::string first = path("etc/pushmail/pushmail.toml"), second = path("etc/pushmail/conf.d/more.toml");
  for (const std::string& line :
       {first + ":6: node: ", first + ":8: smtp.size_max: ", first + ":9: smtp.lissen: ", second + ":2: schedule.round: "})
    EXPECT_NE(keys.error.find(line), std::string::npos) << line << "\n" << keys.error;
  EXPECT_EQ(std::ranges::count(keys.error, '\n'), 4);

  std::filesystem::remove(second);
  configure(file_of("@kek@", "@nowhere@",
                    "notify.password_file = \"@long@\"\nrules.file = \"@rules@\"\n" + std::string(peer) + "password_file = \"@open@\"\n"));
  const Json files = Json::parse(ctl({"config", "check", "--json"}).out);
  std::set<std::string> named;
  for (const Json& error : files["errors"]) named.insert(error["key"].get<std::string>());
  EXPECT_EQ(named, (std::set<std::string>{"secrets.kek_file", "notify.password_file", "rules.file", "peer.a.password_file"}));
}

TEST_F(ConfigTest, ShowSaysValueUnitAndPlace) {
  configure(file_of("", "", "[smtp]\nsize_max = \"1MiB\"\n"));
  const Json given = Json::parse(ctl({"config", "show", "smtp", "--json"}).out);
  EXPECT_EQ(given.size(), 1U) << given;
  EXPECT_EQ(given["smtp.size_max"]["value"], "1048576");
  EXPECT_EQ(given["smtp.size_max"]["unit"], "B");
  EXPECT_EQ(given["smtp.size_max"]["from"], path("etc/pushmail/pushmail.toml"));
  EXPECT_EQ(given["smtp.size_max"]["line"], 7);
  const Json all = Json::parse(ctl({"config", "show", "--effective", "smtp", "--json"}).out);
  EXPECT_GT(all.size(), 10U);
  EXPECT_EQ(all["smtp.listen"]["from"], "default");
  EXPECT_EQ(all["smtp.retry_first"]["unit"], "ms");
  EXPECT_FALSE(all.contains("http.listen"));
  const Ran one = ctl({"config", "show", "--effective", "http.listen"});
  EXPECT_EQ(one.out, "KEY          VALUE           UNIT  FROM\nhttp.listen  127.0.0.1:8080        default\n");
  const Ran unknown = ctl({"config", "show", "smtp.lissen"});
  EXPECT_EQ(unknown.code, 1);
  EXPECT_NE(unknown.error.find("did you mean smtp.listen?"), std::string::npos) << unknown.error;
}

TEST_F(ConfigTest, ExplainSaysWhatAKeyMayBe) {
  const Json size = Json::parse(ctl({"config", "explain", "smtp.size_max", "--json"}).out);
  EXPECT_EQ(size["default"], "25MiB");
  EXPECT_EQ(size["least"], "1024B");
  EXPECT_FALSE(size["meaning"].get<std::string>().empty());
  EXPECT_EQ(Json::parse(ctl({"config", "explain", "peer.any.url", "--json"}).out)["default"], "none: it must be given");
  EXPECT_EQ(Json::parse(ctl({"config", "explain", "rules.file", "--json"}).out)["takes_effect"], "at pushmailctl reload and SIGHUP");
  EXPECT_EQ(ctl({"config", "explain", "smtp.lissen"}).code, 1);
}

TEST_F(ConfigTest, DiffNamesWhatDiffers) {
  configure(file_of("", "", "node = 2\n"));
  std::filesystem::create_directories(root_ / "other/etc/pushmail");
  write("other/etc/pushmail/pushmail.toml", file_of("", "", "node = 3\n"));
  const Ran differs = ctl({"config", "diff", path("other")});
  EXPECT_EQ(differs.code, 1);
  EXPECT_EQ(differs.out, "KEY   HERE  THERE\nnode  2     3\n");
  write("other/etc/pushmail/pushmail.toml", file_of("", "", "node = 2\n[smtp]\nlisten = \"127.0.0.1:25\"\n"));
  const Ran same = ctl({"config", "diff", path("other")});
  EXPECT_EQ(same.code, 0) << same.out << same.error;
}

}  // namespace
}  // namespace pushmail::cli
