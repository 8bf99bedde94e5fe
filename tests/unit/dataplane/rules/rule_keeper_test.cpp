// The rule file as the program keeps it: what is wrong with one, and a set that takes another's place.
#include "dataplane/rules/rule_keeper.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace pushmail {
namespace {

class RuleKeeperTest : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(file_); }
  void write(std::string_view rules) const { std::ofstream(file_) << rules; }
  /// The ids of the present rules.
  static std::string ids(scan::RuleSetSlot& slot) {
    std::string all;
    for (const scan::Rule& rule : slot.take(0).rules()) all += rule.id + " ";
    return all;
  }

  std::filesystem::path file_ = fmt::format("{}/pushmail_rules_{}", testing::TempDir(), ::getpid());
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

TEST_F(RuleKeeperTest, AReaderFindsTheNewSetAndTheOldOneGoesWhenItIsNotHeld) {
  write("a reject text word one\n");
  RuleKeeper keeper(file_, scan::load_rules(file_).value(), 1);
  EXPECT_EQ(ids(keeper.slot()), "a ");
  write("b reject text word two\nc hold text word three\n");
  keeper.replace(file_, scan::load_rules(file_).value());
  EXPECT_EQ(keeper.collect(), 1U) << "the reader still has the first one";
  EXPECT_EQ(ids(keeper.slot()), "b c ");
  EXPECT_EQ(keeper.collect(), 0U);
  keeper.slot().leave(0);
}

}  // namespace
}  // namespace pushmail
