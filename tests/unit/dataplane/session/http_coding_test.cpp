// Bodies as web servers in front of an MMSC compress them.
#include "dataplane/session/http_coding.h"

#include <gtest/gtest.h>

namespace pushmail {
namespace {

// `hello` as Python's gzip and zlib write it.
const Bytes gzipped = {0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xCB, 0x48, 0xCD,
                       0xC9, 0xC9, 0x07, 0x00, 0x86, 0xA6, 0x10, 0x36, 0x05, 0x00, 0x00, 0x00};
const Bytes zlib_wrapped = {0x78, 0x9C, 0xCB, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x06, 0x2C, 0x02, 0x15};
const Bytes bare = {0xCB, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00};
const Bytes gzipped_twice = {0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x93, 0xEF, 0xE6, 0x60,
                             0x00, 0x01, 0x26, 0xE6, 0xD3, 0x1E, 0x67, 0x4F, 0x9E, 0x64, 0x67, 0x68, 0x5B, 0x26,
                             0x60, 0xC6, 0x0A, 0x14, 0x00, 0x00, 0xA7, 0x6F, 0xB4, 0x45, 0x19, 0x00, 0x00, 0x00};
// 100,000 zero bytes, gzip.
const Bytes zeros = {0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xED, 0xC1, 0x31, 0x01, 0x00, 0x00, 0x00, 0xC2, 0xA0,
                     0xF5, 0x4F, 0x6D, 0x0D, 0x0F, 0xA0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                     0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                     0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                     0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                     0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                     0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80, 0x57, 0x03, 0x7D, 0x95, 0x11, 0xD4, 0xA0, 0x86, 0x01, 0x00};

const Bytes plain{'h', 'e', 'l', 'l', 'o'};

std::string decoded(const Bytes& body, std::string_view codings, std::size_t size_max = 100) {
  const auto found = http::decode_content(body, codings, size_max);
  return found ? std::string(text_of(*found)) : "nothing";
}

TEST(HttpCoding, TakesOffWhatWasPutOn) {
  EXPECT_EQ(decoded(gzipped, "gzip"), "hello");
  EXPECT_EQ(decoded(gzipped, "X-GZip"), "hello");
  EXPECT_EQ(decoded(zlib_wrapped, "deflate"), "hello");
  EXPECT_EQ(decoded(bare, "deflate"), "hello");
  EXPECT_EQ(decoded(gzipped, "identity, gzip"), "hello");
  EXPECT_EQ(decoded(gzipped_twice, "gzip , gzip"), "hello");
  EXPECT_EQ(decoded(plain, ""), "hello");
  EXPECT_EQ(decoded(plain, "identity"), "hello");
  EXPECT_EQ(decoded(plain, "gzip"), "hello") << "whoever said so left it as it was";
  Bytes members = gzipped;
  append(members, ByteView(gzipped));
  EXPECT_EQ(decoded(members, "gzip"), "hellohello");
  EXPECT_EQ(decoded(members, "gzip", 9), "nothing");
  Bytes many;
  for (int i = 0; i < 65; ++i) append(many, ByteView(gzipped));
  EXPECT_EQ(decoded(many, "gzip", 1000), "nothing");
  members.pop_back();
  EXPECT_EQ(decoded(members, "gzip"), "nothing");
}

TEST(HttpCoding, SaysNothingWhereItCannot) {
  for (std::size_t size = 2; size < gzipped.size(); ++size) {
    const Bytes cut(gzipped.begin(), gzipped.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(decoded(cut, "gzip"), "nothing") << size;
  }
  Bytes broken = gzipped;
  broken[broken.size() - 5] ^= 1;  // of the CRC
  EXPECT_EQ(decoded(broken, "gzip"), "nothing");
  EXPECT_EQ(decoded(gzipped, "br"), "nothing");
  EXPECT_EQ(decoded(plain, "identity, identity, identity, identity"), "nothing");
}

TEST(HttpCoding, IsBounded) {
  EXPECT_EQ(decoded(zeros, "gzip", 99'999), "nothing");
  EXPECT_EQ(decoded(zeros, "gzip", 100'000).size(), 100'000U);
}

/// What comes of `coded` given in pieces: the text, or the rule that it breaks.
std::string gunzipped(const Bytes& coded, std::size_t piece, std::uint64_t size_max = 100) {
  http::Gunzip gunzip(size_max);
  Bytes out;
  for (ByteView rest = coded; !rest.empty(); rest = rest.subspan(std::min(piece, rest.size()))) {
    if (const auto read = gunzip.read(rest.first(std::min(piece, rest.size())), out); !read) return std::string(read.error().info->name);
  }
  return gunzip.is_whole() ? std::string(text_of(out)) : "cut";
}

TEST(Gunzip, ReadsWhereverItIsCut) {
  Bytes members = gzipped;
  append(members, ByteView(gzipped));
  for (std::size_t piece = 1; piece <= members.size(); ++piece) {
    EXPECT_EQ(gunzipped(gzipped, piece), "hello") << piece;
    EXPECT_EQ(gunzipped(members, piece), "hellohello") << piece;
    for (std::size_t size = 1; size < gzipped.size(); ++size) {
      const Bytes cut(gzipped.begin(), gzipped.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_EQ(gunzipped(cut, piece), "cut") << size << ' ' << piece;
    }
  }
  EXPECT_EQ(gunzipped({}, 1), "cut");
}

TEST(Gunzip, RefusesWhatIsNone) {
  for (const std::size_t piece : {1u, 100u}) {
    Bytes broken = gzipped;
    broken[broken.size() - 5] ^= 1;  // of the CRC
    EXPECT_EQ(gunzipped(broken, piece), "http.bad_gzip");
    EXPECT_EQ(gunzipped({'<', '?', 'x', 'm', 'l', ' ', 'v', 'e', 'r', 's', 'i', 'o', 'n'}, piece), "http.bad_gzip");
    EXPECT_EQ(gunzipped(zlib_wrapped, piece), "http.bad_gzip");
    Bytes followed = gzipped;
    followed.insert(followed.end(), 20, 'x');
    EXPECT_EQ(gunzipped(followed, piece), "http.bad_gzip") << "what follows is no member";
    Bytes many;
    for (int i = 0; i < 65; ++i) append(many, ByteView(gzipped));
    EXPECT_EQ(gunzipped(many, piece, 1'000), "http.bad_gzip") << "each member costs as much as a body";
  }
}

TEST(Gunzip, IsBoundedBySizeAndByRatio) {
  EXPECT_EQ(gunzipped(gzipped, 100, 5), "hello");
  EXPECT_EQ(gunzipped(gzipped, 100, 4), "http.body_too_large");
  // 100,000 zeros are 130 bytes or so: more than the ratio, and more than what is free of it.
  EXPECT_EQ(gunzipped(zeros, zeros.size(), 1'000'000), "http.body_too_large");
  const Bytes fewer = *http::gzipped(Bytes(60'000, 0));
  EXPECT_EQ(gunzipped(fewer, fewer.size(), 1'000'000).size(), 60'000u);
  Bytes named = gzipped;
  named[3] = 0x08;  // a name follows, and never ends
  named.resize(10);
  named.insert(named.end(), 2'000, 'x');
  EXPECT_EQ(gunzipped(named, 100), "http.body_too_large");
  // A bomb of 20 MB is seen while it is small.
  const Bytes bomb = *http::gzipped(Bytes(20'000'000, 0));
  http::Gunzip gunzip(1'000'000'000);
  Bytes out;
  const auto read = gunzip.read(ByteView(bomb).first(2'000), out);
  ASSERT_FALSE(read.has_value());
  EXPECT_LT(out.size(), 300'000u);
}

TEST(Gzipped, IsReadBackAndOnlyWhereItIsSmaller) {
  for (const std::size_t size : {100u, 5'000u, 300'000u}) {
    Bytes text;
    for (std::size_t i = 0; i < size; ++i) text.push_back(static_cast<std::uint8_t>('a' + (i * i / 7) % 16));
    const auto coded = http::gzipped(text);
    ASSERT_TRUE(coded.has_value()) << size;
    EXPECT_LT(coded->size(), text.size());
    EXPECT_EQ(decoded(*coded, "gzip", size), text_of(text));
  }
  Bytes noise;
  std::uint32_t seed = 1;
  for (int i = 0; i < 5'000; ++i) noise.push_back(static_cast<std::uint8_t>((seed = seed * 1'664'525 + 1'013'904'223) >> 24));
  EXPECT_FALSE(http::gzipped(noise).has_value());
  EXPECT_FALSE(http::gzipped(plain).has_value());
  EXPECT_FALSE(http::gzipped({}).has_value());
}

}  // namespace
}  // namespace pushmail
