// When mailboxes are watched and polled, and that a write that failed loses no mail.
#include "controlplane/watched_mailboxes.h"

#include <sqlite3.h>

#include <algorithm>
#include <filesystem>

#include "controlplane/store/errors.h"
#include "tests/unit/controlplane/world.h"

namespace pushmail {
namespace {

using mailbox::Kind;
using mailbox::Tag;

class FakeResolver final : public Resolver {
 public:
  bool works = true;
  int asked = 0;
  void resolve(const std::string&, Answer answer) override {
    ++asked;
    if (works)
      answer(std::vector{IpAddress::v4(0x08080808)});
    else
      answer(std::unexpected(Error{&store_io}));
  }
};

struct MailboxesTest : World {
  Sealer sealer{std::array<std::uint8_t, 32>{}};
  FakeResolver resolver;
  WatchedMailboxes mailboxes{{*store, clock, settings, sealer, resolver, fetchers}};

  Binding with_password(WatchMode mode = WatchMode::poll) {
    Binding binding = *store->binding("b1").value();
    binding.sealed_password = sealer.seal("b1", "secret").value();
    binding.port = 993;
    binding.mode = mode;
    binding.times = "12:00";
    EXPECT_TRUE(store->update_binding(binding));
    return binding;
  }
  SentRecord polled(const std::string& last_uid) {
    auto record = make(Kind::polled, {});
    record.text(tag(Tag::binding), "b1")
        .u64(tag(Tag::uid_validity), 3)
        .text(tag(Tag::last_uid), last_uid)
        .text(tag(Tag::cursor), "at " + last_uid);
    return from_fetcher(std::move(record), Kind::polled);
  }
};

TEST_F(MailboxesTest, AWriteThatFailedHoldsTheWatermarkUntilAFreshWatch) {
  const Binding binding = with_password();
  mailboxes.on_binding_changed(binding);
  ASSERT_EQ(fetchers.of(Kind::watch).size(), 1U);
  mailboxes.on_polled(polled("5").view());
  ASSERT_EQ(store->mailbox("b1").value().last_uid, "5");

  mailboxes.watch_again("b1");  // mail 6 could not be stored
  EXPECT_TRUE(mailboxes.is_behind("b1"));
  EXPECT_EQ(fetchers.of(Kind::unwatch).size(), 1U);
  mailboxes.on_polled(polled("6").view());
  EXPECT_EQ(store->mailbox("b1").value().last_uid, "5") << "mail 6 is still news";
  mailboxes.on_binding_changed(binding);
  mailboxes.tick();
  EXPECT_EQ(fetchers.of(Kind::watch).size(), 1U) << "the fetcher's old words come first";

  clock.pass(seconds(5));
  mailboxes.tick();
  ASSERT_EQ(fetchers.of(Kind::watch).size(), 2U);
  EXPECT_EQ(fetchers.of(Kind::watch)[1].view().text(tag(Tag::cursor)), "at 5");
  EXPECT_FALSE(mailboxes.is_behind("b1"));
  mailboxes.tick();
  EXPECT_EQ(fetchers.of(Kind::poll).size(), 1U);
}

// At a fetcher's start, when the disk says no: what is not read is not absent.
TEST_F(MailboxesTest, BindingsThatCannotBeReadAreReadLater) {
  const auto folder = std::filesystem::temp_directory_path() / ("pushmail-mailboxes-" + std::to_string(random_u64()));
  std::filesystem::create_directories(folder);
  const auto file = folder / "store";
  auto on_disk = open_sqlite_store(file);
  ASSERT_TRUE(on_disk.has_value());
  ASSERT_TRUE((*on_disk)->add_binding(with_password()));
  ASSERT_EQ((*on_disk)->bindings("", 100).value().size(), 1U);
  WatchedMailboxes there{{**on_disk, clock, settings, sealer, resolver, fetchers}};
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "ALTER TABLE binding RENAME TO away", nullptr, nullptr, nullptr), SQLITE_OK);

  there.watch_all([](std::string_view) { return true; });
  clock.pass(seconds(6));
  there.tick();
  EXPECT_TRUE(fetchers.of(Kind::watch).empty());
  ASSERT_EQ(sqlite3_exec(other, "ALTER TABLE away RENAME TO binding", nullptr, nullptr, nullptr), SQLITE_OK);
  there.tick();
  EXPECT_TRUE(fetchers.of(Kind::watch).empty()) << "not in every turn";
  clock.pass(seconds(6));
  there.tick();
  EXPECT_EQ(fetchers.of(Kind::watch).size(), 1U);
  sqlite3_close(other);
  std::filesystem::remove_all(folder);
}

TEST_F(MailboxesTest, WhatComesAfterTheFirstLookBehindARestoreIsNew) {
  MailboxState state = store->mailbox("b1").value();
  state.restored = clock.at;
  ASSERT_TRUE(store->set_mailbox("b1", state));
  mailboxes.on_polled(polled("5").view());
  EXPECT_EQ(store->mailbox("b1").value().restored, Timestamp{});
}

TEST_F(MailboxesTest, ASuspendedBindingMovesNoWatermark) {
  Binding binding = with_password();
  mailboxes.on_binding_changed(binding);
  mailboxes.on_polled(polled("7").view());
  binding.state = BindingState::suspended;
  ASSERT_TRUE(store->update_binding(binding));
  mailboxes.on_binding_changed(binding);
  mailboxes.on_polled(polled("9").view());
  EXPECT_EQ(store->mailbox("b1").value().last_uid, "7");
}

TEST_F(MailboxesTest, AFixedTimeThatPassedIsDueAtOnceAndOnce) {
  const Binding binding = with_password(WatchMode::fixed);
  MailboxState state;
  state.polled_at = {clock.at.us - seconds(2 * 86'400).us()};
  ASSERT_TRUE(store->set_mailbox("b1", state));
  mailboxes.on_binding_changed(binding);
  fetchers.up = false;
  mailboxes.tick();
  fetchers.up = true;
  clock.pass(seconds(5));
  mailboxes.tick();
  EXPECT_EQ(fetchers.of(Kind::poll).size(), 1U) << "a poll that could not be sent is not over";
  clock.pass(seconds(5));
  mailboxes.tick();
  EXPECT_EQ(fetchers.of(Kind::poll).size(), 1U);
}

TEST_F(MailboxesTest, ANameThatIsNotResolvedIsAskedForAgainInAMinute) {
  resolver.works = false;
  mailboxes.on_binding_changed(with_password());
  EXPECT_EQ(store->mailbox("b1").value().session, "unreachable");
  clock.pass(seconds(59));
  mailboxes.tick();
  EXPECT_EQ(resolver.asked, 1);
  resolver.works = true;
  clock.pass(seconds(1));
  mailboxes.tick();
  EXPECT_EQ(resolver.asked, 2);
  EXPECT_EQ(fetchers.of(Kind::watch).size(), 1U);
}

// ---- mails that the mail server does not hand out

TEST_F(MailboxesTest, AWatermarkBelowAnnouncedMailsNeitherSkipsNorDoubles) {
  mailboxes.on_binding_changed(with_password(WatchMode::idle));
  const auto announce = [&](const std::string& uid, const std::string& last_uid, const std::string& trouble = "") {
    auto record = make(Kind::new_mail, {});
    record.text(tag(Tag::binding), "b1").u64(tag(Tag::uid_validity), 3).text(tag(Tag::uid), uid).text(tag(Tag::last_uid), last_uid);
    record.text(tag(Tag::cursor), "at " + last_uid + " newest " + uid);
    if (!trouble.empty()) record.text(tag(Tag::reason), trouble);
    flows.on_new_mail(from_fetcher(std::move(record), Kind::new_mail).view());
  };
  announce("2", "2");
  announce("4", "2");  // 3 is on trial
  EXPECT_EQ(store->mailbox("b1").value().last_uid, "2");
  // A restart: the fetcher is told where the store stands, and 4 comes again.
  fetchers.sent.clear();
  mailboxes.watch_all([](std::string_view) { return true; });
  ASSERT_EQ(fetchers.of(Kind::watch).size(), 1U) << "b2 has no password";
  const SentRecord sent = fetchers.of(Kind::watch)[0];
  const RecordView watch = sent.view();
  EXPECT_EQ(watch.text(tag(Tag::cursor)), "at 2 newest 4");
  announce("4", "2");
  announce("3", "4", "NO not this one");
  EXPECT_EQ(store->mailbox("b1").value().last_uid, "4");
  const auto all = items();
  ASSERT_EQ(all.size(), 3U) << "one item a mail";
  for (const Item& item : all) {
    const auto rows = store->history(item.id).value();
    const bool told = std::ranges::any_of(rows.front().details, [](const auto& detail) { return detail.first == "without_header"; });
    EXPECT_EQ(told, item.uid == "3");
  }
}

TEST_F(MailboxesTest, SkippedMailsAreCountedWithTheLastReason) {
  for (const std::string uid : {"3", ""}) {
    auto record = make(Kind::skipped, {});
    record.text(tag(Tag::binding), "b1").text(tag(Tag::uid), uid).u64(tag(Tag::count), uid.empty() ? 7 : 1).text(tag(Tag::reason), "why");
    mailboxes.on_skipped(from_fetcher(std::move(record), Kind::skipped).view());
    EXPECT_EQ(store->mailbox("b1").value().skip_reason, uid.empty() ? "why" : "UID 3: why");
  }
  EXPECT_EQ(store->mailbox("b1").value().skipped, 8U);
}

TEST_F(MailboxesTest, AMailThatEndsTheFetcherThreeTimesIsNamedInTheWatch) {
  const Binding binding = with_password();
  mailboxes.on_binding_changed(binding);
  const auto trying = [&](const std::vector<std::string>& uids) {
    auto record = make(Kind::trying, {});
    record.text(tag(Tag::binding), "b1");
    for (const std::string& uid : uids) record.text(tag(Tag::uid), uid);
    mailboxes.on_trying(from_fetcher(std::move(record), Kind::trying).view());
  };
  const auto dies = [&] {
    mailboxes.on_fetcher_lost([](std::string_view) { return true; });
    fetchers.sent.clear();
    mailboxes.watch_all([](std::string_view) { return true; });
    std::vector<std::string> suspects;
    fetchers.of(Kind::watch)[0].view().for_each([&](std::uint16_t field, ByteView value) {
      if (field == tag(Tag::suspect)) suspects.emplace_back(text_of(value));
    });
    return suspects;
  };
  const auto announced = [&](const std::string& uid) {
    auto record = make(Kind::new_mail, {});
    record.text(tag(Tag::binding), "b1").text(tag(Tag::uid), uid);
    mailboxes.on_announced(from_fetcher(std::move(record), Kind::new_mail).view());
  };
  using Texts = std::vector<std::string>;
  trying({"1"});
  trying({});
  EXPECT_EQ(dies(), Texts{}) << "nothing was asked for";
  trying({"2", "3", "4"});
  EXPECT_EQ(dies(), (Texts{"1 2", "1 3", "1 4"}));
  announced("2");
  trying({"3"});
  EXPECT_EQ(dies(), (Texts{"2 3", "1 4"}));
  announced("4");
  trying({"3"});
  EXPECT_EQ(dies(), Texts{"3 3"});
  announced("3");
  EXPECT_EQ(dies(), Texts{"3 3"}) << "its body is not asked for either";
}

// What a fetcher said of an account's log-ins is told to the one after it; what an operator changes begins anew.
TEST_F(MailboxesTest, ANewFetcherIsToldHowTheAccountStands) {
  const Binding binding = with_password();
  mailboxes.on_binding_changed(binding);
  EXPECT_FALSE(fetchers.of(Kind::watch)[0].view().u64(tag(Tag::pause)));
  const auto said = [&](std::string_view state, std::string_view reason, std::uint64_t pause_ms, std::uint64_t failures) {
    auto record = make(Kind::session, {});
    record.text(tag(Tag::binding), "b1").text(tag(Tag::state), state).u64(tag(Tag::pause), pause_ms).text(tag(Tag::refused), "good");
    if (!reason.empty()) record.text(tag(Tag::reason), reason);
    record.u64(tag(Tag::failures), failures);
    static_cast<void>(mailboxes.on_session(from_fetcher(std::move(record), Kind::session).view()));
  };
  said("auth_failed", "NO wrong password", 3'600'000, 2);
  said("connecting", "", 3'600'000, 2);
  clock.pass(seconds(600));
  mailboxes.on_fetcher_lost([](std::string_view) { return true; });
  mailboxes.watch_all([](std::string_view) { return true; });
  const auto watches = fetchers.of(Kind::watch);
  const RecordView again = watches.back().view();
  EXPECT_EQ(again.u64(tag(Tag::pause)), 3'000'000U);
  EXPECT_EQ(again.u64(tag(Tag::failures)), 2U);
  EXPECT_EQ(again.text(tag(Tag::refused)), "good");
  EXPECT_EQ(again.text(tag(Tag::state)), "auth_failed");
  EXPECT_EQ(again.text(tag(Tag::reason)), "NO wrong password");
  mailboxes.on_binding_changed(binding);
  EXPECT_FALSE(fetchers.of(Kind::watch).back().view().u64(tag(Tag::pause)));
}

// The trial of a new account was answered with a pause: its mailbox is not logged into before that is over.
TEST_F(MailboxesTest, WhatATrialWasAskedToWaitIsWaited) {
  const Binding binding = with_password();
  mailboxes.on_binding_added(binding, {.text = "BAD throttled", .state = "busy", .wait = seconds(45)});
  const auto watches = fetchers.of(Kind::watch);
  ASSERT_EQ(watches.size(), 1U);
  const RecordView watch = watches[0].view();
  EXPECT_EQ(watch.u64(tag(Tag::pause)), 45'000U);
  EXPECT_EQ(watch.text(tag(Tag::refused)), "now");
  EXPECT_EQ(watch.text(tag(Tag::state)), "busy");
  EXPECT_EQ(watch.text(tag(Tag::reason)), "BAD throttled");
  mailboxes.on_binding_added(binding, {.works = api::AccountTrial::Works::yes});
  EXPECT_FALSE(fetchers.of(Kind::watch).back().view().u64(tag(Tag::pause)));
}

// ---- a wall clock that is set

TEST_F(MailboxesTest, AClockSetBackOrForwardChangesNoRound) {
  settings.round = seconds(60);
  for (const Duration by : {seconds(-86'400), seconds(86'400)}) {
    mailboxes.on_binding_changed(with_password(WatchMode::poll));
    mailboxes.tick();
    clock.pass(seconds(60));
    mailboxes.tick();
    fetchers.sent.clear();
    clock.set_by(by);
    mailboxes.on_wall_step();
    mailboxes.tick();
    EXPECT_EQ(fetchers.of(Kind::poll).size(), 0U);
    clock.pass(seconds(60));
    mailboxes.tick();
    EXPECT_EQ(fetchers.of(Kind::poll).size(), 1U) << by.ns;
  }
}

TEST_F(MailboxesTest, FixedTimesFollowTheClockThatWasSet) {
  mailboxes.on_binding_changed(with_password(WatchMode::fixed));  // at 12:00
  clock.at = parse_rfc3339("2026-11-20T13:00:00Z").value();
  mailboxes.on_binding_changed(with_password(WatchMode::fixed));
  mailboxes.tick();
  fetchers.sent.clear();
  // It was eleven all the time: noon is an hour away, not 23.
  clock.set_by(seconds(-2 * 3600));
  mailboxes.on_wall_step();
  clock.pass(seconds(3600));
  mailboxes.tick();
  EXPECT_EQ(fetchers.of(Kind::poll).size(), 1U);
}

TEST_F(MailboxesTest, AWatermarkFromTheFutureIsWrittenOver) {
  mailboxes.on_polled(polled("5").view());
  clock.set_by(seconds(-86'400));
  mailboxes.on_polled(polled("5").view());
  EXPECT_EQ(store->mailbox("b1").value().polled_at, clock.at);
}

}  // namespace
}  // namespace pushmail
