// What the charset kernels make of bytes is what iconv makes of them, with U+FFFD for each byte that it does not take: every byte of every
// one-byte charset, every pair of bytes of Shift_JIS and of ISO-2022-JP's sets, and mixtures.
#include <gtest/gtest.h>
#include <iconv.h>

#include <random>

#include "codec/mime/message.h"
#include "core/bytes.h"

namespace pushmail::mime {
namespace {

class Iconv {
 public:
  explicit Iconv(const char* from) : handle_(iconv_open("UTF-8", from)) { EXPECT_NE(handle_, reinterpret_cast<iconv_t>(-1)) << from; }
  ~Iconv() { iconv_close(handle_); }
  Iconv(const Iconv&) = delete;
  Iconv& operator=(const Iconv&) = delete;

  std::string convert(std::string bytes) {
    iconv(handle_, nullptr, nullptr, nullptr, nullptr);
    std::string out(bytes.size() * 6 + 64, '\0');
    char* in = bytes.data();
    std::size_t left = bytes.size();
    char* to = out.data();
    std::size_t room = out.size();
    const auto replace = [&] {
      std::memcpy(to, "\xEF\xBF\xBD", 3);
      to += 3;
      room -= 3;
    };
    while (left > 0 && iconv(handle_, &in, &left, &to, &room) == static_cast<std::size_t>(-1)) {
      replace();
      if (errno == EINVAL) break;
      ++in;
      --left;
    }
    iconv(handle_, nullptr, nullptr, &to, &room);
    out.resize(out.size() - room);
    return out;
  }

 private:
  iconv_t handle_;
};

std::string two(unsigned first, unsigned second) { return {static_cast<char>(first), static_cast<char>(second)}; }

TEST(CharsetIconv, EveryByteOfEveryOneByteCharset) {
  const std::pair<const char*, const char*> rows[] = {{"windows-1252", "CP1252"},
                                                      {"windows-1250", "CP1250"},
                                                      {"windows-1251", "CP1251"},
                                                      {"windows-1253", "CP1253"},
                                                      {"iso-8859-9", "CP1254"},
                                                      {"windows-1256", "CP1256"},
                                                      {"windows-1257", "CP1257"},
                                                      {"tis-620", "CP874"},
                                                      {"koi8-r", "KOI8-R"},
                                                      {"koi8-u", "KOI8-U"},
                                                      {"iso-8859-2", "ISO-8859-2"},
                                                      {"iso-8859-3", "ISO-8859-3"},
                                                      {"iso-8859-4", "ISO-8859-4"},
                                                      {"iso-8859-5", "ISO-8859-5"},
                                                      {"iso-8859-6", "ISO-8859-6"},
                                                      {"iso-8859-7", "ISO-8859-7"},
                                                      {"iso-8859-8", "ISO-8859-8"},
                                                      {"iso-8859-10", "ISO-8859-10"},
                                                      {"iso-8859-13", "ISO-8859-13"},
                                                      {"iso-8859-14", "ISO-8859-14"},
                                                      {"iso-8859-15", "ISO-8859-15"},
                                                      {"iso-8859-16", "ISO-8859-16"},
                                                      {"cp437", "CP437"},
                                                      {"cp850", "CP850"},
                                                      {"cp866", "CP866"},
                                                      {"macintosh", "MACINTOSH"}};
  for (const auto& [label, name] : rows) {
    Iconv iconv(name);
    std::string all;
    for (unsigned byte = 0; byte < 256; ++byte) {
      const std::string one(1, static_cast<char>(byte));
      EXPECT_EQ(to_utf8(bytes_of(one), label), iconv.convert(one)) << label << " " << byte;
      all += one;
    }
    EXPECT_EQ(to_utf8(bytes_of(all), label), iconv.convert(all)) << label;
  }
}

TEST(CharsetIconv, EveryPairOfShiftJis) {
  Iconv iconv("CP932");
  for (unsigned first = 0; first < 256; ++first) {
    for (unsigned second = 0; second < 256; ++second) {
      const std::string text = two(first, second) + "ab";
      ASSERT_EQ(to_utf8(bytes_of(text), "shift_jis"), iconv.convert(text)) << first << " " << second;
    }
  }
}

TEST(CharsetIconv, EveryPairOfIso2022JpInEverySet) {
  Iconv iconv("ISO-2022-JP-3");
  for (const char* escape : {"\x1B$B", "\x1B$@", "\x1B(J", "\x1B(I", "\x1B(B"}) {
    for (unsigned first = 0; first < 256; ++first) {
      for (unsigned second = 0; second < 256; second += escape[1] == '$' ? 1 : 5) {
        const std::string text = "a" + std::string(escape) + two(first, second) + "\x1B(Bz";
        ASSERT_EQ(to_utf8(bytes_of(text), "iso-2022-jp"), iconv.convert(text)) << escape << " " << first << " " << second;
      }
    }
  }
}

TEST(CharsetIconv, MixturesOfPieces) {
  const std::string_view pieces[] = {"\x1B$B",
                                     "\x1B$@",
                                     "\x1B(J",
                                     "\x1B(I",
                                     "\x1B(B",
                                     "\x1B$(Q",
                                     "\x1B",
                                     "F|K\\8l",
                                     "%F%9%H",
                                     "\r\n",
                                     " ",
                                     "plain text that is longer than a vector",
                                     "\x82\xA0\x8A\xBF",
                                     "\xB1\xB2",
                                     "\x80",
                                     "\xFF",
                                     "!",
                                     "\\~",
                                     "\x1B$(D",
                                     "\x1B.A"};
  Iconv iso("ISO-2022-JP-3");
  Iconv sjis("CP932");
  std::mt19937 random(5);
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (unsigned i = 0, n = static_cast<unsigned>(random() % 12); i < n; ++i) text += pieces[random() % std::size(pieces)];
    ASSERT_EQ(to_utf8(bytes_of(text), "iso-2022-jp"), iso.convert(text)) << testing::PrintToString(text);
    ASSERT_EQ(to_utf8(bytes_of(text), "shift_jis"), sjis.convert(text)) << testing::PrintToString(text);
  }
}

}  // namespace
}  // namespace pushmail::mime
