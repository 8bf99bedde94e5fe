#include "core/contract/counters/counters.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <thread>

namespace pushmail {
namespace {

struct File {
  std::filesystem::path folder;
  File() {
    std::string name = (std::filesystem::temp_directory_path() / "pushmail-counters-XXXXXX").string();
    folder = mkdtemp(name.data());
  }
  ~File() { std::filesystem::remove_all(folder); }
};

TEST(Counters, a_reader_sees_names_and_values) {
  File file;
  auto counters = Counters::create(file.folder / "counters");
  ASSERT_TRUE(counters.has_value());
  (*counters)->add(Counter::mails_sent, 3);
  (*counters)->add(Counter::mails_sent);
  (*counters)->set(Counter::items, 7);
  const auto entries = read_counters(file.folder / "counters");
  ASSERT_TRUE(entries.has_value());
  ASSERT_EQ(entries->entries.size(), counter_rows.size());
  EXPECT_EQ(entries->owner.pid, 0);
  EXPECT_EQ(entries->value(Counter::items), 7U);
  for (const auto& [name, value] : entries->entries) {
    if (name == "pushmail_data_mails_sent_total") {
      EXPECT_EQ(value, 4u);
    } else if (name == "pushmail_data_items") {
      EXPECT_EQ(value, 7u);
    } else {
      EXPECT_EQ(value, 0u) << name;
    }
  }
}

TEST(Counters, the_file_says_whose_it_is) {
  File file;
  auto counters = Counters::create(file.folder / "counters", {.pid = 4711, .started = {1'795'000'000'000'000}, .configuration = 42});
  ASSERT_TRUE(counters.has_value());
  const auto read = read_counters(file.folder / "counters");
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->owner.pid, 4711);
  EXPECT_EQ(read->owner.started.us, 1'795'000'000'000'000);
  EXPECT_EQ(read->owner.configuration, 42U);
  EXPECT_EQ(read_counters(file.folder / "none").error().os, ENOENT);
}

TEST(Counters, a_new_file_starts_at_zero_and_the_old_mapping_stays_valid) {
  File file;
  auto first = Counters::create(file.folder / "counters");
  (*first)->add(Counter::turns, 5);
  auto second = Counters::create(file.folder / "counters");
  EXPECT_EQ((*second)->get(Counter::turns), 0u);
  EXPECT_EQ((*first)->get(Counter::turns), 5u);
}

TEST(Counters, two_threads_lose_nothing) {
  const auto counters = Counters::in_memory();
  const auto work = [&] {
    for (int i = 0; i < 20'000; ++i) counters->add(Counter::turns);
  };
  std::thread other(work);
  work();
  other.join();
  EXPECT_EQ(counters->get(Counter::turns), 40'000u);
}

TEST(Counters, broken_files_are_refused) {
  File file;
  EXPECT_FALSE(read_counters(file.folder / "none").has_value());
  for (const std::string& text : {std::string(), std::string("PMCOUNT1"), std::string(64, 'x'), "PMCOUNT1" + std::string(56, '\xff')}) {
    std::ofstream(file.folder / "bad", std::ios::binary) << text;
    EXPECT_FALSE(read_counters(file.folder / "bad").has_value());
  }
}

TEST(Counters, names_are_unique_and_formed_alike) {
  std::set<std::string_view> names;
  for (const CounterRow& row : counter_rows) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_TRUE(row.name.starts_with("pushmail_data_")) << row.name;
    EXPECT_FALSE(row.help.empty());
  }
}

}  // namespace
}  // namespace pushmail
