// One key for the hashes of persons in all programs' logs.
#include "core/log_key.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <sstream>
#include <vector>

#include "core/accounts.h"
#include "core/log.h"
#include "tests/unit/core/same_storage.h"
#include "tests/unit/core/temporary_folder.h"

namespace pushmail {
namespace {

/// A program of its own: what it writes to its log about one phone.
class Program {
 public:
  Program(const std::string& plane, const std::filesystem::path& folder, LogPersons persons = LogPersons::hashed) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    log_ = ends[0];
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(ends[1], STDERR_FILENO);
      log_start(plane, LogLevel::info, persons);
      share_log_key(folder);
      log_info("seen").person("phone", "+15551234567");
      ::_exit(0);
    }
    ::close(ends[1]);
  }
  /// All of its log; it has ended then.
  std::string log() {
    std::string text;
    char piece[4096];
    for (ssize_t size; (size = ::read(log_, piece, sizeof piece)) > 0;) text.append(piece, static_cast<std::size_t>(size));
    ::close(log_);
    int status = -1;
    EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
    EXPECT_EQ(status, 0);
    return text;
  }

 private:
  int log_ = -1;
  pid_t pid_ = -1;
};

/// The phone as a log has it.
std::string phone_in(const std::string& log) {
  const std::string field = "\"phone\":\"";
  const std::size_t at = log.find(field);
  if (at == std::string::npos) return "no line: " + log;
  return log.substr(at + field.size(), log.find('"', at + field.size()) - at - field.size());
}

struct LogKey : testing::Test {
  TemporaryFolder temporary;
  std::filesystem::path folder = temporary.path / "var/lib/pushmail/shared";
  std::filesystem::path file = folder / "log-key";

  static mode_t mode_of(const std::filesystem::path& path) {
    struct stat info{};
    EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
    return info.st_mode & 07777;
  }
};

TEST_F(LogKey, IsTheSameInTwoProgramsAndAfterARestart) {
  const std::string data = phone_in(Program("data", folder).log());
  const std::string control = phone_in(Program("control", folder).log());
  EXPECT_EQ(data.size(), 17u) << data;
  EXPECT_EQ(data.find("555"), std::string::npos);
  EXPECT_EQ(data, control);
  EXPECT_EQ(data, phone_in(Program("data", folder).log())) << "started again";
  EXPECT_NE(data, phone_in(Program("data", temporary.path / "another").log())) << "another installation";
}

TEST_F(LogKey, IsOneWhoeverStartsFirst) {
  for (int round = 0; round < 10; ++round) {
    const auto shared = temporary.path / std::to_string(round);
    std::vector<Program> programs;
    for (int i = 0; i < 8; ++i) programs.emplace_back("data", shared);
    std::set<std::string> phones;
    for (Program& program : programs) phones.insert(phone_in(program.log()));
    EXPECT_EQ(phones.size(), 1u);
  }
}

TEST_F(LogKey, BelongsToTheGroupAndToNobodyElse) {
  const mode_t before = ::umask(022);
  ASSERT_TRUE(shared_log_key(system_storage(), folder));
  ::umask(before);
  EXPECT_EQ(mode_of(folder), 03770u);
  EXPECT_EQ(mode_of(file), 0660u);
  EXPECT_EQ(std::filesystem::file_size(file), 16u);
  if (const auto group = find_group("pushmail"); ::geteuid() == 0 && group && *group) {
    struct stat info{};
    ASSERT_EQ(::stat(file.c_str(), &info), 0);
    EXPECT_EQ(info.st_gid, **group);
  }
}

TEST_F(LogKey, AFileOfAnotherSizeIsDrawnAnew) {
  for (const std::size_t size : {0u, 1u, 15u, 17u, 4096u}) {
    std::filesystem::create_directories(folder);
    std::ofstream(file, std::ios::trunc) << std::string(size, 'x');
    ASSERT_EQ(::chmod(file.c_str(), 0660), 0);
    const auto first = shared_log_key(system_storage(), folder);
    ASSERT_TRUE(first) << size;
    EXPECT_EQ(std::filesystem::file_size(file), 16u);
    EXPECT_EQ(*first, *shared_log_key(system_storage(), folder));
    EXPECT_NE(*first, HashKey{});
  }
}

TEST_F(LogKey, AKeyThatOthersReadIsNone) {
  ASSERT_TRUE(shared_log_key(system_storage(), folder));
  ASSERT_EQ(::chmod(file.c_str(), 0664), 0);
  const auto key = shared_log_key(system_storage(), folder);
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().info, &log_key_open);
}

TEST_F(LogKey, ALinkAPipeOrAFolderInItsPlaceIsRefused) {
  std::filesystem::create_directories(folder);
  std::ofstream(temporary.path / "elsewhere") << "0123456789abcdef";
  std::filesystem::create_symlink(temporary.path / "elsewhere", file);
  EXPECT_EQ(shared_log_key(system_storage(), folder).error().os, ELOOP);
  std::filesystem::remove(file);
  ASSERT_EQ(::mkfifo(file.c_str(), 0660), 0);
  EXPECT_EQ(shared_log_key(system_storage(), folder).error().os, EINVAL);
  std::filesystem::remove(file);
  std::filesystem::create_directory(file);
  EXPECT_EQ(shared_log_key(system_storage(), folder).error().os, EISDIR);
}

/// A disk whose call of this name fails.
class BrokenStorage final : public SameStorage {
 public:
  explicit BrokenStorage(std::string_view call) : call_(call) {}
  int open(const std::filesystem::path& file, int flags, mode_t mode) override {
    return call_ == "open" && file.filename() == "log-key" ? -EIO : SameStorage::open(file, flags, mode);
  }
  ssize_t read(int fd, std::span<std::uint8_t> to) override { return call_ == "read" ? -EIO : SameStorage::read(fd, to); }
  int write(int fd, ByteView bytes) override { return call_ == "write" ? -EIO : SameStorage::write(fd, bytes); }
  int truncate(int fd, std::uint64_t size) override { return call_ == "truncate" ? -EIO : SameStorage::truncate(fd, size); }
  int make_folder(const std::filesystem::path& folder, mode_t mode) override {
    return call_ == "make_folder" && folder.filename() == "shared" ? -EIO : SameStorage::make_folder(folder, mode);
  }

 private:
  std::string_view call_;
};

TEST_F(LogKey, ADiskThatFailsIsSaidAndLeavesNoHalfKey) {
  for (const std::string_view call : {"make_folder", "open", "read", "truncate", "write"}) {
    BrokenStorage broken(call);
    const auto key = shared_log_key(broken, folder);
    ASSERT_FALSE(key) << call;
    EXPECT_EQ(key.error().os, EIO) << call;
  }
  EXPECT_TRUE(shared_log_key(system_storage(), folder)) << "the disk works again";
  EXPECT_EQ(std::filesystem::file_size(file), 16u);
}

TEST_F(LogKey, WithoutItAProgramSaysSoAndLogsByAKeyOfItsOwn) {
  std::ofstream(temporary.path / "file") << "in the way";
  const std::string log = Program("data", temporary.path / "file" / "shared").log();
  EXPECT_NE(log.find("\"event\":\"log_key_own\""), std::string::npos) << log;
  EXPECT_NE(log.find("\"errno\":\"EEXIST\""), std::string::npos) << log;
  EXPECT_EQ(phone_in(log).size(), 17u);
}

TEST_F(LogKey, AClearLogNeedsNone) {
  EXPECT_EQ(phone_in(Program("data", folder, LogPersons::clear).log()), "+15551234567");
  EXPECT_FALSE(std::filesystem::exists(folder));
}

}  // namespace
}  // namespace pushmail
