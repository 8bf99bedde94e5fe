// A backup of a store in use, what is refused as one, and what a restored store knows of its age.
#include "controlplane/store/backup.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>
#include <fstream>
#include <functional>
#include <thread>

#include "controlplane/store/errors.h"
#include "controlplane/store/ledger.h"
#include "controlplane/store/sqlite_store.h"
#include "core/ids.h"

namespace pushmail {
namespace {

constexpr Timestamp now{1'795'000'000'000'000};

class BackupTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(folder_);
    store_ = open_sqlite_store(store_file_).value();
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  static Binding binding(int n) {
    Binding b{.id = fmt::format("b{:05}", n), .msisdn = Msisdn::from_digits(std::to_string(15550100000 + n)).value(), .created = {n}};
    b.mail_address = b.id + "@box.example";
    return b;
  }
  /// A binding and its mailbox, in one write.
  void add(int n) const { ASSERT_TRUE(add_to(*store_, n)); }
  static bool add_to(Store& store, int n) {
    return store
        .write([&]() -> Result<void> {
          const Binding b = binding(n);
          if (const auto added = store.add_binding(b); !added) return added;
          return store.set_mailbox(b.id, {.cursor = "1 7 4", .uid_validity = 7, .last_uid = "4"});
        })
        .has_value();
  }
  static std::size_t count(Store& store) { return store.bindings("", 100'000).value().size(); }
  Item item(ItemState state, Source source = Source::mailbox, Way way = Way::to_phone) const {
    Item i{.id = new_item_id(now, 1), .trace = new_trace_id(), .way = way, .source = source, .binding = "b1"};
    i.msisdn = Msisdn::from_digits("15550100002").value();
    i.uid = source == Source::mailbox ? to_string(i.id) : "";
    i.state = state;
    EXPECT_TRUE(store_->add_item(i).value());
    return store_->item(i.id).value().value();
  }
  void raw(const std::filesystem::path& file, const char* sql) const {
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(file.c_str(), &handle), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(handle, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(handle);
    sqlite3_close(handle);
  }
  static Backup beside() {
    return {.facts = {.made = now, .version = "1.2", .key = "0123456789abcdef", .journal = {{.lane = "lane-0", .sequence = 77}}},
            .files = {{.path = "pushmail.toml", .mode = 0644, .content = {'a', 0, 'b'}}, {.path = "secrets/mmsc", .mode = 0400}}};
  }

  std::filesystem::path folder_ = std::filesystem::temp_directory_path() / ("pm-backup-" + to_string(new_item_id({}, 0)));
  std::filesystem::path store_file_ = folder_ / "store.sqlite";
  std::filesystem::path file_ = folder_ / "backup";
  std::unique_ptr<Store> store_;
};

TEST_F(BackupTest, HasTheStoreOfItsMomentAndWhatBelongsToIt) {
  add(1);
  ASSERT_TRUE(make_backup(store_file_, file_, beside()));
  add(2);
  EXPECT_EQ(std::filesystem::status(file_).permissions(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_FALSE(std::filesystem::exists(file_.string() + "-wal"));

  const Backup read = read_backup(file_).value();
  EXPECT_EQ(read.facts.made, now);
  EXPECT_EQ(read.facts.version, "1.2");
  EXPECT_EQ(read.facts.key, "0123456789abcdef");
  ASSERT_EQ(read.facts.journal.size(), 1u);
  EXPECT_EQ(read.facts.journal[0].lane, "lane-0");
  EXPECT_EQ(read.facts.journal[0].sequence, 77u);
  ASSERT_EQ(read.files.size(), 2u);
  EXPECT_EQ(read.files[0].path, "pushmail.toml");
  EXPECT_EQ(read.files[0].content, (Bytes{'a', 0, 'b'}));
  EXPECT_EQ(read.files[0].mode, 0644u);
  EXPECT_EQ(read.files[1].mode, 0400u);

  const auto unpacked = unpack_backup(file_, folder_ / "made").value();
  EXPECT_EQ(count(*unpacked), 1u);
  EXPECT_EQ(unpacked->mailbox(binding(1).id).value().last_uid, "4");
  EXPECT_EQ(count(*store_), 2u);
  // Another one of the same name takes its place.
  ASSERT_TRUE(make_backup(store_file_, file_, {}));
  EXPECT_EQ(count(*unpack_backup(file_, folder_ / "made2").value()), 2u);
}

// A writer that never rests: every backup ends, and holds whole writes only.
TEST_F(BackupTest, OfAStoreThatIsWrittenToAllTheTime) {
  std::atomic<bool> stop{false};
  std::atomic<int> written{0};
  std::thread writer([&] {
    const auto own = open_grouped_store(store_file_).value();
    own->on_changed([] {});
    for (int n = 0; !stop; ++n) {
      if (!add_to(*own, n)) return;
      if (n % 5 == 0 && !own->commit()) return;
      written = n;
    }
    (void)own->commit();
  });
  int last = -1;
  for (int round = 0; round < 5; ++round) {
    while (written < last + 20) std::this_thread::yield();
    ASSERT_TRUE(make_backup(store_file_, file_, beside()));
    const auto unpacked = unpack_backup(file_, folder_ / ("made" + std::to_string(round))).value();
    const auto bindings = unpacked->bindings("", 100'000).value();
    EXPECT_GT(static_cast<int>(bindings.size()), last) << "newer than the one before";
    last = static_cast<int>(bindings.size());
    for (const Binding& b : bindings) EXPECT_EQ(unpacked->mailbox(b.id).value().uid_validity, 7u) << "half a write";
  }
  stop = true;
  writer.join();
  EXPECT_GT(written, 0);
}

TEST_F(BackupTest, WhatIsNoneIsRefusedAndNothingIsMadeOfIt) {
  add(1);
  ASSERT_TRUE(make_backup(store_file_, file_, beside()));
  const auto size = std::filesystem::file_size(file_);
  struct Row {
    const char* what;
    std::function<void()> spoil;
    const ErrorInfo& error;
  };
  const auto fresh = folder_ / "spoilt";
  for (const Row& row : {Row{"a newer schema", [&] { raw(fresh, "PRAGMA user_version = 999"); }, store_newer},
                         Row{"a store", [&] { raw(fresh, "DROP TABLE backup"); }, store_no_backup},
                         Row{"other columns", [&] { raw(fresh, "DROP TABLE backup; CREATE TABLE backup (a TEXT)"); }, store_no_backup},
                         Row{"text", [&] { std::ofstream(fresh) << std::string(5000, 'x'); }, store_no_backup},
                         Row{"nothing", [&] { std::ofstream(fresh) << ""; }, store_no_backup},
                         Row{"cut", [&] { std::filesystem::resize_file(fresh, size / 2); }, store_no_backup}}) {
    std::filesystem::copy_file(file_, fresh, std::filesystem::copy_options::overwrite_existing);
    row.spoil();
    const auto read = read_backup(fresh);
    ASSERT_FALSE(read) << row.what;
    EXPECT_TRUE(read.error().is(row.error)) << row.what << ": " << read.error().info->text;
    EXPECT_FALSE(unpack_backup(fresh, folder_ / "made")) << row.what;
  }
  EXPECT_TRUE(read_backup(folder_ / "nowhere").error().is(store_open));
  EXPECT_FALSE(make_backup(folder_ / "no store", folder_ / "other", beside()));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "other"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "other.new"));
}

TEST_F(BackupTest, ARestoredStoreDoubtsWhatWasUnderWay) {
  add(1);
  const Item requested = item(ItemState::requested), submitting = item(ItemState::submitting), notified = item(ItemState::notified);
  const Item submitted = item(ItemState::submitted), delivered = item(ItemState::delivered);
  const Item forwarded = item(ItemState::submitting, Source::smtp), to_mail = item(ItemState::converting, Source::mm7, Way::to_mail);
  const auto marks = mark_restored(*store_, now, seconds(600)).value();
  EXPECT_EQ(marks.in_doubt, 2u);
  EXPECT_EQ(marks.waiting, 1u);
  EXPECT_EQ(marks.mailboxes, 1u);
  for (const Item& before : {requested, submitting}) {
    const Item after = store_->item(before.id).value().value();
    EXPECT_EQ(after.state, ItemState::submitting);
    EXPECT_EQ(after.doubts, 1u);
    EXPECT_TRUE(after.duplicate_possible);
    EXPECT_EQ(after.unknown_until, (Timestamp{now.us + seconds(600).us()}));
    EXPECT_EQ(store_->history(before.id).value().back().event, "submission_in_doubt");
  }
  const Item waits = store_->item(notified.id).value().value();
  EXPECT_EQ(waits.state, ItemState::notified);
  EXPECT_TRUE(waits.duplicate_possible);
  EXPECT_EQ(waits.doubts, 1u) << "what is sent when the phone asks is marked";
  for (const Item& before : {submitted, delivered, forwarded, to_mail}) {
    const Item after = store_->item(before.id).value().value();
    EXPECT_EQ(after.state, before.state);
    EXPECT_EQ(after.doubts, 0u);
  }
  EXPECT_EQ(store_->mailbox(binding(1).id).value().restored, now);
  EXPECT_EQ(store_->mailbox(binding(1).id).value().last_uid, "4");
  // Done again, as after a kill, it counts no doubt twice.
  EXPECT_EQ(mark_restored(*store_, now, seconds(600)).value().in_doubt, 0u);
}

TEST_F(BackupTest, MarksMorePagesThanOne) {
  for (int n = 0; n < 2500; ++n) (void)item(n % 2 == 0 ? ItemState::requested : ItemState::notified);
  const auto marks = mark_restored(*store_, now, seconds(600)).value();
  EXPECT_EQ(marks.in_doubt, 1250u);
  EXPECT_EQ(marks.waiting, 1250u);
}

TEST_F(BackupTest, TakesTheStoresPlaceAndKeepsIt) {
  add(1);
  ASSERT_TRUE(make_backup(store_file_, file_, beside()));
  add(2);
  {
    const auto made = unpack_backup(file_, folder_ / "made").value();
    ASSERT_TRUE(mark_restored(*made, now, seconds(600)));
  }
  store_.reset();
  ASSERT_TRUE(exchange_store(folder_ / "made", store_file_, folder_ / "kept"));
  EXPECT_EQ(count(*open_sqlite_store(folder_ / "kept").value()), 2u);
  store_ = open_sqlite_store(store_file_).value();
  EXPECT_EQ(count(*store_), 1u);
  EXPECT_EQ(store_->mailbox(binding(1).id).value().restored, now);
}

TEST_F(BackupTest, TakesThePlaceOfABrokenStore) {
  add(1);
  ASSERT_TRUE(make_backup(store_file_, file_, beside()));
  (void)unpack_backup(file_, folder_ / "made").value();
  store_.reset();
  std::ofstream(store_file_) << std::string(5000, 'x');
  std::ofstream(store_file_.string() + "-wal") << "y";
  ASSERT_TRUE(exchange_store(folder_ / "made", store_file_, folder_ / "kept"));
  EXPECT_EQ(std::filesystem::file_size(folder_ / "kept"), 5000u);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "kept-wal"));
  store_ = open_sqlite_store(store_file_).value();
  EXPECT_EQ(count(*store_), 1u);
}

}  // namespace
}  // namespace pushmail
