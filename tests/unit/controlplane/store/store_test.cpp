// The store and its rules on a real SQLite file: durability across reopening, uniqueness, final states, codes and suffixes.
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <set>
#include <tuple>

#include "controlplane/store/announcements_sql.h"
#include "controlplane/store/errors.h"
#include "controlplane/store/ledger.h"
#include "controlplane/store/schema_sql.h"
#include "controlplane/store/sqlite.h"
#include "controlplane/store/sqlite_store.h"
#include "core/timers.h"

namespace pushmail {
namespace {

constexpr Timestamp noon{1'795'000'000'000'000};
constexpr std::int64_t day_us = 86'400LL * 1'000'000;
Timestamp after(std::int64_t us) { return {noon.us + us}; }

std::unique_ptr<Store> memory() { return open_sqlite_store(":memory:").value(); }
Msisdn phone(std::string_view digits = "15550100002") { return Msisdn::from_digits(digits).value(); }

Binding binding(std::string id = "b1", std::string address = "ann@box.example") {
  return {.id = std::move(id),
          .msisdn = phone(),
          .mail_address = std::move(address),
          .display_name = "Änn",
          .host = "192.0.2.1",
          .port = 993,
          .user = "ann",
          .sealed_password = {1, 0, 2},
          .peer = "mmsc",
          .created = noon};
}
Item item(std::string uid = "7", std::string code = "") {
  return {.id = new_item_id(noon, 1),
          .trace = new_trace_id(),
          .source = Source::mailbox,
          .binding = "b1",
          .msisdn = phone(),
          .uid_validity = 3,
          .uid = std::move(uid),
          .correspondent = "joe@example.com",
          .subject = "Grüße",
          .mail_references = {"a@x", "b@y"},
          .reply_code = std::move(code),
          .code_expires = after(7 * day_us),
          .created = noon,
          .updated = noon};
}

struct Folder {
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("pushmail-store-" + to_string(new_item_id(noon, 0)));
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
};

TEST(Store, WhatWasWrittenIsThereAfterReopening) {
  const Folder folder;
  const Item kept = item();
  {
    const auto store = open_sqlite_store(folder.path / "store.sqlite").value();
    ASSERT_TRUE(store->write([&]() -> Result<void> {
      if (const auto added = store->add_binding(binding()); !added) return added;
      EXPECT_TRUE(store->add_item(kept).value());
      return {};
    }));
  }
  const auto store = open_sqlite_store(folder.path / "store.sqlite").value();
  const auto found = store->item(kept.id).value();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->subject, "Grüße");
  EXPECT_EQ(found->mail_references, (std::vector<std::string>{"a@x", "b@y"}));
  EXPECT_EQ(found->trace, kept.trace);
  const auto bound = store->binding("b1").value();
  ASSERT_TRUE(bound);
  EXPECT_EQ(bound->sealed_password, (Bytes{1, 0, 2}));
  EXPECT_EQ(bound->display_name, "Änn");
}

// Every member, each with a value of its own: what an update has to keep, and what it must leave alone.
Item other_item(const ItemId& id, Way way) {
  Item i{.id = id, .trace = new_trace_id(), .way = way, .source = Source::smtp, .binding = "b9", .msisdn = phone("15550100099")};
  i.uid_validity = 99;
  i.uid = "99";
  i.state = ItemState::submitting;
  i.reason = "because";
  i.peer = "other";
  i.message_id = "m9";
  i.correspondent = "sue@example.com";
  i.correspondent_name = "Sue";
  i.subject = "Other";
  i.mail_message_id = "9@x";
  i.mail_references = {"c@z"};
  i.size = 1;
  i.suffix = "1234";
  i.source_address = "192.0.2.9";
  i.sender_domain = "x.example";
  i.author = "author@x";
  i.authentication = "pass";
  i.reply_code = "17";
  i.code_expires = after(2);
  i.announced = after(3);
  i.created = after(4);
  i.updated = after(5);
  i.expires = after(6);
  i.retry_at = after(7);
  i.attempts = 8;
  i.duplicate_possible = true;
  i.doubts = 9;
  i.doubt_began = after(10);
  i.unknown_until = after(11);
  i.asked_in_doubt = true;
  i.mark = MarkProgress::pending;
  i.mark_at = after(12);
  i.mark_attempts = 13;
  return i;
}
auto fixed_of(const Item& i) {
  return std::tuple(i.trace, i.way, i.source, i.msisdn.digits(), i.uid_validity, i.uid, i.mail_message_id, i.mail_references, i.created,
                    i.author, i.authentication, i.source_address, i.sender_domain);
}
auto route_of(const Item& i) { return std::tuple(i.binding, i.correspondent, i.correspondent_name, i.subject); }
auto life_of(const Item& i) {
  return std::tuple(i.state, i.reason, i.peer, i.message_id, i.size, i.suffix, i.reply_code, i.code_expires, i.updated, i.expires,
                    i.retry_at, i.attempts, i.duplicate_possible, i.mark, i.announced, i.doubts, i.doubt_began, i.unknown_until,
                    i.asked_in_doubt, i.mark_at, i.mark_attempts);
}

TEST(Store, AnUpdateKeepsTheLifeOfAnItemAndLeavesTheRest) {
  for (const Way way : {Way::to_phone, Way::to_mail}) {
    const auto store = memory();
    Item first = item();
    first.way = way;
    ASSERT_TRUE(store->add_item(first).value());
    const Item other = other_item(first.id, way);
    ASSERT_TRUE(store->update_item(other));
    const Item found = store->item(first.id).value().value();
    EXPECT_EQ(life_of(found), life_of(other));
    EXPECT_EQ(fixed_of(found), fixed_of(first));
    EXPECT_EQ(route_of(found), route_of(way == Way::to_mail ? other : first)) << "a phone's message has a binding once it is routed";

    const Item whole = other_item(new_item_id(noon, 2), way);
    const auto fresh = memory();
    ASSERT_TRUE(fresh->add_item(whole).value());
    const Item added = fresh->item(whole.id).value().value();
    EXPECT_EQ(std::tuple(fixed_of(added), route_of(added), life_of(added)), std::tuple(fixed_of(whole), route_of(whole), life_of(whole)));
  }
}

// A condition of an index that SQLite makes a table for (a list of more than two words) is paid by every step of every item.
TEST(Store, AStepOfAnItemMakesNoTable) {
  const Folder folder;
  ASSERT_TRUE(open_sqlite_store(folder.path / "store.sqlite"));
  auto db = sqlite::Connection::open(folder.path / "store.sqlite").value();
  sqlite::Run run = db.prepare("EXPLAIN UPDATE item SET state = ?, reply_code = ?, retry_at = ? WHERE id = ?");
  std::size_t indexes = 0;
  while (run.step().value()) {
    static_cast<void>(run.number());
    const std::string what = run.text();
    EXPECT_NE(what, "OpenEphemeral");
    if (what == "OpenWrite") ++indexes;
  }
  EXPECT_GT(indexes, 5U);
}

// What the control plane acknowledges to the data plane is on disk: every commit is synced, and the log it goes to first.
TEST(Store, EveryCommitIsSynced) {
  const Folder folder;
  auto connection = sqlite::Connection::open(folder.path / "store.sqlite");
  ASSERT_TRUE(connection.has_value());
  sqlite::Run mode = connection->prepare("PRAGMA journal_mode");
  ASSERT_TRUE(mode.step().value());
  EXPECT_EQ(mode.text(), "wal");
  sqlite::Run synchronous = connection->prepare("PRAGMA synchronous");
  ASSERT_TRUE(synchronous.step().value());
  EXPECT_EQ(synchronous.number(), 2) << "FULL";
}

TEST(Store, ANewerSchemaIsRefused) {
  const Folder folder;
  {
    ASSERT_TRUE(open_sqlite_store(folder.path / "s"));
  }
  sqlite3* raw = nullptr;
  ASSERT_EQ(sqlite3_open((folder.path / "s").c_str(), &raw), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(raw, "PRAGMA user_version = 999", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(raw);
  const auto store = open_sqlite_store(folder.path / "s");
  ASSERT_FALSE(store);
  EXPECT_TRUE(store.error().is(store_newer));
}

// The parts of a mailbox's cursor stood in columns once.
TEST(Store, TheCursorsOfAnEarlierVersionAreWrittenAnew) {
  const Folder folder;
  sqlite3* raw = nullptr;
  ASSERT_EQ(sqlite3_open((folder.path / "s").c_str(), &raw), SQLITE_OK);
  std::string before;
  for (std::size_t step = 0; step < 7; ++step) before += store_migrations[step];
  before += R"(
INSERT INTO mailbox (binding, uid_validity, last_uid, session, reason, session_at, polled_at, newest_id, newest_date)
  VALUES ('imap', 77, '41', 'idling', '', 1, 2, 'm 1@x', 1795000000000000), ('pop3', 1, '', 'closed', '', 1, 2, '', 0),
         ('new', 0, '', 'connecting', '', 1, 2, '', 0);
INSERT INTO known_uid VALUES ('pop3', 'one');
PRAGMA user_version = 7;)";
  ASSERT_EQ(sqlite3_exec(raw, before.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(raw);
  sqlite3_close(raw);
  const auto store = open_sqlite_store(folder.path / "s");
  ASSERT_TRUE(store);
  const auto cursor_of = [&](std::string_view binding) { return (*store)->mailbox(binding).value().cursor; };
  EXPECT_EQ(cursor_of("imap"), "1 77 41 1795000000000000 m 1@x");
  EXPECT_EQ(cursor_of("pop3"), "1 1 0 0 ");
  EXPECT_EQ(cursor_of("new"), "");
  EXPECT_EQ((*store)->mailbox("imap").value().session, "idling");
  EXPECT_EQ((*store)->known_uids("pop3").value(), std::vector<std::string>{"one"});
}

// The wall clock is set by a day while an SMS waits for an hour: an hour is left of it, whatever the direction.
TEST(Store, WaitsMoveWithAClockThatIsSet) {
  for (const Duration by : {seconds(-86'400), seconds(86'400)}) {
    const auto store = memory();
    const Timestamp before{1'795'000'000'000'000};
    Item waiting = item();
    waiting.retry_at = {before.us + seconds(60).us()};
    waiting.mark = MarkProgress::pending;
    waiting.mark_at = {before.us + seconds(90).us()};
    waiting.code_expires = {before.us + seconds(3600).us()};
    waiting.expires = {before.us - 1};
    ASSERT_TRUE(store->add_item(waiting).value());
    ASSERT_TRUE(store->queue_sms({.text = "t", .created = before, .retry_at = {before.us + seconds(3600).us()}}));
    ASSERT_TRUE(store->shift_waits(before, by));
    const Item moved = store->item(waiting.id).value().value();
    EXPECT_EQ(moved.retry_at.us, waiting.retry_at.us + by.us());
    EXPECT_EQ(moved.mark_at.us, waiting.mark_at.us + by.us());
    EXPECT_EQ(moved.code_expires.us, waiting.code_expires.us + by.us());
    EXPECT_EQ(moved.expires, waiting.expires) << "what was over stays over";
    EXPECT_TRUE(store->pending_sms({before.us + by.us()}, 9).value().empty());
    const auto sms = store->pending_sms({before.us + by.us() + seconds(3600).us()}, 9).value();
    ASSERT_EQ(sms.size(), 1U);
    EXPECT_EQ(sms.front().created.us, before.us + by.us()) << "it is as old as it was";
  }
}

TEST(Store, WaitsOfAClockThatWentWrongEndInTime) {
  const auto store = memory();
  const Timestamp now{1'795'000'000'000'000};
  Item waiting = item();
  waiting.mark = MarkProgress::pending;
  waiting.mark_at = waiting.retry_at = waiting.code_expires = waiting.unknown_until = {now.us + seconds(400 * 86'400).us()};
  ASSERT_TRUE(store->add_item(waiting).value());
  ASSERT_TRUE(store->queue_sms({.text = "t", .created = {now.us + 1}, .retry_at = waiting.retry_at}));
  ASSERT_TRUE(store->clamp_waits({.now = now, .retry = seconds(3600), .code = seconds(7200), .doubt = seconds(600)}));
  const Item clamped = store->item(waiting.id).value().value();
  EXPECT_EQ(clamped.retry_at.us, now.us + seconds(3600).us());
  EXPECT_EQ(clamped.mark_at.us, now.us + seconds(3600).us());
  EXPECT_EQ(clamped.code_expires.us, now.us + seconds(7200).us());
  EXPECT_EQ(clamped.unknown_until.us, now.us + seconds(600).us());
  ASSERT_EQ(store->pending_sms({now.us + seconds(3600).us()}, 9).value().size(), 1U);
  EXPECT_EQ(store->pending_sms({now.us + seconds(3600).us()}, 9).value()[0].created, now);
}

TEST(Store, AFailedWriteLeavesNothing) {
  const auto store = memory();
  const Item lost = item();
  EXPECT_FALSE(store->write([&]() -> Result<void> {
    EXPECT_TRUE(store->add_item(lost).value());
    return fail(store_io);
  }));
  EXPECT_FALSE(store->item(lost.id).value());
}

TEST(Store, AFullDiskFailsTheWriteAndNothingElse) {
  const Folder folder;
  const auto store = open_sqlite_store(folder.path / "s").value();
  // As `ulimit -f` does it: the file may not grow, and SQLite sees the write fail.
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{.rlim_cur = 200'000, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  Item large = item("7");
  large.subject = std::string(400'000, 'x');
  const auto written = store->write([&] { return store->add_item(large) ? Result<void>() : Result<void>(fail(store_io)); });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old_handler);
  ASSERT_FALSE(written);
  EXPECT_TRUE(written.error().is(store_io));
  EXPECT_FALSE(store->item(large.id).value());
  EXPECT_TRUE(store->write([&] { return store->add_item(item("8")) ? Result<void>() : Result<void>(fail(store_io)); })) << "room again";
}

TEST(Store, OneItemForOneMail) {
  const auto store = memory();
  EXPECT_TRUE(store->add_item(item("7")).value());
  EXPECT_FALSE(store->add_item(item("7")).value());
  EXPECT_TRUE(store->add_item(item("8")).value());
  Item forwarded = item("");
  EXPECT_TRUE(store->add_item(forwarded).value());
  EXPECT_FALSE(store->add_item(forwarded).value()) << "the same id";
  EXPECT_TRUE(store->add_item(item("")).value()) << "items without UID are not alike";
}

TEST(Store, APhoneAndAnAddressAreBoundOnce) {
  const auto store = memory();
  ASSERT_TRUE(store->add_binding(binding("b1")));
  const auto again = store->add_binding(binding("b2"));
  ASSERT_FALSE(again);
  EXPECT_TRUE(again.error().is(store_conflict));
  EXPECT_TRUE(store->add_binding(binding("b3", "ann@work.example")));
  Binding removed = binding("b1");
  removed.state = BindingState::removed;
  ASSERT_TRUE(store->update_binding(removed));
  EXPECT_TRUE(store->add_binding(binding("b2"))) << "after removal it may come back";
  EXPECT_EQ(store->bindings("", 100).value().size(), 2U);
}

TEST(Store, ItemsByFilter) {
  const auto store = memory();
  Item requested = item("1");
  requested.state = ItemState::requested;
  requested.retry_at = after(100);
  Item done = item("2");
  done.state = ItemState::delivered;
  ASSERT_TRUE(store->add_item(requested).value());
  ASSERT_TRUE(store->add_item(done).value());
  EXPECT_EQ(store->items({}).value().size(), 2U);
  EXPECT_EQ(store->items({.states = {ItemState::requested, ItemState::fetching}}).value().size(), 1U);
  EXPECT_EQ(store->items({.states = {ItemState::requested}, .due = noon}).value().size(), 0U);
  EXPECT_EQ(store->items({.states = {ItemState::requested}, .due = after(100)}).value().size(), 1U);
  EXPECT_EQ(store->items({.trace = done.trace}).value().size(), 1U);
  EXPECT_EQ(store->items({.binding = "other"}).value().size(), 0U);
}

TEST(Store, TheBacklogIsCountedByState) {
  const auto store = memory();
  EXPECT_TRUE(store->backlog(10).value().empty());
  for (int i = 0; i < 4; ++i) {
    Item one = item(std::to_string(i));
    one.state = i == 3 ? ItemState::delivered : ItemState::requested;
    one.created = after(i * 1'000'000);
    one.updated = after((10 - i) * 1'000'000);
    ASSERT_TRUE(store->add_item(one).value());
  }
  const auto backlog = store->backlog(2).value();
  ASSERT_EQ(backlog.size(), 1U) << "what is final is no backlog";
  EXPECT_EQ(backlog[0].state, ItemState::requested);
  EXPECT_EQ(backlog[0].count, 2U) << "counted so far and no farther";
  EXPECT_EQ(store->backlog(10).value()[0].count, 3U);
  EXPECT_EQ(backlog[0].oldest, noon);
  EXPECT_EQ(backlog[0].still_since, after(8'000'000));
}

TEST(Ledger, FinalStatesDoNotRegress) {
  const auto store = memory();
  Item one = item();
  ASSERT_TRUE(store->add_item(one).value());
  EXPECT_TRUE(move_item(*store, one, {.event = ItemEvent::submitted, .reason = "", .time = after(1)}).value());
  EXPECT_TRUE(move_item(*store, one, {.event = ItemEvent::unconfirmed, .reason = "no report", .time = after(2)}).value());
  EXPECT_FALSE(move_item(*store, one, {.event = ItemEvent::expired, .reason = "", .time = after(3)}).value());
  EXPECT_TRUE(move_item(*store, one, {.event = ItemEvent::delivered, .reason = "", .time = after(4)}).value());
  EXPECT_FALSE(move_item(*store, one, {.event = ItemEvent::failed, .reason = "x", .time = after(5)}).value());
  EXPECT_EQ(store->item(one.id).value()->state, ItemState::delivered);
  const auto rows = store->history(one.id).value();
  ASSERT_EQ(rows.size(), 5U);
  EXPECT_EQ(rows[1].state, ItemState::unconfirmed);
  EXPECT_EQ(rows[2].state, std::nullopt) << "a word that came too late is in the history, without a state";
  EXPECT_EQ(rows[4].event, "failed");
}

// ---- reply codes

struct Codes : ::testing::Test {
  std::unique_ptr<Store> store = memory();
  static constexpr std::size_t strangers_max = 30;
  int count = 0;
  /// A mail that was announced at `at`; nothing when there was no code for it.
  std::optional<Item> announce(Origin origin, Timestamp at, std::string digits = "15550100002") {
    Item one = item(origin == Origin::own ? std::to_string(++count) : "");
    one.msisdn = phone(digits);
    if (origin == Origin::stranger) one.source = Source::smtp;
    one.announced = at;
    EXPECT_TRUE(store->add_item(one).value());
    return give_reply_code(*store, one, strangers_max, at).value() ? std::optional(one) : std::nullopt;
  }
  void move(Item& one, ItemEvent event, Timestamp at) {
    one = store->item(one.id).value().value();
    ASSERT_TRUE(move_item(*store, one, {.event = event, .reason = "x", .time = at}).value());
  }
  std::string code_of(const Item& one) { return store->item(one.id).value()->reply_code; }
};
constexpr std::int64_t minute_us = 60'000'000;

TEST_F(Codes, AreTwoDigitsAndOneMailsEach) {
  std::set<std::string> seen;
  for (int i = 0; i < 90; ++i) {
    const auto one = announce(Origin::own, after(i));
    ASSERT_TRUE(one);
    EXPECT_EQ(one->reply_code.size(), 2U);
    EXPECT_TRUE(seen.insert(one->reply_code).second);
  }
  EXPECT_FALSE(announce(Origin::own, after(90))) << "all of them were announced a moment ago";
  EXPECT_EQ(announce(Origin::own, noon, "4915550100")->reply_code, "10") << "another phone has its own codes";
  EXPECT_EQ(announce(Origin::own, after(11 * minute_us))->reply_code, "10") << "the mailbox always gets one: the oldest";
}

TEST_F(Codes, AreFreeAsSoonAsTheMailIsThroughAndRest) {
  std::vector<Item> mails;
  for (int i = 0; i < 90; ++i) mails.push_back(*announce(Origin::own, after(i)));
  move(mails[40], ItemEvent::submitted, after(20 * minute_us));
  move(mails[7], ItemEvent::expired, after(21 * minute_us));
  EXPECT_EQ(store->item_of_code(phone(), mails[40].reply_code).value()->id, mails[40].id)
      << "an answer still finds it while nobody else has the code";
  EXPECT_EQ(announce(Origin::own, after(31 * minute_us))->reply_code, mails[40].reply_code) << "longest through";
  EXPECT_EQ(code_of(mails[40]), "");
  EXPECT_EQ(announce(Origin::own, after(32 * minute_us))->reply_code, mails[7].reply_code);
  // Through a minute ago: a stranger's would be taken first, but there is none, and what waits of the mailbox keeps its code.
  move(mails[20], ItemEvent::delivered, after(40 * minute_us));
  EXPECT_EQ(announce(Origin::own, after(41 * minute_us))->reply_code, mails[20].reply_code);
}

TEST_F(Codes, StrangersTakeOnlyFromStrangers) {
  std::vector<Item> strangers;
  for (int i = 0; i < 30; ++i) strangers.push_back(*announce(Origin::stranger, after(i)));
  EXPECT_FALSE(announce(Origin::stranger, after(minute_us))) << "30 is the most";
  std::set<std::string> own;
  for (int i = 0; i < 60; ++i) own.insert(announce(Origin::own, after(minute_us + i))->reply_code);
  EXPECT_EQ(own.size(), 60U) << "the mailbox has the others";
  EXPECT_EQ(announce(Origin::stranger, after(11 * minute_us))->reply_code, strangers[0].reply_code) << "their oldest";
  EXPECT_NE(store->item(strangers[0].id).value()->reason.find("newer mails than reply codes"), std::string::npos);
  EXPECT_EQ(announce(Origin::own, after(12 * minute_us))->reply_code, strangers[1].reply_code)
      << "and so does the mailbox, before it takes its own";
  const auto rows = store->history(strangers[0].id).value();
  EXPECT_EQ(rows.back().event, "code_taken");
}

TEST_F(Codes, OneThatWasAskedForIsTakenLast) {
  std::vector<Item> mails;
  for (int i = 0; i < 90; ++i) mails.push_back(*announce(Origin::own, after(i)));
  for (Item& one : mails) move(one, ItemEvent::pushed, after(minute_us));
  EXPECT_EQ(announce(Origin::own, after(2 * minute_us))->reply_code, mails[0].reply_code);
  EXPECT_EQ(store->item(mails[0].id).value()->state, ItemState::requested) << "and the mail goes on";
}

// Whatever number of mails a phone ever had, no question about what waits reads them.
TEST(Announcements, AreAnsweredFromIndexes) {
  const Folder folder;
  {
    const auto store = open_sqlite_store(folder.path / "store.sqlite").value();
  }
  auto opened = sqlite::Connection::open(folder.path / "store.sqlite");
  ASSERT_TRUE(opened);
  sqlite::Connection db = std::move(*opened);
  const std::pair<std::string_view, std::string_view> rows[] = {
      {announcements_sql::code_holders, "item_of_code"},  {announcements_sql::newest_waiting, "item_waiting"},
      {announcements_sql::count_waiting, "item_waiting"}, {announcements_sql::phones_waiting, "item_waiting"},
      {announcements_sql::unanswered, "item_announced"},  {announcements_sql::count_open_of_strangers, "item_open"},
      {announcements_sql::handed_in, "item_handed_in"},
  };
  for (const auto& [sql, index] : rows) {
    sqlite::Run run = db.prepare("EXPLAIN QUERY PLAN " + std::string(sql));
    std::string plan;
    while (run.step().value()) {
      for (int column = 0; column < 3; ++column) static_cast<void>(run.number());
      plan += run.text() + "; ";
    }
    EXPECT_NE(plan.find(index), std::string::npos) << sql << ": " << plan;
    EXPECT_EQ(plan.find("SCAN item"), plan.find("SCAN item USING COVERING INDEX item_waiting")) << plan;
    EXPECT_EQ(plan.find("ORDER BY"), std::string::npos) << plan;
  }
}

Suffix wanted(std::string binding, std::string correspondent, std::string thread) {
  return {.msisdn = phone(),
          .digits = {},
          .binding = std::move(binding),
          .correspondent = std::move(correspondent),
          .thread = std::move(thread)};
}

TEST(Ledger, ASuffixBelongsToOneThread) {
  const auto store = memory();
  const std::string first = take_suffix(*store, wanted("b1", "joe@x", "t1"), 4, noon).value().digits;
  EXPECT_EQ(first.size(), 4U);
  EXPECT_EQ(take_suffix(*store, wanted("b1", "joe@x", "t1"), 4, after(1)).value().digits, first);
  EXPECT_NE(take_suffix(*store, wanted("b1", "joe@x", "t2"), 4, after(1)).value().digits, first);
  EXPECT_NE(take_suffix(*store, wanted("b2", "joe@x", "t1"), 4, after(1)).value().digits, first);
  EXPECT_EQ(store->suffix(phone(), first).value()->last_used, after(1));
}

TEST(Ledger, SuffixesAreReusedOldestFirstAfterThirtyDaysInTheSameBinding) {
  const auto store = memory();
  std::vector<std::string> order;
  for (int i = 0; i < 99; ++i) order.push_back(take_suffix(*store, wanted("b1", "joe@x", std::to_string(i)), 2, after(i)).value().digits);
  order.push_back(take_suffix(*store, wanted("b2", "joe@x", "t"), 2, noon).value().digits);
  EXPECT_EQ(std::set<std::string>(order.begin(), order.end()).size(), 100U);

  const auto early = take_suffix(*store, wanted("b1", "sue@x", "new"), 2, after(timers::suffix_rest.us() - 1));
  ASSERT_FALSE(early);
  EXPECT_TRUE(early.error().is(store_no_suffix));
  EXPECT_EQ(take_suffix(*store, wanted("b1", "sue@x", "new"), 2, after(timers::suffix_rest.us() + 50)).value().digits, order[0]);
  EXPECT_EQ(take_suffix(*store, wanted("b1", "sue@x", "newer"), 2, after(timers::suffix_rest.us() + 50)).value().digits, order[1]);
  EXPECT_EQ(take_suffix(*store, wanted("b2", "sue@x", "other"), 2, after(timers::suffix_rest.us() + 50)).value().digits, order[99])
      << "never across bindings";
  EXPECT_FALSE(take_suffix(*store, wanted("b3", "sue@x", "third"), 2, after(2 * timers::suffix_rest.us())));
}

TEST(Store, ReportsWaitAndRepeatsAreKnown) {
  const auto store = memory();
  Report report{.id = new_item_id(noon, 1),
                .trace = new_trace_id(),
                .peer = "mmsc",
                .message_id = "m1",
                .recipient = "number:+15550100002",
                .sender = "short:50001234",
                .mm_status = "Retrieved",
                .time = noon};
  EXPECT_TRUE(store->add_report(report).value());
  EXPECT_FALSE(store->add_report(report).value());
  report.id = new_item_id(noon, 1);
  EXPECT_FALSE(store->add_report(report).value()) << "the same report in another record";
  Report other = report;
  other.mm_status = "Expired";
  EXPECT_TRUE(store->add_report(other).value());
  auto orphans = store->orphan_reports("mmsc", "m1").value();
  ASSERT_EQ(orphans.size(), 2U);
  const ItemId match = new_item_id(noon, 1);
  ASSERT_TRUE(store->match_report(orphans[0].id, match));
  EXPECT_EQ(store->orphan_reports("mmsc", "m1").value().size(), 1U);
}

TEST(Store, ReportsAboutNothingAreBoundedForEachPeer) {
  const auto store = memory();
  const auto add = [&](const char* peer, int n) {
    return store
        ->add_report({.id = new_item_id(noon, 1),
                      .trace = new_trace_id(),
                      .peer = peer,
                      .message_id = "m" + std::to_string(n),
                      .recipient = "number:+15550100002",
                      .sender = "short:5000",
                      .mm_status = "Retrieved",
                      .time = noon})
        .value();
  };
  for (int n = 1; n <= 5; ++n) EXPECT_TRUE(add("mmsc", n));
  EXPECT_TRUE(add("other", 1));
  ASSERT_TRUE(store->match_report(store->orphan_reports("mmsc", "m1").value().at(0).id, new_item_id(noon, 1)));
  ASSERT_TRUE(store->trim_orphan_reports("mmsc", 2));
  EXPECT_EQ(store->orphan_reports("mmsc", "").value().size(), 2U);
  EXPECT_EQ(store->orphan_reports("mmsc", "m5").value().size(), 1U) << "the latest stay";
  EXPECT_FALSE(add("mmsc", 1)) << "one that found its item is no orphan";
  EXPECT_EQ(store->orphan_reports("other", "").value().size(), 1U);
}

TEST(Store, SmsAreSentInOrderUntilTheyAreSent) {
  const auto store = memory();
  for (const char* text : {"one", "two"}) {
    ASSERT_TRUE(store->queue_sms({.msisdn = phone(), .text = text, .kind = SmsKind::help, .created = noon}));
  }
  auto waiting = store->pending_sms(noon, 10).value();
  ASSERT_EQ(waiting.size(), 2U);
  EXPECT_EQ(waiting[0].text, "one");
  waiting[0].state = SmsState::sent;
  waiting[0].smsc_id = "abc";
  ASSERT_TRUE(store->update_sms(waiting[0]));
  EXPECT_EQ(store->pending_sms(noon, 10).value().size(), 1U);
  ASSERT_TRUE(store->add_sms_part(waiting[0].id, "0ABC", noon));
  EXPECT_EQ(store->sms_of_part("abc").value().at(0).text, "one");
  EXPECT_FALSE(store->last_notification(phone()).value().has_value()) << "help is no notification";
  ASSERT_TRUE(store->add_sms_part(waiting[0].id, "other", after(sms_part_days * day_us + 1)));
  EXPECT_TRUE(store->sms_of_part("abc").value().empty()) << "forgotten after a while";
  EXPECT_FALSE(
      queue_limited_sms(*store, {.msisdn = phone(), .text = "three", .kind = SmsKind::help, .created = noon}, 2, after(-day_us)).value());
  EXPECT_TRUE(queue_limited_sms(*store, {.msisdn = phone(), .text = "three", .kind = SmsKind::help, .created = noon}, 2, after(1)).value());
}

}  // namespace
}  // namespace pushmail
