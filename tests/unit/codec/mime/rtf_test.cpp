// RTF as text, and the page inside it; the compressed form of MAPI.
#include "codec/mime/rtf.h"

#include <gtest/gtest.h>

#include <string>

namespace pushmail::mime {
namespace {

std::string text_of_rtf(std::string_view rtf) {
  Arena arena;
  return std::string(read_rtf(bytes_of(rtf), arena).text);
}

TEST(Rtf, Text) {
  struct Row {
    std::string_view rtf, expected;
  };
  const Row rows[] = {
      {R"({\rtf1\ansi Hello\par Bob})", "Hello\nBob"},
      {R"({\rtf1\ansi\ansicpg1252{\fonttbl{\f0\fswiss Arial;}}{\colortbl;\red0;}\f0 caf\'e9 {\b bold}\tab x\line y})", "café bold\tx\ny"},
      {R"({\rtf1\ansi\ansicpg1251 \'cf\'f0\'e8})", "При"},
      // A font of another charset, and a character of two bytes.
      {R"({\rtf1\ansi\ansicpg1252{\fonttbl{\f0 A;}{\f1\fcharset204 B;}{\f2\fcharset128 C;}}\f1\'cf\f0\'e9\f2\'93\'fa})", "Пé日"},
      {R"({\rtf1\ansi\uc1 \u8364? \u-10179?\u-8704?\uc2\u233 ??x})", "€ 😀éx"},
      {R"({\rtf1 a\{b\}\\c\~d\_e\-f})",
       "a{b}\\c\xC2\xA0"
       "d-ef"},
      {R"({\rtf1{\*\generator x;}{\info{\title t}}{\pict 0102}{\stylesheet{s}}text{\field{\*\fldinst HYPERLINK "x"}{\fldrslt link}}})",
       "textlink"},
      {R"({\rtf1 a\emdash b\ldblquote c\rdblquote})", "a—b“c”"},
      {"{\\rtf1 a\\bin3 {}}b}", "ab"},
      {R"({\rtf1 not closed)", "not closed"},
      {R"({\rtf1 too}}} many})", "too many"},
      {"no rtf", "no rtf"},
      {"", ""},
  };
  for (const Row& row : rows) EXPECT_EQ(text_of_rtf(row.rtf), row.expected) << row.rtf;
}

TEST(Rtf, ThePageThatItWasMadeOf) {
  Arena arena;
  const RtfText read = read_rtf(
      bytes_of(
          R"({\rtf1\ansi\ansicpg1252\fromhtml1 {\*\htmltag64 <p>}\htmlrtf {\b\htmlrtf0 5 < 6 & caf\'e9{\*\htmltag84 &nbsp;}\htmlrtf \'a0\htmlrtf0 x\htmlrtf }\htmlrtf0 {\*\htmltag72 </p>}\htmlrtf \par\htmlrtf0 })"),
      arena);
  EXPECT_TRUE(read.is_html);
  EXPECT_EQ(read.text, "<p>5 &lt; 6 &amp; café&nbsp;x</p>");
}

// The example of MS-OXRTFCP §3.1.1.
TEST(Rtf, Decompression) {
  const Bytes compressed = from_hex("2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0");
  Arena arena;
  const auto rtf = decompress_rtf(compressed, arena);
  ASSERT_TRUE(rtf);
  EXPECT_EQ(text_of(*rtf), "{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n");
  // Cut anywhere it ends, and never reads on.
  for (std::size_t size = 0; size < compressed.size(); ++size) static_cast<void>(decompress_rtf(ByteView(compressed).first(size), arena));
  EXPECT_FALSE(decompress_rtf(bytes_of("xxxxxxxxxxxxxxxxxxxx"), arena));
  const Bytes stored = from_hex(
      "100000000400000"
      "04d454c4100000000"
      "61626364");
  const auto plain = decompress_rtf(stored, arena);
  ASSERT_TRUE(plain);
  EXPECT_EQ(text_of(*plain), "abcd");
}

TEST(Rtf, HostileInputIsQuick) {
  Arena arena;
  static_cast<void>(read_rtf(bytes_of("{\\rtf1" + std::string(2'000'000, '{') + "x"), arena));
  std::string marks = "{\\rtf1";
  for (int i = 0; i < 200'000; ++i) marks += "\\u-1?\\'e9";
  EXPECT_FALSE(read_rtf(bytes_of(marks), arena).text.empty());
}

}  // namespace
}  // namespace pushmail::mime
