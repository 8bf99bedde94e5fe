// Every kernel of every row gives what scalar gives: all lengths 0..300 at all places 0..63 of a buffer that ends with the input, for texts
// that go right and texts that do not.
#include <gtest/gtest.h>

#include <random>

#include "tests/unit/codec/simd/compare.h"

namespace pushmail::simd {
namespace {

class Differential : public testing::TestWithParam<const Kernels*> {
 protected:
  std::mt19937 random_{3};

  Bytes drawn(std::string_view letters, std::size_t size) {
    Bytes bytes(size);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(letters[random_() % letters.size()]);
    return bytes;
  }

  /// The bytes stand at the end of their buffer, so that a sanitizer sees a read behind them, and `place` bytes behind its start.
  void every_length_at_every_place(const Bytes& text) {
    ASSERT_GE(text.size(), 364U);
    for (std::size_t size = 0; size <= 300; ++size) {
      for (std::size_t place = 0; place < 64; ++place) {
        const Bytes buffer(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(place + size));
        const std::string different = difference(*GetParam(), ByteView(buffer).subspan(place));
        ASSERT_EQ(different, "") << "size " << size << " place " << place;
      }
    }
  }
};

INSTANTIATE_TEST_SUITE_P(All, Differential, testing::ValuesIn(all_supported().begin(), all_supported().end()),
                         [](const auto& row) { return std::string(row.param->name); });

TEST_P(Differential, EveryLengthAtEveryPlace) {
  Bytes noise(400);
  for (auto& byte : noise) byte = static_cast<std::uint8_t>(random_());
  every_length_at_every_place(noise);
  every_length_at_every_place(drawn("ab =\t\r\n.-\xC3\xA9", 400));
  every_length_at_every_place(drawn("=0Aa9fG\r\n ", 400));
}

TEST_P(Differential, EncodedTextsWithAFaultAnywhere) {
  Bytes plain(300);
  for (auto& byte : plain) byte = static_cast<std::uint8_t>(random_());
  for (const std::string_view line_end : {"\r\n", "\n", " \r\n", ""}) {
    for (const std::size_t columns : {32U, 60U, 61U, 64U, 72U, 76U, 100U}) {
      Bytes coded(base64_encoded_size(plain.size()));
      scalar_kernels_of().base64_encode(plain, coded);
      Bytes text;
      std::size_t column = 0;
      for (const std::uint8_t c : coded) {
        if (c == '\r' || c == '\n') continue;
        text.push_back(c);
        if (++column == columns) {
          append(text, line_end);
          column = 0;
        }
      }
      ASSERT_EQ(difference(*GetParam(), text), "");
      for (std::size_t at = 0; at < text.size(); ++at) {
        const std::uint8_t was = text[at];
        for (const char bad : {'=', '!', '\n', '\r', ' ', 'A'}) {
          text[at] = static_cast<std::uint8_t>(bad);
          ASSERT_EQ(difference(*GetParam(), text), "") << columns << " at " << at << " byte " << int{bad};
        }
        text[at] = was;
      }
    }
  }
}

TEST_P(Differential, EveryByteInABase64Block) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    for (const std::size_t at : {0U, 13U, 31U, 70U}) {
      Bytes text(152, 'A');
      text[at] = static_cast<std::uint8_t>(byte);
      ASSERT_EQ(difference(*GetParam(), text), "") << byte;
    }
  }
}

TEST_P(Differential, RandomMixtures) {
  for (const std::string_view letters : {"ab =\t\r\n", "=0A\r\n ", "a\xE3\x81\x82", "\xF0\x9F\x98\x80\xED\xA0", "\r\n.-", "\x80\x85\x93",
                                         "\x80\xA4 \xC1\xD0", "AAAAAAAAAAAAA\r\n", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxx=\r\n"}) {
    for (int round = 0; round < 3000; ++round) ASSERT_EQ(difference(*GetParam(), drawn(letters, random_() % 700)), "") << letters;
  }
  std::string text;
  for (const char* piece : {"日本語", "é", "a", "😀", "текст", "plain text that is longer than a vector is wide"}) text += piece;
  while (text.size() < 2000) text += text;
  for (int round = 0; round < 3000; ++round) {
    Bytes bytes(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(random_() % 1000));
    if (!bytes.empty() && round % 2 == 0) bytes[random_() % bytes.size()] = static_cast<std::uint8_t>(random_());
    ASSERT_EQ(difference(*GetParam(), bytes), "");
  }
}

}  // namespace
}  // namespace pushmail::simd
