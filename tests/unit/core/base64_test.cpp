// Base64 of short texts: the vectors of RFC 4648 §10, every length, and what is refused.
#include "core/base64.h"

#include <gtest/gtest.h>

namespace pushmail {
namespace {

TEST(Base64, VectorsOfTheRfc) {
  const std::pair<std::string_view, std::string_view> rows[] = {{"f", "Zg=="},        {"fo", "Zm8="},        {"foo", "Zm9v"},
                                                                {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [text, coded] : rows) {
    EXPECT_EQ(base64_encoded(text), coded);
    EXPECT_EQ(base64_decoded(coded), text);
  }
  EXPECT_EQ(base64_encoded(""), "");
}

TEST(Base64, EveryByteAndLengthThereAndBack) {
  std::string text;
  for (int i = 0; i < 300; ++i) {
    text += static_cast<char>(i * 7);
    ASSERT_EQ(base64_decoded(base64_encoded(text)), text);
  }
}

TEST(Base64, OneSpellingOnly) {
  for (const std::string_view bad : {"", "Zg", "Zg=", "Zg===", "Z===", "====", "Zg==Zg==", "Zm 9", "Zm9v\n", "Zm-_", "Zm9\xFF"}) {
    EXPECT_FALSE(base64_decoded(bad)) << bad;
  }
}

}  // namespace
}  // namespace pushmail
