// Bindings: what is refused and why, secrets that open only where they belong, and which hosts may be reached.
#include "controlplane/binding/bindings.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "controlplane/binding/errors.h"
#include "controlplane/store/sqlite_store.h"

namespace pushmail {
namespace {

class FixedClock final : public Clock {
 public:
  [[nodiscard]] Timestamp wall() const override { return {1'795'000'000'000'000}; }
  [[nodiscard]] Instant now() const override { return {1}; }
};

constexpr std::array<std::uint8_t, 32> kek{1, 2, 3};

BindingRequest good() {
  return {.fields = {{"msisdn", "+15550100002"},
                     {"mail_address", "ann@Box.Example"},
                     {"display_name", "Änn"},
                     {"host", "mail.example.com"},
                     {"user", "ann"}},
          .password = "secret"};
}

struct BindingsTest : ::testing::Test {
  FixedClock clock;
  std::unique_ptr<Store> store = open_sqlite_store(":memory:").value();
  Sealer sealer{kek};
  Bindings bindings{
      *store, sealer, clock, {.egress = EgressPolicy::from(std::vector<std::string>{"10.9.0.0/16"}).value(), .peers = {"mmsc"}}};
};

TEST_F(BindingsTest, AGoodOneIsStoredWithDefaultsAndASealedPassword) {
  const auto added = bindings.add(good());
  ASSERT_TRUE(added) << added.error().text;
  EXPECT_EQ(added->msisdn.digits(), "15550100002");
  EXPECT_EQ(added->mail_address, "ann@box.example");
  EXPECT_EQ(added->port, 993);
  EXPECT_EQ(added->peer, "mmsc");
  EXPECT_EQ(added->policy, Policy::ask);
  const auto stored = store->binding(added->id).value();
  ASSERT_TRUE(stored);
  const std::string_view sealed = text_of(ByteView(stored->sealed_password));
  EXPECT_EQ(sealed.find("secret"), std::string_view::npos);
  EXPECT_EQ(sealer.unseal(added->id, stored->sealed_password).value(), "secret");
}

TEST_F(BindingsTest, WhatIsNotNamedStays) {
  const auto added = bindings.add(good());
  ASSERT_TRUE(added);
  const auto fixed = bindings.set(added->id, {{"mode", "fixed"}, {"times", "07:00,12:30"}, {"zone", "Europe/Berlin"}});
  ASSERT_TRUE(fixed) << fixed.error().text;
  const auto pushed = bindings.set(added->id, {{"policy", "push"}, {"mark", "none"}});
  ASSERT_TRUE(pushed) << pushed.error().text;
  const Binding stored = store->binding(added->id).value().value();
  EXPECT_EQ(stored.policy, Policy::push);
  EXPECT_EQ(stored.mark, MarkPolicy::none);
  EXPECT_EQ(stored.mode, WatchMode::fixed);
  EXPECT_EQ(stored.times, "07:00,12:30");
  EXPECT_EQ(stored.zone, "Europe/Berlin");
  EXPECT_EQ(stored.host, added->host);
  EXPECT_EQ(stored.port, added->port);
  EXPECT_EQ(sealer.unseal(added->id, stored.sealed_password).value(), "secret");
  const auto idle = bindings.set(added->id, {{"mode", "idle"}});
  ASSERT_TRUE(idle) << "the times of day go with their mode: " << idle.error().text;
  EXPECT_EQ(idle->times, "");

  EXPECT_EQ(bindings.set(added->id, {{"policy", "maybe"}}).error().field, "policy");
  EXPECT_EQ(bindings.set(added->id, {{"times", "07:00"}}).error().field, "times");
  EXPECT_EQ(bindings.set(added->id, {{"zone", "Europe/Nowhere"}}).error().field, "zone");
  EXPECT_EQ(bindings.set(added->id, {{"peer", "other"}}).error().field, "peer");
  EXPECT_EQ(bindings.set("bNONE", {{"policy", "push"}}).error().kind, Problem::Kind::not_found);
  EXPECT_EQ(store->binding(added->id).value()->policy, Policy::push) << "what is refused changes nothing";
}

TEST_F(BindingsTest, EachBadFieldIsNamed) {
  struct Row {
    const char* field;
    std::function<void(BindingRequest&)> spoil;
  };
  const std::vector<Row> rows{
      {"msisdn", [](auto& r) { r.fields["msisdn"] = "12"; }},
      {"msisdn", [](auto& r) { r.fields["msisdn"] = "+0155501000"; }},
      {"msisdn", [](auto& r) { r.fields["msisdn"] = "1555010000a"; }},
      {"mail_address", [](auto& r) { r.fields["mail_address"] = "ann"; }},
      {"mail_address", [](auto& r) { r.fields["mail_address"] = "Ann <ann@box.example>"; }},
      {"mail_address", [](auto& r) { r.fields["mail_address"] = "a\r\nDATA@x.example"; }},
      {"display_name", [](auto& r) { r.fields["display_name"] = "Ann\r\nBcc: x@y"; }},
      {"user", [](auto& r) { r.fields["user"] = "a\r\n9 DELETE INBOX"; }},
      {"user", [](auto& r) { r.fields["user"] = ""; }},
      {"password", [](auto& r) { r.password = "x\ny"; }},
      {"password", [](auto& r) { r.password = ""; }},
      {"folder", [](auto& r) { r.fields["folder"] = std::string("IN\0BOX", 6); }},
      {"folder", [](auto& r) { r.fields["folder"] = std::string(256, 'x'); }},
      {"host", [](auto& r) { r.fields["host"] = ""; }},
      {"host", [](auto& r) { r.fields["host"] = "mail example"; }},
      {"host", [](auto& r) { r.fields["host"] = "-x..y"; }},
      {"host", [](auto& r) { r.fields["host"] = "127.0.0.1"; }},
      {"host", [](auto& r) { r.fields["host"] = "169.254.169.254"; }},
      {"host", [](auto& r) { r.fields["host"] = "10.8.0.1"; }},
      {"host", [](auto& r) { r.fields["host"] = "::1"; }},
      {"port", [](auto& r) { r.fields["port"] = "65536"; }},
      {"protocol", [](auto& r) { r.fields["protocol"] = "ftp"; }},
      {"tls", [](auto& r) { r.fields["tls"] = "maybe"; }},
      {"mode", [](auto& r) { r.fields["mode"] = "often"; }},
      {"mode", [](auto& r) { r.fields["protocol"] = "pop3", r.fields["mode"] = "idle"; }},
      {"times", [](auto& r) { r.fields["mode"] = "fixed"; }},
      {"times", [](auto& r) { r.fields["mode"] = "fixed", r.fields["times"] = "25:00"; }},
      {"times", [](auto& r) { r.fields["times"] = "07:00"; }},
      {"zone", [](auto& r) { r.fields["zone"] = "Mars/Olympus"; }},
      {"policy", [](auto& r) { r.fields["policy"] = "never"; }},
      {"mark", [](auto& r) { r.fields["mark"] = "burn"; }},
      {"peer", [](auto& r) { r.fields["peer"] = "other"; }},
  };
  for (const Row& row : rows) {
    BindingRequest request = good();
    row.spoil(request);
    const auto added = bindings.add(request);
    ASSERT_FALSE(added) << row.field;
    EXPECT_EQ(added.error().field, row.field) << added.error().text;
  }
  EXPECT_TRUE(store->bindings("", 100).value().empty());
}

TEST_F(BindingsTest, OnceOnlyAndRemovable) {
  const auto added = bindings.add(good());
  ASSERT_TRUE(added);
  const auto again = bindings.add(good());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, Problem::Kind::conflict);
  ASSERT_TRUE(bindings.remove(added->id));
  EXPECT_TRUE(store->binding(added->id).value()->sealed_password.empty()) << "the secret goes with the binding";
  EXPECT_EQ(bindings.find(added->id).error().kind, Problem::Kind::not_found);
  EXPECT_TRUE(bindings.add(good()));
}

// Two numbers at one mailbox: only if somebody says that it is meant, and no more than its provider takes.
TEST_F(BindingsTest, OneMailboxForTwoNumbersIsRefusedUnlessTheOperatorAllowsIt) {
  const auto first = bindings.add(good());
  ASSERT_TRUE(first);
  BindingRequest second = good();
  second.fields["msisdn"] = "+15550100003";
  second.fields["host"] = "Mail.Example.Com";
  second.fields["user"] = "Ann";
  const auto refused = bindings.add(second);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Problem::Kind::conflict);
  EXPECT_EQ(refused.error().field, "user");
  EXPECT_NE(refused.error().text.find(first->id), std::string::npos) << "with whom it would be shared: " << refused.error().text;
  // Another folder, user, port or protocol is another mailbox.
  for (const auto& change : std::vector<std::function<void(BindingRequest&)>>{
           [](auto& r) { r.fields["folder"] = "Work"; }, [](auto& r) { r.fields["user"] = "bob"; },
           [](auto& r) { r.fields["port"] = "1993"; }, [](auto& r) { r.fields["protocol"] = "pop3"; }}) {
    BindingRequest other = second;
    change(other);
    EXPECT_TRUE(bindings.check_new(other));
  }
  second.shared = true;
  EXPECT_TRUE(bindings.add(second));
  second.shared = false;
  second.fields["msisdn"] = "+15550100004";
  EXPECT_FALSE(bindings.add(second)) << "each of them is allowed by itself";
  const auto listed = bindings.list("", 100).value();
  for (const Binding& binding : listed) ASSERT_TRUE(bindings.remove(binding.id));
  EXPECT_TRUE(bindings.add(second)) << "what is removed is bound no more";
}

TEST_F(BindingsTest, AProviderTakesSoManyConnectionsToOneMailbox) {
  const auto providers = Providers::parse("[[provider]]\nname = \"Small\"\nhosts = [\"example.com\"]\nconnections = 2\n");
  ASSERT_TRUE(providers);
  Bindings some{*store, sealer, clock, {.providers = *providers, .peers = {"mmsc"}}};
  for (int i = 0; i < 3; ++i) {
    BindingRequest request = good();
    request.fields["msisdn"] = "+1555010000" + std::to_string(i + 2);
    request.shared = true;
    const auto added = some.add(request);
    EXPECT_EQ(added.has_value(), i < 2) << i;
    if (!added) {
      EXPECT_EQ(added.error().text, "Small takes 2 connections to one mailbox, and 2 numbers are bound to it");
    }
  }
}

TEST_F(BindingsTest, APasswordCanBeReplaced) {
  const auto added = bindings.add(good());
  ASSERT_TRUE(bindings.set_password(added->id, "other"));
  EXPECT_EQ(sealer.unseal(added->id, store->binding(added->id).value()->sealed_password).value(), "other");
  EXPECT_FALSE(bindings.set_password(added->id, "a\r\nb"));
  EXPECT_FALSE(bindings.set_password("bNONE", "x"));
}

TEST(Seal, OpensOnlyWithItsKeyAndItsBinding) {
  const Sealer sealer(kek);
  const Bytes sealed = sealer.seal("b1", "pässword").value();
  EXPECT_EQ(sealer.unseal("b1", sealed).value(), "pässword");
  EXPECT_NE(sealer.seal("b1", "pässword").value(), sealed) << "a fresh key and nonce each time";
  EXPECT_FALSE(sealer.unseal("b2", sealed));
  EXPECT_FALSE(Sealer({9}).unseal("b1", sealed));
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    Bytes spoiled = sealed;
    spoiled[i] ^= 1;
    EXPECT_FALSE(sealer.unseal("b1", spoiled)) << i;
    EXPECT_FALSE(sealer.unseal("b1", ByteView(sealed).first(i)));
  }
}

TEST(Seal, KeyFiles) {
  const auto path = std::filesystem::temp_directory_path() / ("pushmail-kek-" + to_string(new_item_id({}, 0)));
  const auto open_with = [&](const std::string& content, mode_t mode) {
    std::filesystem::remove(path);
    std::ofstream(path) << content;
    ::chmod(path.c_str(), mode);
    return Sealer::open(path);
  };
  const auto raw = open_with(std::string(32, 'k'), 0400);
  ASSERT_TRUE(raw) << raw.error().text;
  const auto hex = open_with(
      [] {
        std::string text;
        for (int i = 0; i < 32; ++i) text += "6b";
        return text + "\n";
      }(),
      0400);
  ASSERT_TRUE(hex) << hex.error().text;
  EXPECT_EQ(hex->unseal("b", raw->seal("b", "x").value()).value(), "x");
  EXPECT_FALSE(open_with(std::string(31, 'k'), 0400));
  EXPECT_FALSE(open_with(std::string(32, 'k'), 0444)) << "others may read it";
  std::filesystem::remove(path);
  EXPECT_FALSE(Sealer::open(path));
}

TEST(Egress, PublicAddressesAndWhatTheOperatorNames) {
  const auto policy = EgressPolicy::from(std::vector<std::string>{"10.9.0.0/16", "fd00:1::/32", "192.168.7.7"}).value();
  for (const char* allowed : {"8.8.8.8", "198.20.0.1", "2606:4700::1", "10.9.255.255", "fd00:1::5", "192.168.7.7", "172.32.0.1"}) {
    EXPECT_TRUE(policy.allows(parse_ip(allowed).value())) << allowed;
  }
  for (const char* refused : {"10.8.0.1", "127.0.0.1", "0.0.0.0", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.168.7.8",
                              "100.64.0.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fd00:2::1", "ff02::1",
                              "64:ff9b::a00:1", "2002:a00:1::", "::ffff:10.0.0.1"}) {
    EXPECT_FALSE(policy.allows(parse_ip(refused).value())) << refused;
  }
  for (const char* bad : {"10.0.0.0/33", "10.0.0/8", "x", "", "fd00::/129", "10.0.0.0/", "10.0.0.0/8x"}) {
    EXPECT_FALSE(EgressPolicy::from(std::vector<std::string>{bad})) << bad;
  }
}

}  // namespace
}  // namespace pushmail
