#include "core/config.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/secret_file.h"
#include "core/storage.h"
#include "core/timers.h"

namespace pushmail {
namespace {

constexpr std::string_view least = R"(domain = "mms.example.net"
link.kind = "kernel"
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
  EXPECT_EQ(to_string(config->endpoint("http.listen")), "127.0.0.1:8080");
  EXPECT_EQ(to_string(config->endpoint("smtp.listen")), "127.0.0.1:25");
  EXPECT_FALSE(config->has("smtp.smart_host"));
  EXPECT_TRUE(config->peers().empty());
  EXPECT_EQ(config->changed().size(), 4U);
}

// A wait that a key sets stands in two tables: as the key's default and in timers.h.
TEST(Config, DefaultsOfWaitsAreThoseOfTheTimers) {
  const auto config = Config::parse(least, "t.toml");
  ASSERT_TRUE(config.has_value());
  EXPECT_EQ(config->duration("smtp.retry_first"), timers::mail_retry.first);
  EXPECT_EQ(config->duration("smtp.retry_most"), timers::mail_retry.most);
  EXPECT_EQ(config->duration("smtp.unknown_retry"), timers::mail_doubt.first);
  EXPECT_EQ(config->duration("smtp.expire"), timers::mail_expire.first);
}

TEST(Config, PeersAreTables) {
  const auto config =
      Config::parse(std::string(least) +
                        "[peer.a]\nurl = \"http://127.0.0.1:1/mm7\"\nservice_number = \"5000\"\nallow = [\"127.0.0.1\"]\n"
                        "[peer.b]\nurl = \"http://127.0.0.1:2/mm7\"\nservice_number = \"6000\"\ninbound = \"open\"\nsender = \"alias\"\n",
                    "t.toml");
  ASSERT_TRUE(config.has_value()) << config.error().message();
  EXPECT_EQ(config->peers(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(config->number("peer.a.sender_refused"), 4007);
  EXPECT_EQ(config->duration("peer.a.retry_first"), timers::submit_retry.first);
  EXPECT_EQ(config->duration("peer.a.retry_most"), timers::submit_retry.most);
  EXPECT_EQ(config->texts("peer.a.allow"), std::vector<std::string>{"127.0.0.1"});
  EXPECT_EQ(config->text("peer.b.sender"), "alias");
  EXPECT_EQ(config->texts("peer.b.sender_forms"), std::vector<std::string>{"number"});
  EXPECT_EQ(config->networks("peer.a.allow"), std::vector<IpNetwork>{parse_network("127.0.0.1").value()});
  EXPECT_EQ(open_peers(*config), std::vector<std::string>{"b"});
}

TEST(Config, NothingIsOpenThatTheFileDoesNotSayIsOpen) {
  const std::string peer = std::string(least) + "[peer.x]\nurl = \"http://127.0.0.1/\"\nservice_number = \"5000\"\n";
  const auto message_of = [&](const std::string& more) {
    const auto config = Config::parse(peer + more, "t.toml");
    return config ? std::string() : config.error().message();
  };
  const std::string nothing = "t.toml:7: peer.x.inbound: nothing authenticates this peer";
  for (const std::string more : {"", "user = \"u\"\npassword_file = \"/f\"\n", "allow = []\n", "allow = [\"0.0.0.0/0\"]\n",
                                 "allow = [\"192.0.2.0/24\", \"::/0\"]\n"}) {
    EXPECT_TRUE(message_of(more).starts_with(nothing)) << more << message_of(more);
    EXPECT_EQ(message_of(more + "inbound = \"open\"\n"), "");
  }
  EXPECT_EQ(message_of("allow = [\"192.0.2.0/24\"]\n"), "");
  EXPECT_EQ(message_of("inbound_user = \"u\"\ninbound_password_file = \"/f\"\n"), "");
  // Half of a credential is none.
  EXPECT_EQ(message_of("inbound_user = \"u\"\n"), "t.toml:7: peer.x.inbound_password_file: must be given with inbound_user");
  EXPECT_EQ(message_of("inbound_password_file = \"/f\"\n"), "t.toml:7: peer.x.inbound_user: must be given with inbound_password_file");
  EXPECT_TRUE(message_of("allow = [\"0177.0.0.1\"]\n").starts_with("t.toml:9: peer.x.allow: \"0177.0.0.1\" is neither"));
  EXPECT_TRUE(message_of("inbound = \"open\"\nsender_forms = [\"mail\"]\n").starts_with("t.toml:10: peer.x.sender_forms: "));
  EXPECT_TRUE(message_of("inbound = \"open\"\nsender_forms = []\n").starts_with("t.toml:10: peer.x.sender_forms: "));
  EXPECT_EQ(message_of("inbound = \"open\"\nsender_forms = [\"number\", \"rfc2822\", \"mail:mms.example.net\"]\n"), "");
}

TEST(Config, NumberingIsDigitsThatFitTogether) {
  const auto message_of = [](const std::string& numbering) {
    const auto config = Config::parse(
        "domain = \"mms.example.net\"\nlink.kind = \"kernel\"\n[notify]\nsmsc = \"127.0.0.1:1\"\nsource = \"5\"\n[numbering]\n" + numbering,
        "t.toml");
    return config ? std::string() : config.error().message();
  };
  struct Row {
    std::string numbering, key;  // key empty: it is good
  };
  for (const Row& row :
       {Row{"country_code = \"49\"\n", ""}, Row{"country_code = \"+49\"\n", "country_code"},
        Row{"country_code = \"049\"\n", "country_code"}, Row{"country_code = \"4912\"\n", "country_code"}, Row{"trunk_prefix = \"\"\n", ""},
        Row{"trunk_prefix = \"x\"\n", "trunk_prefix"}, Row{"international_prefixes = [\"00\", \"011\"]\n", ""},
        Row{"international_prefixes = [\"+\"]\n", "international_prefixes"}, Row{"short_codes = [\"112\", \"40404\"]\n", ""},
        Row{"short_codes = [\"#31\"]\n", "short_codes"}, Row{"national_length = \"10\"\n", ""}, Row{"national_length = \"7-11\"\n", ""},
        Row{"national_length = \"11-7\"\n", "national_length"}, Row{"national_length = \"2\"\n", "national_length"},
        Row{"national_length = \"7-\"\n", "national_length"}, Row{"national_length = \"long\"\n", "national_length"},
        Row{"bare = \"national\"\n", "bare"}, Row{"bare = \"national\"\ncountry_code = \"1\"\n", "bare"},
        Row{"bare = \"national\"\ncountry_code = \"1\"\nnational_length = \"10\"\n", ""}}) {
    const std::string message = message_of(row.numbering);
    EXPECT_EQ(message.empty(), row.key.empty()) << row.numbering << message;
    if (!row.key.empty()) {
      EXPECT_NE(message.find("numbering." + row.key + ": "), std::string::npos) << message;
    }
  }
}

TEST(Config, MailAddressesAreAddresses) {
  const auto message_of = [](const std::string& domain, const std::string& smtp) {
    const auto config = Config::parse(
        "domain = \"" + domain + "\"\nlink.kind = \"kernel\"\n[notify]\nsmsc = \"127.0.0.1:1\"\nsource = \"5\"\n[smtp]\n" + smtp, "t.toml");
    return config ? std::string() : config.error().message();
  };
  for (const char* domain : {"mms.example\\r\\nRCPT TO:<x>", "", "a b", "127.0.0.1", "mms..example"}) {
    EXPECT_EQ(message_of(domain, ""), "t.toml:1: domain: must be a host name, mms.example.net") << domain;
  }
  EXPECT_EQ(message_of("d.example", "smart_host = \"127.0.0.1:25\"\npostmaster = \"ann@example.com\"\n"), "");
  for (const char* bad : {"ann", "@example.com", "ann@", "ann@example.com\\r\\n", "ann@d.example"}) {
    EXPECT_TRUE(message_of("d.example", "smart_host = \"127.0.0.1:25\"\npostmaster = \"" + std::string(bad) + "\"\n")
                    .starts_with("t.toml:8: smtp.postmaster: "))
        << bad;
  }
  EXPECT_TRUE(message_of("d.example", "postmaster = \"ann@example.com\"\n").ends_with("needs smtp.smart_host, which takes its mail"));
}

TEST(Config, TlsHasWhatItNeeds) {
  const auto message_of = [](const std::string& more) {
    const auto config = Config::parse(
        "domain = \"d.example\"\nlink.kind = \"kernel\"\n[notify]\nsmsc = \"127.0.0.1:1\"\nsource = \"5\"\n" + more, "t.toml");
    return config ? std::string() : config.error().message();
  };
  const std::string peer = "[peer.x]\nservice_number = \"5000\"\ninbound = \"open\"\n";
  const std::string listens = "[tls]\ncertificate = \"/c\"\nkey = \"/k\"\n[http]\ntls_listen = \"127.0.0.1:443\"\n";
  // Nothing but the certificate authenticates it.
  const std::string certified = "[peer.x]\nservice_number = \"5000\"\nurl = \"http://x.example/\"\n";
  struct Row {
    std::string more, key;  // key empty: it is good
  };
  for (const Row& row :
       {Row{"[tls]\ncertificate = \"/c\"\nkey = \"/k\"\n[http]\ntls_listen = \"127.0.0.1:443\"\n", ""},
        Row{"[tls]\ncertificate = \"/c\"\n", "tls.key"},
        Row{"[tls]\nkey = \"/k\"\n", "tls.certificate"},
        Row{"[http]\ntls_listen = \"127.0.0.1:443\"\n", "http.tls_listen"},
        Row{"[smtp]\ntls_listen = \"127.0.0.1:465\"\n", "smtp.tls_listen"},
        Row{"[tls]\ncertificate = \"/c\"\nkey = \"/k\"\n[smtp]\ntls_listen = \"127.0.0.1:25\"\n", "smtp.tls_listen"},
        Row{"[smtp]\nsmart_host = \"127.0.0.1:25\"\nsmart_host_tls = \"starttls\"\nsmart_host_name = \"mx.example\"\n", ""},
        Row{"[smtp]\nsmart_host_tls = \"implicit\"\n", "smtp.smart_host_tls"},
        Row{"[smtp]\nsmart_host = \"127.0.0.1:25\"\nsmart_host_tls = \"opportunistic\"\n", "smtp.smart_host_tls"},
        Row{"[smtp]\nsmart_host_name = \"a b\"\n", "smtp.smart_host_name"},
        Row{peer + "url = \"https://x.example/\"\ntls_certificate = \"/c\"\ntls_key = \"/k\"\ntls_ca = \"/a\"\n", ""},
        Row{peer + "url = \"https://x.example/\"\ntls_certificate = \"/c\"\n", "peer.x.tls_key"},
        Row{peer + "url = \"https://x.example/\"\ntls_key = \"/k\"\n", "peer.x.tls_certificate"},
        Row{peer + "url = \"http://x.example/\"\ntls_ca = \"/a\"\n", "peer.x.tls_ca"},
        Row{listens + certified + "inbound_certificate = \"mmsc.example\"\ntls_ca = \"/a\"\n", ""},
        Row{listens + certified + "inbound_certificate = \"sha256:" + std::string(64, 'a') + "\"\n", ""},
        Row{listens + certified + "inbound_certificate = \"sha256:" + std::string(63, 'a') + "\"\n", "peer.x.inbound_certificate"},
        Row{listens + certified + "inbound_certificate = \"CN=mmsc\"\n", "peer.x.inbound_certificate"},
        Row{listens + certified, "peer.x.inbound"},
        Row{certified + "inbound_certificate = \"mmsc.example\"\n", "peer.x.inbound_certificate"}}) {
    const std::string message = message_of(row.more);
    EXPECT_EQ(message.empty(), row.key.empty()) << row.more << message;
    if (!row.key.empty()) {
      EXPECT_NE(message.find(row.key + ": "), std::string::npos) << message;
    }
  }
}

// What a bearer does not give is as [notify] says, and no SMSC is needed there where each bearer has its own.
TEST(Config, BearersInheritWhatTheyDoNotGive) {
  const auto config = Config::parse(
      std::string(least) + "window = 20\n[bearer.one]\n[bearer.two]\nsmsc = \"127.0.0.1:3\"\nwindow = 7\norder = 2\n", "t.toml");
  ASSERT_TRUE(config.has_value()) << config.error().message();
  EXPECT_EQ(config->bearers(), (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(config->number("bearer.one.order"), 1);
  EXPECT_EQ(config->inherited("bearer.one.window"), "notify.window");
  EXPECT_EQ(config->inherited("bearer.two.window"), "bearer.two.window");
  EXPECT_EQ(config->inherited("bearer.one.order"), "bearer.one.order") << "of what [notify] does not have";
  EXPECT_EQ(config->number(config->inherited("bearer.one.window")), 20);
  EXPECT_EQ(config->number(config->inherited("bearer.two.window")), 7);
  for (const ConfigKey& key : config_keys()) {
    if (!key.path.starts_with("bearer.*.") || !key.default_value.empty()) continue;
    const ConfigKey* other = inherited_key(key);
    ASSERT_NE(other, nullptr) << key.path;
    EXPECT_EQ(other->type, key.type) << key.path;
    EXPECT_EQ(other->words, key.words) << key.path;
    EXPECT_EQ(std::tuple(other->least, other->most), std::tuple(key.least, key.most)) << key.path;
  }
  constexpr std::string_view without = "domain = \"d.example\"\nlink.kind = \"kernel\"\nnotify.source = \"5\"\n";
  EXPECT_EQ(Config::parse(without, "t.toml").error().message(), "t.toml:3: notify.smsc: must be given, or a [bearer.NAME]");
  EXPECT_EQ(Config::parse(std::string(without) + "[bearer.one]\n", "t.toml").error().message(), "t.toml:4: bearer.one.smsc: must be given");
  EXPECT_EQ(Config::parse(std::string(without) + "[bearer.\"no name\"]\nsmsc = \"127.0.0.1:1\"\n", "t.toml").error().message(),
            "t.toml:5: bearer.no name.smsc: the name of a bearer is letters, digits, - and _, 32 at most");
  EXPECT_TRUE(Config::parse(std::string(without) + "[bearer.one]\nsmsc = \"127.0.0.1:1\"\n", "t.toml").has_value());
}

TEST(Config, TheLinkIsNamed) {
  constexpr std::string_view without = "domain = \"d.example\"\n[notify]\nsmsc = \"127.0.0.1:1\"\nsource = \"5\"\n";
  EXPECT_EQ(Config::parse(without, "t.toml").error().message(), "t.toml:0: link.kind: must be given");
  EXPECT_EQ(Config::parse(std::string(without) + "[link]\nkind = \"fast\"\n", "t.toml").error().message(),
            "t.toml:6: link.kind: must be one of kernel|dpdk, got \"fast\"");
}

struct Bad {
  std::string_view toml;
  std::string_view message;
};

TEST(Config, SaysFileLineKeyAndRule) {
  const std::string base(least);
  for (const Bad& bad : {
           Bad{"[smtp]\nsize_max = \"25\"\n", "t.toml:7: smtp.size_max: must be a number and a unit (KiB, MiB, GiB, B), got \"25\""},
           Bad{"[smtp]\nsize_max = 25\n", "t.toml:7: smtp.size_max: must be text in quotes"},
           Bad{"[smtp]\nsize_max = \"26MiB\"\n", "t.toml:7: smtp.size_max: must be at most 26214400"},
           Bad{"[smtp]\nlissen = \"0.0.0.0:25\"\n", "t.toml:7: smtp.lissen: unknown key; did you mean smtp.listen?"},
           Bad{"[smtp]\nsize = \"1MiB\"\n", "t.toml:7: smtp.size: unknown key; did you mean smtp.size_max?"},
           Bad{"[smpt]\nlisten = \"0.0.0.0:25\"\n", "t.toml:6: smpt: unknown table"},
           Bad{"[peer.x]\nservice_number = \"1\"\n", "t.toml:6: peer.x.url: must be given"},
           Bad{"node = \n", "t.toml:6: "},
           Bad{"[http]\nlisten = \"nowhere\"\n", "t.toml:7: http.listen: must be address:port, got \"nowhere\""},
           Bad{"[worker]\npoll = true\n", "t.toml:7: worker.poll: must be text in quotes"},
       }) {
    const auto config = Config::parse(base + std::string(bad.toml), "t.toml");
    ASSERT_FALSE(config.has_value()) << bad.toml;
    EXPECT_TRUE(config.error().message().starts_with(bad.message)) << config.error().message();
  }
}

TEST(Config, SampleIsReadable) {
  std::string sample = sample_config();
  for (const auto& [from, to] : {std::pair<std::string, std::string>{"domain = \"\"", "domain = \"x.example\""},
                                 {"url = \"\"", "url = \"http://127.0.0.1/\""},
                                 {"service_number = \"\"", "service_number = \"5000\"\nallow = [\"192.0.2.1\"]"},
                                 {"kind = \"\"", "kind = \"kernel\""},
                                 {"smsc = \"\"", "smsc = \"127.0.0.1:1\""},
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
  const auto missing = read_secret_file(path);
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().text, path + ": cannot be read: No such file or directory");
  EXPECT_EQ(missing.error().exit_code(), exit_configuration);
}

TEST(Config, ASecretMayHaveOneGroupOfReaders) {
  const std::string path = fmt::format("{}/pushmail_secret_{}", ::testing::TempDir(), ::getpid());
  std::ofstream(path) << "hidden\n";
  struct stat info{};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  const auto can_read = [&](mode_t mode, std::optional<gid_t> readers) {
    ::chmod(path.c_str(), mode);
    return read_file(system_storage(), path, {.secret = true, .readers = readers}).has_value();
  };
  EXPECT_TRUE(can_read(0440, info.st_gid));
  EXPECT_TRUE(can_read(0400, info.st_gid));
  EXPECT_FALSE(can_read(0440, std::nullopt));
  EXPECT_FALSE(can_read(0440, info.st_gid + 1));
  for (const mode_t mode : {0460, 0450, 0444, 0441}) EXPECT_FALSE(can_read(mode, info.st_gid)) << mode;
  // A key is its owner's alone, whatever group it has.
  ::chmod(path.c_str(), 0440);
  EXPECT_FALSE(read_secret_bytes(path).has_value());
  std::filesystem::remove(path);
}

// A shortage of the machine is tried again by its service manager (71); what a person must mend is not (78).
TEST(StartErrors, ShortageIsNotContent) {
  for (const int os : {EIO, EMFILE, ENFILE, ENOMEM, ENOSPC, EAGAIN, EINTR}) EXPECT_EQ(start_exit_code(os), exit_system) << os;
  for (const int os : {0, ENOENT, EACCES, ENOTDIR, EISDIR, ELOOP}) EXPECT_EQ(start_exit_code(os), exit_configuration) << os;
}

// What cannot be listed may say anything: it is not the same as nothing.
TEST(Config, AFolderOfMoreFilesThatCannotBeReadIsNoStart) {
  const auto root = std::filesystem::path(::testing::TempDir()) / fmt::format("pushmail_confd_{}", ::getpid());
  std::filesystem::create_directories(root / "etc/pushmail");
  std::ofstream(root / "etc/pushmail/pushmail.toml") << least;
  ASSERT_TRUE(Config::load(root).has_value());
  std::ofstream(root / "etc/pushmail/conf.d") << "a file where a folder is meant\n";
  const auto refused = Config::load(root);
  ASSERT_FALSE(refused.has_value());
  EXPECT_TRUE(refused.error().message().ends_with("conf.d:0: cannot be read: Not a directory")) << refused.error().message();
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace pushmail
