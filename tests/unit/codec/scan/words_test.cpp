#include "codec/scan/words.h"

#include <array>

#include <gtest/gtest.h>

#include "codec/scan/everyday.h"
#include "codec/scan/masks.h"

namespace pushmail::scan {
namespace {

std::string joined(std::string_view text) {
  std::string out;
  for (const Word& word : words_of(text)) out += "[" + std::string(text.substr(word.from, word.size)) + "]";
  return out;
}

TEST(Words, AreLettersAndDigits) {
  EXPECT_EQ("[don][t][stop][3][14]", joined("don't stop_3.14!"));
  EXPECT_EQ("[Größe][naïve]", joined("„Größe“ — naïve…"));
  EXPECT_EQ("[Привет][мир]", joined("Привет, мир!"));
  EXPECT_EQ("[γειά][σου]", joined("γειά\xC2\xA0σου"));
  EXPECT_EQ("[免][费][领][取][now]", joined("免费领取now")) << "a script without blanks: each character";
  EXPECT_EQ("[a][b]", joined("a\xF0\x9F\x98\x80"
                             "b"))
      << "an emoji is no letter";
  EXPECT_EQ("[a][b]", joined("a\xFF"
                             "b"))
      << "nor is a broken byte";
  EXPECT_EQ("", joined("... \xC3"));
}

TEST(Words, FoldKeepsSize) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    const char32_t f = fold(c);
    ASSERT_EQ(f, fold(f)) << std::hex << static_cast<std::uint32_t>(c);
    const auto size = [](char32_t x) { return x < 0x80 ? 1 : x < 0x800 ? 2 : x < 0x10000 ? 3 : 4; };
    ASSERT_EQ(size(c), size(f)) << std::hex << static_cast<std::uint32_t>(c);
    ASSERT_EQ(class_of(c), class_of(f)) << std::hex << static_cast<std::uint32_t>(c);
  }
  EXPECT_EQ("straße ärger éa ΐσσ жёлтый łódź ÿ ѐ ԁ ա ḿ ế ž", folded("STRAßE ÄRGER Éa ΐΣς ЖЁЛТЫЙ ŁÓDŹ Ÿ Ѐ Ԁ Ա Ḿ Ế Ž"));
  EXPECT_EQ("İıſ\xE2\x84\xAAẞ", folded("İıſ\xE2\x84\xAAẞ")) << "left as they are: their small letters have another size or none";
}

TEST(Words, CharactersBothWays) {
  for (const std::string text :
       {"aé€😀z", "\xC3", "\xA9", "\xE2\x82", "a\xF0\x9F\x98", "\xC0\xAF", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\xC3\xA9\xA9"}) {
    std::vector<std::size_t> forward{0};
    for (std::size_t at = 0; at < text.size();) forward.push_back(at += character_at(text, at).size);
    std::vector<std::size_t> backward{text.size()};
    for (std::size_t end = text.size(); end > 0;) backward.insert(backward.begin(), end -= character_before(text, end).size);
    EXPECT_EQ(forward, backward) << text;
    ASSERT_EQ(text.size(), forward.back());
  }
}

TEST(Masks, KernelIsScalar) {
  std::array<char, 64> bytes{};
  for (unsigned shift = 0; shift < 256; ++shift) {
    for (unsigned i = 0; i < 64; ++i) bytes[i] = static_cast<char>(static_cast<unsigned char>(i * 5 + shift));
    const Masks scalar = masks_scalar(bytes.data());
    const Masks best = best_mask_kernel()(bytes.data());
    ASSERT_EQ(scalar.word, best.word);
    ASSERT_EQ(scalar.high, best.high);
    for (unsigned i = 0; i < 64; ++i) {
      const auto c = static_cast<unsigned char>(bytes[i]);
      ASSERT_EQ(c < 0x80 && class_of(c) == CharClass::letter, (scalar.word >> i & 1U) != 0);
      ASSERT_EQ(c >= 0x80, (scalar.high >> i & 1U) != 0);
    }
  }
}

TEST(Everyday, IsAList) {
  EXPECT_TRUE(is_everyday("about"));
  EXPECT_TRUE(is_everyday("meeting"));
  EXPECT_TRUE(is_everyday("your"));
  EXPECT_FALSE(is_everyday("xqzvorl"));
  EXPECT_FALSE(is_everyday(""));
}

}  // namespace
}  // namespace pushmail::scan
