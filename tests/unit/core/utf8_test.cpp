// UTF-8 against RFC 3629: every code point, every pair and every triple of bytes that could begin one.
#include "core/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace pushmail {
namespace {

bool is_character(char32_t c) { return c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF); }

// RFC 3629 §4, as its grammar says it; so many bytes of `text` are a character.
std::size_t size_by_grammar(std::string_view text) {
  const auto is = [&](std::size_t at, int from, int to) {
    return at < text.size() && static_cast<unsigned char>(text[at]) >= from && static_cast<unsigned char>(text[at]) <= to;
  };
  const auto tails = [&](std::size_t from, std::size_t to) {
    for (std::size_t at = from; at < to; ++at) {
      if (!is(at, 0x80, 0xBF)) return false;
    }
    return true;
  };
  if (is(0, 0x00, 0x7F)) return 1;
  if (is(0, 0xC2, 0xDF) && tails(1, 2)) return 2;
  if (is(0, 0xE0, 0xE0) && is(1, 0xA0, 0xBF) && tails(2, 3)) return 3;
  if (is(0, 0xE1, 0xEC) && tails(1, 3)) return 3;
  if (is(0, 0xED, 0xED) && is(1, 0x80, 0x9F) && tails(2, 3)) return 3;
  if (is(0, 0xEE, 0xEF) && tails(1, 3)) return 3;
  if (is(0, 0xF0, 0xF0) && is(1, 0x90, 0xBF) && tails(2, 4)) return 4;
  if (is(0, 0xF1, 0xF3) && tails(1, 4)) return 4;
  if (is(0, 0xF4, 0xF4) && is(1, 0x80, 0x8F) && tails(2, 4)) return 4;
  return 0;
}

TEST(Utf8, EveryCodePointThereAndBack) {
  std::size_t wrong = 0;
  for (char32_t c = 0; c <= 0x110100; ++c) {
    const Utf8Character written = utf8_of(c);
    const CodePoint read = code_point_at(written.view());
    const std::size_t size = !is_character(c) ? 3 : c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    wrong += read.value == (is_character(c) ? c : replacement_character) && read.size == size && written.size == size ? 0 : 1;
    // Without its last byte it is none.
    wrong += code_point_at(written.view().substr(0, size - 1)) ? 1 : 0;
  }
  EXPECT_EQ(wrong, 0U);
}

TEST(Utf8, EveryLeadAndSecondByteByTheGrammar) {
  std::size_t wrong = 0;
  for (int lead = 0; lead < 256; ++lead) {
    for (int second = 0; second < 256; ++second) {
      for (const int third : {0x00, 0x7F, 0x80, 0xBF, 0xC0, 0xFF}) {
        const std::string text{static_cast<char>(lead), static_cast<char>(second), static_cast<char>(third), '\x80'};
        for (std::size_t size = 1; size <= text.size(); ++size) {
          const std::string_view part = std::string_view(text).substr(0, size);
          wrong += code_point_at(part).size == size_by_grammar(part) ? 0 : 1;
        }
      }
    }
  }
  EXPECT_EQ(wrong, 0U);
}

TEST(Utf8, TakesCharactersAndBrokenBytesFromTheFront) {
  std::string_view rest = "a\xC3\xA9\x80\xF0\x9F\x98\x80\xE2\x82";
  const std::optional<char32_t> expected[] = {U'a', U'é', std::nullopt, U'😀', std::nullopt, std::nullopt};
  for (const auto& c : expected) {
    ASSERT_FALSE(rest.empty());
    EXPECT_EQ(take_code_point(rest), c);
  }
  EXPECT_TRUE(rest.empty());
  EXPECT_FALSE(code_point_at(""));
  EXPECT_FALSE(code_point_at("a", 1));
  EXPECT_EQ(character_size("\xE2\x82\xAC", 0), 3U);
  EXPECT_EQ(character_size("\x82\xAC", 0), 1U);
}

TEST(Utf8, CutsBetweenCharacters) {
  const std::string_view text = "aé€😀";  // 1, 2, 3, 4 bytes
  const std::size_t borders[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};
  for (std::size_t size_max = 0; size_max < std::size(borders); ++size_max) EXPECT_EQ(cut_utf8(text, size_max).size(), borders[size_max]);
  // No UTF-8: as much as there is room for.
  EXPECT_EQ(cut_utf8(std::string(20, '\x80'), 10).size(), 10U);
  EXPECT_EQ(cut_utf8("\x80\x80\x80", 2).size(), 2U);
  EXPECT_EQ(code_point_count(text), 4U);
  EXPECT_EQ(code_point_count(""), 0U);
}

}  // namespace
}  // namespace pushmail
