#include "core/storage.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <set>
#include <span>
#include <string>

#include "core/errors.h"
#include "tests/unit/core/temporary_folder.h"

namespace pushmail {
namespace {

namespace fs = std::filesystem;

using Folder = TemporaryFolder;

TEST(Storage, every_sync_has_a_row_and_says_what_it_is_for) {
  std::set<std::string_view> names;
  for (const SyncRow& row : syncs) {
    EXPECT_FALSE(row.without.empty());
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
  }
}

TEST(Storage, what_is_absent_and_what_cannot_be_read_are_told_apart) {
  const Folder folder;
  const auto absent = read_file(system_storage(), folder.path / "none");
  ASSERT_FALSE(absent.has_value());
  EXPECT_TRUE(absent.error().is(core_file_read));
  EXPECT_EQ(absent.error().os, ENOENT);
  ASSERT_EQ(::mkfifo((folder.path / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(read_file(system_storage(), folder.path / "fifo").error().os, EINVAL);
  EXPECT_EQ(read_file(system_storage(), folder.path).error().os, EINVAL);
  fs::create_symlink("/etc/hostname", folder.path / "link");
  EXPECT_EQ(read_file(system_storage(), folder.path / "link").error().os, ELOOP);
}

TEST(Storage, a_file_is_read_into_memory_of_the_callers) {
  const Folder folder;
  const fs::path file = folder.path / "file";
  ASSERT_TRUE(replace_file(system_storage(), file, bytes_of("some words"), 0600).has_value());
  std::array<std::uint8_t, 64> memory{};
  const auto filled = read_file(system_storage(), file, [&](std::size_t size) { return std::span(memory).first(size); });
  ASSERT_TRUE(filled.has_value());
  EXPECT_EQ(filled->data(), memory.data());
  EXPECT_EQ(text_of(*filled), "some words");
  const auto none = read_file(system_storage(), file, [&](std::size_t) { return std::span(memory).first(9); });
  EXPECT_EQ(none.error().os, ENOMEM);
}

TEST(Storage, a_replaced_file_has_its_mode_and_leaves_nothing_beside_it) {
  const Folder folder;
  const fs::path file = folder.path / "state";
  for (const std::string_view content : {"first", "", "second and longer"}) {
    ASSERT_TRUE(replace_file(system_storage(), file, bytes_of(content), 0600).has_value());
    EXPECT_EQ(text_of(read_file(system_storage(), file).value()), content);
  }
  struct stat info{};
  ASSERT_EQ(::stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path), fs::directory_iterator()), 1);
  EXPECT_EQ(replace_file(system_storage(), folder.path / "none/state", {}, 0600).error().os, ENOENT);
}

TEST(Storage, folders_are_made_as_far_as_they_are_missing) {
  const Folder folder;
  EXPECT_TRUE(make_folders(system_storage(), folder.path / "a/b/c").has_value());
  EXPECT_TRUE(fs::is_directory(folder.path / "a/b/c"));
  EXPECT_TRUE(make_folders(system_storage(), folder.path / "a/b/c").has_value());
  std::ofstream(folder.path / "a/file") << "x";
  const auto in_the_way = make_folders(system_storage(), folder.path / "a/file/d");
  ASSERT_FALSE(in_the_way.has_value());
  EXPECT_TRUE(in_the_way.error().is(core_folder));
  EXPECT_EQ(in_the_way.error().os, EEXIST);
}

}  // namespace
}  // namespace pushmail
