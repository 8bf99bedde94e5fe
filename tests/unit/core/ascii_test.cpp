// Classes of ASCII, numbers, hex and percent coding, each against every byte.
#include "core/ascii.h"

#include <gtest/gtest.h>

#include <cctype>

namespace pushmail {
namespace {

// The C library in its own locale knows the same classes.
TEST(Ascii, ClassesOfEveryByte) {
  for (int i = 0; i < 256; ++i) {
    const char c = static_cast<char>(i);
    const auto byte = static_cast<std::uint8_t>(i);
    const auto code_point = static_cast<char32_t>(i);
    const bool ascii = i < 128;
    EXPECT_EQ(is_digit(c), ascii && std::isdigit(i) != 0) << i;
    EXPECT_EQ(is_letter(c), ascii && std::isalpha(i) != 0) << i;
    EXPECT_EQ(is_alphanumeric(c), ascii && std::isalnum(i) != 0) << i;
    EXPECT_EQ(is_hex_digit(c), ascii && std::isxdigit(i) != 0) << i;
    EXPECT_EQ(is_control(c), ascii && std::iscntrl(i) != 0) << i;
    EXPECT_EQ(is_blank(c), c == ' ' || c == '\t') << i;
    EXPECT_EQ(is_white(c), c == ' ' || c == '\t' || c == '\r' || c == '\n') << i;
    EXPECT_EQ(is_above_ascii(c), !ascii) << i;
    EXPECT_EQ(is_digit(byte), is_digit(c)) << i;
    EXPECT_EQ(is_letter(byte), is_letter(c)) << i;
    EXPECT_EQ(is_digit(code_point), is_digit(c)) << i;
    EXPECT_EQ(is_letter(code_point), is_letter(c)) << i;
    EXPECT_EQ(hex_value(byte), hex_value(c)) << i;
  }
  // A character beyond a byte is in no class, whatever its last byte is.
  EXPECT_FALSE(is_digit(char32_t{0x130}));
  EXPECT_FALSE(is_letter(char32_t{0x141}));
}

TEST(Ascii, WholeTexts) {
  EXPECT_TRUE(is_digits("0123456789"));
  EXPECT_FALSE(is_digits(""));
  EXPECT_FALSE(is_digits("12a"));
  EXPECT_FALSE(is_digits("\xD9\xA1"));
  EXPECT_TRUE(is_ascii(""));
  EXPECT_TRUE(is_ascii(std::string_view("a\0\x7F", 3)));
  EXPECT_FALSE(is_ascii("caf\xC3\xA9"));
}

TEST(Ascii, HexDigits) {
  for (int value = 0; value < 16; ++value) {
    EXPECT_EQ(hex_value(hex_digits[static_cast<std::size_t>(value)]), value);
    EXPECT_EQ(hex_value(upper_hex_digits[static_cast<std::size_t>(value)]), value);
  }
  EXPECT_EQ(leading_hex_byte("a9"), 0xA9);
  EXPECT_EQ(leading_hex_byte("Ffrest"), 0xFF);
  for (const std::string_view none : {"", "1", "g0", "0g", "-1", " 1", "+1"}) EXPECT_FALSE(leading_hex_byte(none)) << none;
}

TEST(Ascii, Numbers) {
  EXPECT_EQ(parse_number<std::uint16_t>("65535"), 65535);
  EXPECT_EQ(parse_number<std::uint64_t>("00ff", 16), 255U);
  EXPECT_EQ(parse_number<int>("-5"), -5);
  EXPECT_EQ(parse_number<int>("0007"), 7);
  for (const std::string_view none : {"", "65536", "-1", "+1", " 1", "1 ", "0x1", "1.0"}) {
    EXPECT_FALSE(parse_number<std::uint16_t>(none)) << none;
  }
}

TEST(Ascii, PercentCoding) {
  EXPECT_EQ(percent_decoded("a%40b%2fc"), "a@b/c");
  EXPECT_EQ(percent_decoded("100%"), "100%");
  EXPECT_EQ(percent_decoded("%4%zz%%41"), "%4%zz%A");
  EXPECT_EQ(percent_encoded("a-b_c.9"), "a-b_c.9");
  EXPECT_EQ(percent_encoded("+34 \xC3\xA9/%"), "%2B34%20%C3%A9%2F%25");
  std::string every;
  for (int i = 0; i < 256; ++i) every += static_cast<char>(i);
  EXPECT_EQ(percent_decoded(percent_encoded(every)), every);
}

}  // namespace
}  // namespace pushmail
