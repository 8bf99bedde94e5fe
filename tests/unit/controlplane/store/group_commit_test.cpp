// Group commit on a real file: what has left rests on what a power cut leaves, whatever order changes, syncs and failures come in.
//
// fdatasync and statvfs are this program's own: they keep what was in the log when it was synced, and fail when a test wants it.
#include "controlplane/store/group_commit.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <random>
#include <set>

#include "controlplane/store/errors.h"
#include "controlplane/store/sqlite_store.h"

namespace {

std::mutex synced_guard;
std::string synced_log;  // the log's bytes at its last sync
std::atomic<int> log_syncs = 0;
std::atomic<bool> log_is_kept = true;
std::atomic<bool> sync_fails = false;
std::atomic<bool> checkpoint_fails = false;
std::atomic<bool> disk_is_full = false;

std::string contents(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

extern "C" int fdatasync(int fd) {
  if (sync_fails) {
    errno = EIO;
    return -1;
  }
  std::error_code error;
  const auto file = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), error);
  if (checkpoint_fails && file.filename() == "store.sqlite") {
    errno = EIO;
    return -1;
  }
  if (file.filename() == "store.sqlite-wal" && log_is_kept) {
    const std::scoped_lock lock(synced_guard);
    synced_log = contents(file);
    ++log_syncs;
  }
  return 0;
}

extern "C" int statvfs(const char* path, struct statvfs* room) {
  static const auto real = reinterpret_cast<int (*)(const char*, struct statvfs*)>(dlsym(RTLD_NEXT, "statvfs"));
  const int done = real(path, room);
  if (disk_is_full) room->f_bavail = 0;
  return done;
}

namespace pushmail {
namespace {

constexpr Timestamp noon{1'795'000'000'000'000};

Item numbered(std::uint64_t number) {
  Item one{.id = new_item_id(noon, 1), .source = Source::mailbox, .binding = "b1", .uid_validity = 3, .uid = std::to_string(number)};
  one.subject = std::string(200, 'x');
  return one;
}

struct GroupCommitTest : ::testing::Test {
  std::filesystem::path folder = std::filesystem::temp_directory_path() / ("pushmail-groups-" + to_string(new_item_id(noon, 0)));
  std::filesystem::path file = folder / "store.sqlite";
  boost::asio::io_context context;
  std::unique_ptr<Store> store;
  std::unique_ptr<GroupCommit> commits;
  int failures = 0;

  void SetUp() override {
    log_is_kept = true;
    sync_fails = false;
    checkpoint_fails = false;
    disk_is_full = false;
    std::filesystem::create_directories(folder);
    store = open_grouped_store(file).value();
    commits = std::make_unique<GroupCommit>(context, *store, [this](const Error&) { ++failures; });
    log_syncs = 0;
  }
  void TearDown() override {
    commits.reset();
    store.reset();
    std::filesystem::remove_all(folder);
  }
  void run() {
    context.restart();
    context.run();
  }
  Result<void> add(std::uint64_t number) {
    return store->write([&]() -> Result<void> {
      const auto added = store->add_item(numbered(number));
      return added ? Result<void>() : std::unexpected(added.error());
    });
  }
  /// UIDs of the items that are there after a power cut now.
  std::set<std::string> after_power_cut() const {
    const auto cut = folder / "cut.sqlite";
    std::filesystem::copy_file(file, cut, std::filesystem::copy_options::overwrite_existing);
    std::filesystem::remove(folder / "cut.sqlite-shm");
    {
      const std::scoped_lock lock(synced_guard);
      std::ofstream(folder / "cut.sqlite-wal", std::ios::binary) << synced_log;
    }
    const auto found = open_sqlite_store(cut).value();
    std::set<std::string> uids;
    const auto items = found->items({.count_max = 100'000}).value();
    for (const Item& one : items) uids.insert(one.uid);
    return uids;
  }
};

TEST_F(GroupCommitTest, WhatRestsOnNothingNewLeavesAtOnce) {
  bool left = false;
  commits->when_durable([&] { left = true; });
  EXPECT_TRUE(left);
}

TEST_F(GroupCommitTest, ChangesOfOneTurnAreOneSync) {
  std::set<std::string> seen;
  boost::asio::post(context, [&] {
    for (std::uint64_t i = 0; i < 100; ++i) ASSERT_TRUE(add(i));
    commits->when_durable([&] { seen = after_power_cut(); });
    EXPECT_TRUE(seen.empty()) << "it has not left yet";
  });
  run();
  EXPECT_EQ(seen.size(), 100U);
  EXPECT_EQ(log_syncs, 1);
}

TEST_F(GroupCommitTest, AWriteThatFailsLeavesTheOthersOfItsGroup) {
  ASSERT_TRUE(add(1));
  EXPECT_FALSE(store->write([&]() -> Result<void> {
    EXPECT_TRUE(store->add_item(numbered(2)).value());
    return fail(store_io);
  }));
  ASSERT_TRUE(add(3));
  run();
  EXPECT_EQ(after_power_cut(), (std::set<std::string>{"1", "3"}));
}

// A statement outside write() is a commit of its own, and waited for as well.
TEST_F(GroupCommitTest, AChangeOutsideAWriteIsSyncedToo) {
  ASSERT_TRUE(store->add_item(numbered(1)).value());
  bool left = false;
  commits->when_durable([&] { left = true; });
  EXPECT_FALSE(left);
  run();
  EXPECT_TRUE(left);
  EXPECT_EQ(after_power_cut(), std::set<std::string>{"1"});
}

TEST_F(GroupCommitTest, LeavesInTheOrderOfTheCalls) {
  std::vector<int> order;
  ASSERT_TRUE(add(1));
  commits->when_durable([&] {
    order.push_back(1);
    commits->when_durable([&] { order.push_back(3); });
  });
  commits->when_durable([&] { order.push_back(2); });
  run();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST_F(GroupCommitTest, ASyncThatFailsLetsNothingLeave) {
  ASSERT_TRUE(add(1));
  sync_fails = true;
  bool left = false;
  commits->when_durable([&] { left = true; });
  run();
  EXPECT_EQ(failures, 1);
  sync_fails = false;
  commits->when_durable([&] { left = true; });
  (void)add(2);
  run();
  EXPECT_FALSE(left);
  EXPECT_EQ(failures, 1);
}

// A statement too large for SQLite's memory (32 MiB) goes to the log at once, and a file that may not grow refuses it: SQLite may then undo
// the whole group, which was never to be noticed. Whether the statement stands in a write or alone, what has left is there.
struct UndoneGroup : GroupCommitTest, ::testing::WithParamInterface<bool> {};
TEST_P(UndoneGroup, IsNotTakenForCommitted) {
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_TRUE(add(1));
  bool left = false;
  commits->when_durable([&] { left = true; });
  const rlimit small{.rlim_cur = 1'000'000, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  Item large = numbered(2);
  large.subject = std::string(40'000'000, 'x');
  const auto add_it = [&]() -> Result<void> {
    const auto added = store->add_item(large);
    return added ? Result<void>() : std::unexpected(added.error());
  };
  const auto accepted = GetParam() ? store->write(add_it) : add_it();
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_FALSE(accepted);
  run();
  EXPECT_EQ(left, failures == 0);
  if (left) {
    EXPECT_TRUE(after_power_cut().contains("1"));
  }
}
INSTANTIATE_TEST_SUITE_P(InAWriteAndAlone, UndoneGroup, ::testing::Bool());

TEST_F(GroupCommitTest, AFullDiskRefusesTheWriteAndKeepsWhatWasAccepted) {
  ASSERT_TRUE(add(1));
  run();
  disk_is_full = true;
  const auto refused = add(2);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(store_io));
  EXPECT_EQ(refused.error().os, ENOSPC);
  disk_is_full = false;
  EXPECT_TRUE(add(3));
  run();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(after_power_cut(), (std::set<std::string>{"1", "3"}));
}

// Changes, failures and what waits for them in any order, power cuts at every moment: whatever has left is there.
TEST_F(GroupCommitTest, WhatHasLeftSurvivesAPowerCut) {
  std::mt19937_64 random(7);
  std::set<std::string> accepted;
  std::set<std::string> told;
  std::uint64_t number = 0;
  for (int turn = 0; turn < 60; ++turn) {
    boost::asio::post(context, [&] {
      for (std::uint64_t i = random() % 4; i > 0; --i) {
        const bool fails = random() % 4 == 0;
        const std::uint64_t uid = ++number;
        const auto done = store->write([&]() -> Result<void> {
          EXPECT_TRUE(store->add_item(numbered(uid)).value());
          return fails ? Result<void>(fail(store_io)) : Result<void>();
        });
        EXPECT_EQ(done.has_value(), !fails);
        if (done) accepted.insert(std::to_string(uid));
        commits->when_durable([&, known = accepted] {
          told = known;
          if (random() % 8 != 0) return;
          const auto kept = after_power_cut();
          EXPECT_TRUE(std::ranges::includes(kept, told));
        });
      }
    });
  }
  run();
  EXPECT_EQ(told, accepted);
  EXPECT_EQ(after_power_cut(), accepted);
}

// The log has what could not be moved, and a later checkpoint moves it.
TEST_F(GroupCommitTest, ACheckpointThatFailsCostsNothing) {
  log_is_kept = false;
  checkpoint_fails = true;
  for (std::uint64_t group = 0; group < 300; ++group) {
    for (std::uint64_t i = 0; i < 20; ++i) ASSERT_TRUE(add(group * 20 + i));
    run();
    checkpoint_fails = group < 250;
  }
  EXPECT_EQ(failures, 0);
  commits.reset();
  store.reset();
  EXPECT_EQ(open_sqlite_store(file).value()->items({.count_max = 100'000}).value().size(), 6000U);
}

// Under load the log begins anew now and then, and nothing is lost on the way into the file.
TEST_F(GroupCommitTest, TheLogDoesNotGrowForEver) {
  log_is_kept = false;
  std::uintmax_t largest = 0;
  for (std::uint64_t group = 0; group < 400; ++group) {
    boost::asio::post(context, [&, group] {
      for (std::uint64_t i = 0; i < 20; ++i) ASSERT_TRUE(add(group * 20 + i));
    });
    run();
    largest = std::max(largest, std::filesystem::file_size(folder / "store.sqlite-wal"));
  }
  EXPECT_LT(largest, 64U * 1024 * 1024);
  EXPECT_GT(std::filesystem::file_size(file), 1024U * 1024) << "checkpoints have moved pages";
  commits.reset();
  store.reset();
  EXPECT_EQ(open_sqlite_store(file).value()->items({.count_max = 100'000}).value().size(), 8000U);
}

}  // namespace
}  // namespace pushmail
