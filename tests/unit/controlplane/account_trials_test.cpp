// New bindings' accounts: what is asked of the fetcher, and what each of its words, or none, means for the binding.
#include "controlplane/account_trials.h"

#include "controlplane/binding/errors.h"
#include "tests/unit/controlplane/world.h"

namespace pushmail {
namespace {

using api::AccountTrial;
using mailbox::Kind;
using mailbox::Tag;

class HandResolver final : public Resolver {
 public:
  Result<std::vector<IpAddress>> answer = std::vector{IpAddress::v4(0x08080808)};
  void resolve(const std::string&, Answer reply) override { reply(answer); }
};

struct AccountTrialsTest : World {
  HandResolver resolver;
  AccountTrials trials{{clock, settings, resolver, fetchers}};
  std::vector<AccountTrial> replies;

  void start(const std::string& host = "mail.example") {
    Binding binding;
    binding.host = host;
    binding.port = 993;
    binding.user = "ann";
    trials.start(binding, "secret", [this](AccountTrial trial) { replies.push_back(std::move(trial)); });
  }
  void say(const SentRecord& asked, std::string_view state, std::string_view reason) {
    auto record = make(Kind::probed, {});
    record.text(tag(Tag::binding), *asked.view().text(tag(Tag::binding))).text(tag(Tag::state), state).text(tag(Tag::reason), reason);
    trials.on_probed(from_fetcher(std::move(record), Kind::probed).view());
  }
};

TEST_F(AccountTrialsTest, EachStateHasItsMeaning) {
  struct Row {
    const char* state;
    AccountTrial::Works works;
    const char* field;
  };
  for (const Row& row : {Row{"ready", AccountTrial::Works::yes, ""}, Row{"auth_failed", AccountTrial::Works::no, "password"},
                         Row{"tls_failed", AccountTrial::Works::no, "tls"}, Row{"protocol_error", AccountTrial::Works::no, "host"},
                         Row{"unreachable", AccountTrial::Works::unknown, ""}, Row{"closed", AccountTrial::Works::unknown, ""}}) {
    fetchers.sent.clear();
    replies.clear();
    start();
    ASSERT_EQ(fetchers.of(Kind::probe).size(), 1U);
    const SentRecord asked = fetchers.of(Kind::probe)[0];
    EXPECT_EQ(asked.view().text(tag(Tag::address)), "8.8.8.8:993");
    EXPECT_EQ(asked.view().text(tag(Tag::password)), "secret");
    EXPECT_TRUE(replies.empty());
    say(asked, row.state, "NO words");
    ASSERT_EQ(replies.size(), 1U) << row.state;
    EXPECT_EQ(replies[0].works, row.works) << row.state;
    EXPECT_EQ(replies[0].field, row.field) << row.state;
    if (row.works != AccountTrial::Works::yes) {
      EXPECT_EQ(replies[0].text, "NO words");
    }
    say(asked, row.state, "again");
    EXPECT_EQ(replies.size(), 1U) << "answered once";
  }
}

TEST_F(AccountTrialsTest, WhatTheServerAsksForIsPassedOn) {
  start();
  const SentRecord asked = fetchers.of(Kind::probe)[0];
  auto record = make(Kind::probed, {});
  record.text(tag(Tag::binding), *asked.view().text(tag(Tag::binding))).text(tag(Tag::state), "busy").u64(tag(Tag::pause), 45'210);
  trials.on_probed(from_fetcher(std::move(record), Kind::probed).view());
  ASSERT_EQ(replies.size(), 1U);
  EXPECT_EQ(replies[0].works, AccountTrial::Works::unknown);
  EXPECT_EQ(replies[0].state, "busy");
  EXPECT_EQ(replies[0].wait, milliseconds(45'210));
}

TEST_F(AccountTrialsTest, SilenceEndsIt) {
  start();
  trials.tick();
  EXPECT_TRUE(replies.empty());
  clock.pass(seconds(25));
  trials.tick();
  ASSERT_EQ(replies.size(), 1U);
  EXPECT_EQ(replies[0].works, AccountTrial::Works::unknown);
  say(fetchers.of(Kind::probe)[0], "auth_failed", "too late");
  EXPECT_EQ(replies.size(), 1U);
}

TEST_F(AccountTrialsTest, HostsThatCannotBeAskedAreToldApart) {
  resolver.answer = std::unexpected(Error{&binding_no_address});
  start();
  resolver.answer = std::unexpected(Error{&binding_dns_failed});
  start();
  resolver.answer = std::vector{IpAddress::v4(0x0A000001)};
  start();
  fetchers.up = false;
  resolver.answer = std::vector{IpAddress::v4(0x0A000001), IpAddress::v4(0x08080808)};
  start();
  ASSERT_EQ(replies.size(), 4U);
  EXPECT_EQ(replies[0].works, AccountTrial::Works::no) << "there is no such host";
  EXPECT_EQ(replies[0].field, "host");
  EXPECT_EQ(replies[1].works, AccountTrial::Works::unknown) << "DNS is in trouble";
  EXPECT_EQ(replies[2].works, AccountTrial::Works::no) << "a private network";
  EXPECT_EQ(replies[3].works, AccountTrial::Works::unknown) << "the fetcher is being restarted";
  EXPECT_TRUE(fetchers.of(Kind::probe).empty());
}

TEST_F(AccountTrialsTest, TheFetcherIsToldWhatTheProviderNeeds) {
  settings.providers = Providers::built_in();
  start("imap.163.com");
  start("imap.mail.yahoo.com");
  const auto asked = fetchers.of(Kind::probe);
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(asked[0].view().u64(tag(Tag::no_idle)), 1U);
  EXPECT_EQ(asked[0].view().text(tag(Tag::refresh)), "status");
  EXPECT_EQ(asked[0].view().u64(tag(Tag::refresh_every)), 55'000U);
  EXPECT_EQ(asked[0].view().u64(tag(Tag::say_id)), 1U);
  EXPECT_EQ(asked[1].view().u64(tag(Tag::idle_break)), 180'000U);
  EXPECT_FALSE(asked[1].view().text(tag(Tag::refresh)));
}

}  // namespace
}  // namespace pushmail
