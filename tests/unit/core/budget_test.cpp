// Budgets of strangers, and the keyed hash they stand on.
#include "core/budget.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace pushmail {
namespace {

constexpr Instant start{seconds(1000).ns};

TEST(Budget, ComesBackEvenly) {
  Budget budget({.count = 4, .window = seconds(60)});
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(budget.take("a", start));
  EXPECT_FALSE(budget.has("a", start));
  EXPECT_FALSE(budget.take("a", start + seconds(14)));
  EXPECT_TRUE(budget.take("b", start));
  // A quarter of the window: one of four is back, and only one.
  EXPECT_TRUE(budget.take("a", start + seconds(15)));
  EXPECT_FALSE(budget.take("a", start + seconds(15)));
  budget.give_back(bytes_of("a"));
  EXPECT_TRUE(budget.take("a", start + seconds(15)));
  EXPECT_FALSE(budget.take("a", start + seconds(15)));
  EXPECT_FALSE(Budget({.count = 0, .window = seconds(60)}).take("a", start));
}

TEST(Budget, TwoOfOneKeyAreBothSpent) {
  TwoBudgets budgets({.burst = {.count = 2, .window = seconds(1)}, .lasting = {.count = 3, .window = seconds(3600)}});
  const Bytes key(4);
  EXPECT_TRUE(budgets.take(key, start));
  EXPECT_TRUE(budgets.take(key, start));
  EXPECT_FALSE(budgets.take(key, start));
  EXPECT_TRUE(budgets.take(key, start + seconds(2)));
  EXPECT_FALSE(budgets.take(key, start + seconds(4)));
}

// A flooder who wants to be forgotten fills the table with other keys: those that spent less go first.
TEST(Budget, NobodyIsForgottenBeforeThoseWhoSpentLess) {
  Budget budget({.count = 10, .window = seconds(3600)}, 64);
  while (budget.take("flooder", start)) {
  }
  for (int i = 0; i < 100'000; ++i) EXPECT_TRUE(budget.take(fmt::format("cover-{}", i), start));
  EXPECT_FALSE(budget.has("flooder", start));
}

TEST(Budget, ASourceIsANetworkOfOneSubscriber) {
  const auto group = [](std::string_view text) { return to_string(source_group(parse_ip(text).value())); };
  EXPECT_EQ(group("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(group("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
}

// The vectors of the algorithm's authors: key 00 01 .. 0f, input 00 01 .. of that length.
TEST(SipHash, KnownVectors) {
  HashKey key;
  for (std::uint8_t i = 0; i < 16; ++i) key[i] = i;
  Bytes input;
  const auto long_hash = [&] {
    SipHash hash(key, SipHash::Length::bits128);
    hash.add(input);
    return to_hex(hash.result128());
  };
  EXPECT_EQ(siphash(key, input), 0x726fdb47dd0e0e31U);
  EXPECT_EQ(long_hash(), "a3817f04ba25a8e66df67214c7550293");
  input.push_back(0);
  EXPECT_EQ(long_hash(), "da87c1d86b99af44347659119b22fc45");
  for (std::uint8_t i = 1; i < 15; ++i) input.push_back(i);
  EXPECT_EQ(siphash(key, input), 0xa129ca6149be45e5U);
}

TEST(SipHash, PiecesAreTheWhole) {
  const HashKey key = new_hash_key();
  Bytes input;
  for (int i = 0; i < 100; ++i) input.push_back(static_cast<std::uint8_t>(i * 7));
  for (std::size_t cut = 0; cut <= input.size(); ++cut) {
    SipHash pieces(key, SipHash::Length::bits64);
    pieces.add(ByteView{input}.first(cut));
    pieces.add(ByteView{input}.subspan(cut));
    EXPECT_EQ(pieces.result64(), siphash(key, input)) << cut;
  }
}

}  // namespace
}  // namespace pushmail
