// Pieces keep their addresses, memory is used again, and chunks grow so that many pieces cost few allocations.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "core/arena.h"

namespace pushmail {
namespace {

TEST(Arena, PiecesKeepTheirContentsAndAlignment) {
  Arena arena;
  std::vector<std::string_view> pieces;
  std::vector<std::string> expected;
  for (std::size_t i = 0; i < 2000; ++i) {
    expected.emplace_back(i % 97, static_cast<char>('a' + i % 26));
    pieces.push_back(arena.copy(expected.back()));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(arena.allocate(8, 8)) % 8, 0U);
  }
  const Arena moved = std::move(arena);
  for (std::size_t i = 0; i < pieces.size(); ++i) EXPECT_EQ(pieces[i], expected[i]);
  EXPECT_GE(moved.held(), moved.used());
}

TEST(Arena, ResizesOnlyTheLastPiece) {
  Arena arena;
  const MutableBytes first = arena.bytes(100);
  EXPECT_TRUE(arena.resize(first.data(), 100, 200));
  EXPECT_EQ(arena.used(), 200U);
  EXPECT_TRUE(arena.resize(first.data(), 200, 10));
  EXPECT_EQ(arena.used(), 10U);
  const MutableBytes second = arena.bytes(5);
  EXPECT_EQ(second.data(), first.data() + 10);
  EXPECT_FALSE(arena.resize(first.data(), 10, 11));
  EXPECT_FALSE(arena.resize(second.data(), 5, 1 << 20)) << "more than the chunk has";
}

TEST(Arena, ResetKeepsTheLargestChunk) {
  Arena arena;
  for (int i = 0; i < 100; ++i) static_cast<void>(arena.bytes(1000));
  arena.reset();
  EXPECT_EQ(arena.used(), 0U);
  const std::size_t held = arena.held();
  EXPECT_GE(held, 50'000U);
  for (int i = 0; i < 50; ++i) static_cast<void>(arena.bytes(1000));
  EXPECT_EQ(arena.held(), held);
  Arena other;
  static_cast<void>(other.copy("x"));
  other = std::move(arena);
  EXPECT_EQ(other.held(), held);
}

TEST(Arena, AdoptsThePiecesOfAnother) {
  Arena arena;
  const std::string_view own = arena.copy("own");
  Arena other;
  const std::string_view first = other.copy("first");
  const std::string_view second = other.copy(std::string(10'000, 's'));
  const std::size_t used = arena.used() + other.used();
  const std::size_t held = arena.held() + other.held();
  arena.adopt(std::move(other));
  EXPECT_EQ(arena.used(), used);
  EXPECT_EQ(arena.held(), held);
  EXPECT_EQ(arena.copy("next").data(), own.data() + own.size()) << "goes on where it was";
  EXPECT_EQ(first, "first");
  EXPECT_EQ(second, std::string(10'000, 's'));
  Arena empty;
  empty.adopt(std::move(arena));
  EXPECT_EQ(own, "own");
  empty.adopt(Arena());
  EXPECT_EQ(first, "first");
  empty.reset();
  EXPECT_EQ(empty.used(), 0U);
}

TEST(ArenaText, GrowsInPlaceAndBesideOthers) {
  Arena arena;
  ArenaText text(arena);
  std::string expected;
  for (int i = 0; i < 5000; ++i) {
    text += static_cast<char>('a' + i % 26);
    text += "xyz";
    if (i % 50 == 0) static_cast<void>(arena.bytes(3));
    expected += std::string(1, static_cast<char>('a' + i % 26)) + "xyz";
  }
  EXPECT_EQ(text.view(), expected);
  const std::string_view taken = text.take_view();
  EXPECT_EQ(taken, expected);
  EXPECT_TRUE(text.empty());
  text += "next";
  EXPECT_EQ(taken, expected);
  EXPECT_EQ(text.view(), "next");
}

TEST(ArenaText, TakenTextGivesBackWhatItReserved) {
  Arena arena;
  ArenaText text(arena);
  text.reserve(1000);
  text += "abc";
  EXPECT_EQ(text.take_view(), "abc");
  EXPECT_EQ(arena.used(), 3U);
}

}  // namespace
}  // namespace pushmail
