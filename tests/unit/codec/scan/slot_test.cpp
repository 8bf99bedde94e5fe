#include "codec/scan/slot.h"

#include <thread>

#include <gtest/gtest.h>

namespace pushmail::scan {
namespace {

std::unique_ptr<const RuleSet> set_of(std::uint32_t count) {
  std::vector<Rule> rules;
  for (std::uint32_t i = 0; i < count; ++i) {
    rules.push_back({.id = std::to_string(i),
                     .action = Action::hold,
                     .tag = {},
                     .where = place::text,
                     .kind = Kind::word,
                     .letter_case = Case::ignored,
                     .pattern = "meeting",
                     .line = 0});
  }
  auto set = RuleSet::compile(std::move(rules), PlainBy::hash);
  EXPECT_TRUE(set);
  return std::make_unique<const RuleSet>(std::move(*set));
}

TEST(RuleSetSlot, KeepsWhatIsHeld) {
  RuleSetSlot slot(2);
  EXPECT_TRUE(slot.take(0).rules().empty());
  const RuleSet& first = slot.take(1);
  slot.publish(set_of(1));
  EXPECT_EQ(1U, slot.collect()) << "both readers may hold the empty set";
  EXPECT_TRUE(first.rules().empty());
  EXPECT_EQ(1U, slot.take(0).rules().size());
  EXPECT_EQ(1U, slot.collect()) << "reader 1 still does";
  slot.publish(set_of(2));
  EXPECT_EQ(2U, slot.collect());
  slot.leave(1);
  EXPECT_EQ(1U, slot.collect()) << "reader 0 holds the set of one rule";
  EXPECT_EQ(2U, slot.take(0).rules().size());
  EXPECT_EQ(0U, slot.collect());
  slot.leave(0);
}

// For ThreadSanitizer and AddressSanitizer: a set that goes too early is read after it was freed.
TEST(RuleSetSlot, ReadersAndWriterTogether) {
  RuleSetSlot slot(2);
  std::atomic<bool> is_over = false;
  std::vector<std::thread> readers;
  for (std::size_t reader = 0; reader < 2; ++reader) {
    readers.emplace_back([&, reader] {
      Scratch scratch;
      std::size_t last = 0;
      while (!is_over.load()) {
        const RuleSet& set = slot.take(reader);
        EXPECT_GE(set.rules().size(), last) << "never an older set than before";
        last = set.rules().size();
        EXPECT_TRUE(scratch.prepare(set));
        const Piece piece{.where = place::text, .text = "a meeting"};
        EXPECT_EQ(last, set.scan({&piece, 1}, scratch).count);
        if (last % 7 == 3) slot.leave(reader);
      }
      slot.leave(reader);
    });
  }
  for (std::uint32_t count = 1; count <= 60; ++count) {
    slot.publish(set_of(count));
    slot.collect();
    std::this_thread::yield();
  }
  is_over.store(true);
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(0U, slot.collect());
}

}  // namespace
}  // namespace pushmail::scan
