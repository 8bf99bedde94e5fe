// The rule file as the program keeps it: read at start, read again when told, a bad one changes nothing.
#include "dataplane/rules/rule_keeper.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <fstream>

namespace pushmail {
namespace {

class RuleKeeperTest : public testing::Test {
 protected:
  void SetUp() override {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGHUP);
    ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &signals, nullptr), 0);
    reload_fd_ = ::signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    ASSERT_GE(reload_fd_, 0);
  }
  void TearDown() override {
    ::close(reload_fd_);
    std::filesystem::remove(file_);
  }
  void write(std::string_view rules) const { std::ofstream(file_) << rules; }
  /// The ids of the present rules.
  static std::string ids(scan::RuleSetSlot& slot) {
    std::string all;
    for (const scan::Rule& rule : slot.take(0).rules()) all += rule.id + " ";
    return all;
  }
  /// Told by the signal, as an operator does; turns until the set is another one.
  static std::string ids_after_reload(scan::RuleSetSlot& slot, std::string_view before) {
    EXPECT_EQ(::kill(::getpid(), SIGHUP), 0);
    std::string now(before);
    while (now == before) {
      now = ids(slot);
      ::sched_yield();
    }
    return now;
  }

  std::filesystem::path file_ = fmt::format("{}/pushmail_rules_{}", testing::TempDir(), ::getpid());
  int reload_fd_ = -1;
};

TEST_F(RuleKeeperTest, LoadsOrSaysEachMistakeWithFileLineAndRule) {
  EXPECT_TRUE(scan::load_rules("").value().rules().empty()) << "no file, no rules";
  write("# ours\na reject text word invoice\n");
  EXPECT_EQ(scan::load_rules(file_).value().rules().size(), 1U);

  write("a reject text word invoice\nb destroy text word x\nc reject text regex (a\nd hold nowhere word x\n");
  const auto parsed = scan::load_rules(file_);
  ASSERT_FALSE(parsed);
  ASSERT_EQ(parsed.error().size(), 2U) << "what can be said before compiling";
  EXPECT_EQ(parsed.error()[0].line, 2U);
  EXPECT_TRUE(parsed.error()[0].message.starts_with(file_.string() + ":2: rule b: an action is ")) << parsed.error()[0].message;
  EXPECT_EQ(parsed.error()[1].line, 4U);

  write("a reject text word invoice\nc reject text regex (a\n");
  const auto compiled = scan::load_rules(file_);
  ASSERT_FALSE(compiled);
  EXPECT_TRUE(compiled.error().front().message.starts_with(file_.string() + ":2: rule c: ")) << compiled.error().front().message;

  const auto missing = scan::load_rules(file_.string() + ".none");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().front().message, file_.string() + ".none:0: cannot be read: No such file or directory");
  EXPECT_EQ(missing.error().front().os, ENOENT);
}

TEST_F(RuleKeeperTest, ASignalReadsTheFileAgain) {
  write("a reject text word one\n");
  RuleKeeper keeper(file_, scan::load_rules(file_).value(), 1);
  EXPECT_EQ(ids(keeper.slot()), "a ");
  keeper.watch(reload_fd_);
  write("b reject text word two\nc hold text word three\n");
  EXPECT_EQ(ids_after_reload(keeper.slot(), "a "), "b c ");
  write("e reject text word four\n");
  EXPECT_EQ(ids_after_reload(keeper.slot(), "b c "), "e ");
  keeper.slot().leave(0);
  keeper.stop();
}

}  // namespace
}  // namespace pushmail
