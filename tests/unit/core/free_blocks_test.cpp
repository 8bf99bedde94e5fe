#include "core/free_blocks.h"

#include <gtest/gtest.h>

#include <array>

namespace pushmail {
namespace {

constexpr std::size_t ahead = 2;

TEST(FreeBlocks, EachByteOfABlockIsAsked) {
  constexpr auto is_high = [](auto at) { return at(0) >= 0x80; };
  std::array<char, 64 + ahead> text;
  for (std::size_t place = 0; place < text.size(); ++place) {
    text.fill('a');
    text[place] = '\x80';
    EXPECT_EQ(is_free_block<64>(text.data(), is_high), place >= 64) << place;
    EXPECT_EQ(is_free_block<16>(text.data(), is_high), place >= 16) << place;
  }
}

TEST(FreeBlocks, WhatFollowsIsAskedBehindTheBlockToo) {
  constexpr auto is_be_line = [](auto at) { return (at(0) == '\n') & (at(1) == 'b') & (at(2) == 'e'); };
  std::array<char, 64 + ahead> text;
  for (std::size_t place = 0; place < 64; ++place) {
    text.fill('a');
    text[place] = '\n';
    text[place + 1] = 'b';
    EXPECT_TRUE(is_free_block<64>(text.data(), is_be_line)) << place;
    text[place + 2] = 'e';
    EXPECT_FALSE(is_free_block<64>(text.data(), is_be_line)) << place;
  }
}

}  // namespace
}  // namespace pushmail
