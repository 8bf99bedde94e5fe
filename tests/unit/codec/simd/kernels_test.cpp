// Every set of kernels passes the same tests: vectors of the RFCs, all lengths around the lanes, and round trips.
#include <gtest/gtest.h>

#include <random>

#include "codec/simd/simd.h"

namespace pushmail::simd {
namespace {

class Simd : public testing::TestWithParam<const Kernels*> {
 protected:
  const Kernels& kernels() const { return *GetParam(); }

  struct Answer {
    std::string text;
    Decoded decoded;
  };
  Answer base64(std::string_view text) const {
    Bytes out(base64_decoded_max(text.size()));
    const Decoded decoded = kernels().base64_decode(bytes_of(text), out);
    return {std::string(text_of(ByteView(out).first(decoded.written))), decoded};
  }
  Answer qp(std::string_view text) const {
    Bytes out(text.size());
    const Decoded decoded = kernels().qp_decode(bytes_of(text), out);
    return {std::string(text_of(ByteView(out).first(decoded.written))), decoded};
  }
  std::string encoded(ByteView bytes) const {
    Bytes out(base64_encoded_size(bytes.size()));
    EXPECT_EQ(kernels().base64_encode(bytes, out), out.size());
    return std::string(text_of(out));
  }
  std::string qp_encoded(std::string_view text, QpMode mode) const {
    Bytes out(qp_encoded_max(text.size()));
    const std::size_t size = kernels().qp_encode(bytes_of(text), out, mode);
    EXPECT_LE(size, out.size());
    return std::string(text_of(ByteView(out).first(size)));
  }
};

INSTANTIATE_TEST_SUITE_P(All, Simd, testing::ValuesIn(all_supported().begin(), all_supported().end()),
                         [](const auto& row) { return std::string(row.param->name); });

TEST(SimdDispatch, ScalarIsLastAndTheActiveOneIsFirst) {
  EXPECT_EQ(all_supported().back()->name, "scalar");
  EXPECT_EQ(&active(), all_supported().front());
}

TEST_P(Simd, Base64Vectors) {
  // RFC 4648 §10.
  const std::pair<std::string, std::string> rows[] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : rows) {
    EXPECT_EQ(encoded(bytes_of(plain)), plain.empty() ? "" : coded + "\r\n");
    EXPECT_EQ(base64(coded).text, plain);
    EXPECT_EQ(base64(coded).decoded.faults, 0U);
    std::string spaced;
    for (const char c : coded.substr(0, coded.find('='))) spaced += std::string(" \r\n\t") + c;
    EXPECT_EQ(base64(spaced).text, plain);
  }
}

TEST_P(Simd, Base64Faults) {
  struct Row {
    std::string text, expected;
    std::size_t used, faults, first;
  };
  const Row rows[] = {
      {"Zg", "f", 2, 0, none},    {"Zg=", "f", 3, 0, none},   {"Zg==Zg==", "f", 4, 0, none}, {"Z", "", 1, 1, 1},
      {"====", "", 4, 4, 0},      {"Zm=9v", "f", 3, 0, none}, {"Z!m9v", "foo", 5, 1, 1},     {"\xFF\xFEZm9v", "foo", 6, 2, 0},
      {"Zm9v-_", "foo", 6, 2, 4}, {"Zm9vZ", "foo", 5, 1, 5},  {"Z=g==", "f", 5, 1, 1},
  };
  for (const Row& row : rows) {
    const Answer answer = base64(row.text);
    EXPECT_EQ(answer.text, row.expected) << row.text;
    EXPECT_EQ(answer.decoded.used, row.used) << row.text;
    EXPECT_EQ(answer.decoded.faults, row.faults) << row.text;
    EXPECT_EQ(answer.decoded.first_fault, row.first) << row.text;
  }
}

TEST_P(Simd, Base64EveryLengthComesBackFromEveryPlace) {
  std::mt19937 random(1);
  Bytes plain(1024);
  for (auto& byte : plain) byte = static_cast<std::uint8_t>(random());
  for (std::size_t size = 0; size <= 512; ++size) {
    const ByteView in = ByteView(plain).subspan(size % 64, size);
    const std::string coded = encoded(in);
    // Lines of 76, each ended (RFC 2045 §6.8).
    for (std::size_t at = 0; at < coded.size(); at += 78) {
      const std::string line = coded.substr(at, 78);
      EXPECT_TRUE(line.ends_with("\r\n"));
      EXPECT_EQ(line.find('\r'), line.size() - 2);
    }
    std::string moved(size % 61, ' ');
    moved += coded;
    EXPECT_EQ(base64(moved).text, text_of(in));
    EXPECT_EQ(base64(moved).decoded.faults, 0U);
  }
}

TEST_P(Simd, QuotedPrintableDecode) {
  struct Row {
    std::string text, expected;
    std::size_t faults;
  };
  const Row rows[] = {
      {"", "", 0},
      {"a=3Db", "a=b", 0},
      {"=e9=E9", "\xE9\xE9", 0},
      {"soft=\r\nbreak=\nhere", "softbreakhere", 0},
      {"soft= \t\r\nbreak", "softbreak", 0},
      {"blanks \t \r\nend  \nx ", "blanks\r\nend\nx", 0},
      {"kept=20\r\n", "kept \r\n", 0},
      {"kept=09 \r\n", "kept\t\r\n", 0},
      {"=", "", 0},
      {"a=\n", "a", 0},
      {"a= ", "a", 0},
      {"=G1", "=G1", 1},
      {"=1", "=1", 1},
      {"==41", "=A", 1},
      {"a\rb", "a\rb", 0},
      {"\xFF\x80", "\xFF\x80", 0},
  };
  for (const Row& row : rows) {
    const Answer answer = qp(row.text);
    EXPECT_EQ(answer.text, row.expected) << row.text;
    EXPECT_EQ(answer.decoded.faults, row.faults) << row.text;
    EXPECT_EQ(answer.decoded.used, row.text.size());
  }
  EXPECT_EQ(qp(std::string(10'000'000, 'x')).decoded.written, 10'000'000U);
  EXPECT_EQ(qp(std::string(5'000'000, ' ') + "x").decoded.written, 5'000'001U);
}

TEST_P(Simd, QuotedPrintableRoundTrip) {
  EXPECT_EQ(qp_encoded("a=b\xC3\xA9 \n", QpMode::text), "a=3Db=C3=A9=20\r\n");
  EXPECT_EQ(qp_encoded("a\r\nb", QpMode::binary), "a=0D=0Ab");
  std::mt19937 random(2);
  const std::string letters = "ab =\t\r\n.\xC3\xA9";
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (unsigned i = 0, n = static_cast<unsigned>(random() % 300); i < n; ++i) text += letters[random() % letters.size()];
    const std::string coded = qp_encoded(text, QpMode::binary);
    EXPECT_EQ(qp(coded).text, text);
    std::size_t column = 0;
    for (const char c : coded) {
      EXPECT_TRUE(c == '\t' || c == '\r' || c == '\n' || (c >= 32 && c < 127));
      column = c == '\n' ? 0 : c == '\r' ? column : column + 1;
      EXPECT_LE(column, 76U);
    }
  }
}

TEST_P(Simd, Utf8) {
  const auto valid = [&](std::string_view text) { return kernels().utf8_valid_prefix(bytes_of(text)); };
  for (const std::string_view good :
       {"", "a", "é", "日本", "😀", "\xEF\xBF\xBF", "\xED\x9F\xBF", "\xEE\x80\x80", "\xF4\x8F\xBF\xBF", "aaaaaaaaaaaaaaaaé"}) {
    EXPECT_EQ(valid(good), good.size()) << good;
  }
  // RFC 3629 §4 and §10: overlong, surrogates, beyond U+10FFFF, loose and missing tails.
  for (const std::string_view bad :
       {"\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x80\xAF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80", "\xFF", "\xC3", "\xE6\x97", "\xF0\x9F\x98", "\xC3(", "\xE6(\x97"}) {
    for (std::size_t before = 0; before < 40; ++before) {
      EXPECT_EQ(valid(std::string(before, 'x') + std::string(bad)), before) << before;
      EXPECT_EQ(valid(std::string(before, 'x') + std::string(bad) + "xxxxxxxxxxxxxxxx"), before) << before;
    }
  }
}

TEST_P(Simd, Search) {
  const std::string_view text = "ab\nc--d\r\n--e\n-f\n--";
  EXPECT_EQ(kernels().find_byte(bytes_of(text), 0, '\n'), 2U);
  EXPECT_EQ(kernels().find_byte(bytes_of(text), 3, '\n'), 8U);
  EXPECT_EQ(kernels().find_byte(bytes_of(text), 99, '\n'), none);
  EXPECT_EQ(kernels().find_byte(bytes_of(text), 0, 'z'), none);
  EXPECT_EQ(kernels().find_dash_line(bytes_of(text), 0), 9U);
  EXPECT_EQ(kernels().find_dash_line(bytes_of(text), 9), 9U);
  EXPECT_EQ(kernels().find_dash_line(bytes_of(text), 13), 16U);
  EXPECT_EQ(kernels().find_dash_line(bytes_of("-"), 0), none);
  EXPECT_EQ(kernels().find_dash_line({}, 0), none);
}

TEST_P(Simd, DotLines) {
  const std::string_view text = "a\r\nb.c\r\n.d\re\n";
  EXPECT_EQ(kernels().find_dot_line(bytes_of(text), 0), 7U) << "the LF in front of the dot";
  EXPECT_EQ(kernels().find_dot_line(bytes_of(text), 8), 10U) << "a CR alone";
  EXPECT_EQ(kernels().find_dot_line(bytes_of(text), 11), 11U) << "in front of an LF alone";
  EXPECT_EQ(kernels().find_dot_line(bytes_of("a\r\nb\r\n"), 0), none);
}

TEST_P(Simd, FieldEnds) {
  const std::string_view text = "To: a\r\n\tb\n c\r\nCc: d\n";
  EXPECT_EQ(kernels().find_field_end(bytes_of(text), 0), 13U);
  EXPECT_EQ(kernels().find_field_end(bytes_of(text), 14), 19U) << "the last line";
  EXPECT_EQ(kernels().find_field_end(bytes_of("a\n b"), 0), none);
}

TEST_P(Simd, JapaneseIsTakenWholeUpToWhatIsNot) {
  const auto converted = [](auto kernel, std::string_view text) {
    Bytes out(charset_utf8_max(text.size()));
    const Converted done = kernel(bytes_of(text), out);
    return std::pair(std::string(text_of(ByteView(out).first(done.written))), done.used);
  };
  const std::string plain = "Subject: a text that is longer than a vector is wide ";
  using Taken = std::pair<std::string, std::size_t>;
  EXPECT_EQ(converted(kernels().shift_jis_to_utf8, plain + "\x93\xFA\x96\x7B\xB1\x87\x40"), Taken(plain + "日本ｱ①", plain.size() + 7));
  EXPECT_EQ(converted(kernels().shift_jis_to_utf8, "\x93\xFA\xFFz"), Taken("日", 2));
  EXPECT_EQ(converted(kernels().iso2022jp_to_utf8, plain + "\x1B$BF|K\\\r\n\x1B(J\\\x1B(I1\x1B(Ba"),
            Taken(plain + "日本\r\n¥ｱa", plain.size() + 21));
  // Where it stops, another converter can start: ASCII is designated there.
  EXPECT_EQ(converted(kernels().iso2022jp_to_utf8, "ab\x1B$BF|\xFF"), Taken("ab", 2));
  EXPECT_EQ(converted(kernels().iso2022jp_to_utf8, "ab\x1B$BF|\x1B(Bc\x1B$(D"), Taken("ab日c", 11));
}

TEST_P(Simd, OneByteCharsets) {
  const auto converted = [&](const char* name, std::string_view text) {
    Bytes out(charset_utf8_max(text.size()));
    return std::string(text_of(ByteView(out).first(kernels().single_byte_to_utf8(bytes_of(text), out, *single_byte_charset(name)))));
  };
  for (const std::size_t before : {0U, 3U, 31U, 32U, 60U}) {
    const std::string plain(before, 'x');
    EXPECT_EQ(converted("CP1252", plain + "\xE9t\xE9 \x80\x81"), plain + "été €\uFFFD");
    EXPECT_EQ(converted("KOI8-R", plain + "\xD4\xC5\xCB\xD3\xD4"), plain + "текст");
  }
  EXPECT_EQ(single_byte_charset("CP1252")->same_from, 0xA0);
  EXPECT_EQ(single_byte_charset("CP1255"), nullptr);
}

}  // namespace
}  // namespace pushmail::simd
