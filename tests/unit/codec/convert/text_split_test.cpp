// Where texts are cut.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "codec/convert/text_split.h"
#include "codec/simd/simd.h"

namespace pushmail::convert {
namespace {

std::vector<std::string> split(std::string_view text, std::size_t size_max, std::size_t count_max = 100) {
  Arena arena;
  const auto pieces = split_text(text, {.size_max = size_max, .count_max = count_max}, arena);
  return {pieces.begin(), pieces.end()};
}
using Pieces = std::vector<std::string>;

TEST(GraphemeFloor, WhatIsSeenAsOneCharacterStaysWhole) {
  for (const std::string_view one : {"e\u0301\u0323", "🏳️‍🌈", "👩‍👩‍👧‍👦", "👍🏽", "🇩🇪", "각", "ᄀ\u1161\u11A8",
                                     "नि", "กำ", "が\u3099", "❤️", "1\uFE0F\u20E3", "日", "é"}) {
    const std::string text = "ab" + std::string(one) + "cd";
    for (std::size_t at = 2; at < 2 + one.size(); ++at) EXPECT_EQ(grapheme_floor(text, at), 2U) << one << at;
    EXPECT_EQ(grapheme_floor(text, 2 + one.size()), 2 + one.size()) << one;
  }
  const std::string flags = "🇩🇪🇫🇷🇯🇵";
  for (std::size_t at = 0; at < flags.size(); ++at) EXPECT_EQ(grapheme_floor(flags, at), at / 8 * 8) << at;
  EXPECT_EQ(grapheme_floor("abc", 3), 3U);
  EXPECT_EQ(grapheme_floor("abc", 9), 3U);
  EXPECT_EQ(grapheme_floor("", 0), 0U);
}

TEST(GraphemeFloor, HeapsOfMarksAreCutBetweenMarks) {
  std::string heap = "a";
  for (int i = 0; i < 1000; ++i) heap += "\u0301";
  EXPECT_EQ(grapheme_floor(heap, 1001), 1001U);
  EXPECT_EQ(grapheme_floor(heap, 1002), 1001U);
  EXPECT_EQ(grapheme_floor(heap, 101), 0U);
}

TEST(SplitText, BordersInTheOrderOfTheirWorth) {
  EXPECT_EQ(split("", 10), Pieces{});
  EXPECT_EQ(split(" \n ", 10), Pieces{});
  EXPECT_EQ(split("short", 10), Pieces{"short"});
  EXPECT_EQ(split("aaaa\n\nbb\ncc. dd ee", 14), (Pieces{"aaaa\n\nbb", "cc. dd ee"}));
  EXPECT_EQ(split("aaaaaaaa\n\nbb\ncc. dd ee", 14), (Pieces{"aaaaaaaa", "bb\ncc. dd ee"}));
  EXPECT_EQ(split("One two three. Four five six", 20), (Pieces{"One two three.", "Four five six"}));
  EXPECT_EQ(split("一二三四。五六七八九", 20), (Pieces{"一二三四。", "五六七八九"}));
  EXPECT_EQ(split("one two three four five", 12), (Pieces{"one two", "three four", "five"}));
  EXPECT_EQ(split("aaaaaaaaaaaaaaaaaaaa", 8), (Pieces{"aaaaaaaa", "aaaaaaaa", "aaaa"}));
  EXPECT_EQ(split("ééééé", 5), (Pieces{"éé", "éé", "é"}));
  EXPECT_EQ(split("👩‍👩‍👧‍👦👩‍👩‍👧‍👦", 26),
            (Pieces{"👩‍👩‍👧‍👦", "👩‍👩‍👧‍👦"}));
  EXPECT_EQ(split("日本", 1), (Pieces{"日", "本"}));
  EXPECT_EQ(split("ab", 0), (Pieces{"a", "b"}));
  EXPECT_EQ(split("  indented\n", 20), Pieces{"  indented"});
}

TEST(SplitText, CountIsBounded) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "word ";
  for (const std::size_t count : {1U, 2U, 3U, 20U}) {
    const Pieces pieces = split(text, 100, count);
    EXPECT_LE(pieces.size(), count);
    EXPECT_GE(pieces.size(), (count + 1) / 2);
  }
  EXPECT_EQ(split("a b", 1, 0), Pieces{"a b"});
}

TEST(SplitText, NothingIsLostOrBroken) {
  std::mt19937 random(7);
  constexpr std::string_view pool[] = {"a", "word", " ", "\n", "\n\n", ". ", "é", "日", "。", "e\u0301", "👩‍👧", "🇩🇪"};
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (auto i = random() % 60; i > 0; --i) text += pool[random() % std::size(pool)];
    const std::size_t size_max = 30 + random() % 40;
    std::string joined;
    const Pieces pieces = split(text, size_max, 1000);
    for (const std::string& piece : pieces) {
      EXPECT_LE(piece.size(), size_max);
      EXPECT_FALSE(piece.empty());
      EXPECT_EQ(simd::active().utf8_valid_prefix(bytes_of(piece)), piece.size());
      joined += piece;
    }
    const auto is_white = [](char c) { return c == ' ' || c == '\n'; };
    std::erase_if(text, is_white);
    std::erase_if(joined, is_white);
    EXPECT_EQ(joined, text);
  }
}

}  // namespace
}  // namespace pushmail::convert
