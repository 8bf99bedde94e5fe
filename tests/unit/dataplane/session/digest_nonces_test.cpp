// Our nonces: known again, for a while, each count once, and bounded however many come.
#include "dataplane/session/digest_nonces.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace pushmail {
namespace {

constexpr Instant start{.ns = 1'000'000'000'000};

TEST(DigestNonces, EachCountOnce) {
  DigestNonces nonces;
  const std::string nonce = nonces.make(start);
  struct Row {
    std::uint32_t count;
    bool good;
  };
  for (const Row& row : {Row{0, false}, Row{1, true}, Row{1, false}, Row{3, true}, Row{2, true}, Row{2, false}, Row{100, true},
                         Row{37, true}, Row{36, false}, Row{99, true}, Row{99, false}, Row{UINT32_MAX, true}, Row{100, false},
                         Row{UINT32_MAX, false}, Row{UINT32_MAX - 63, true}})
    EXPECT_EQ(nonces.use(nonce, row.count, start), row.good) << row.count;
  EXPECT_TRUE(nonces.use(nonces.make(start), 1, start)) << "each nonce has its own";
}

TEST(DigestNonces, OnlyOursAndOnlyForAWhile) {
  DigestNonces nonces, others;
  const std::string nonce = nonces.make(start);
  EXPECT_FALSE(others.use(nonce, 1, start));
  for (std::size_t i = 0; i < nonce.size(); ++i) {
    std::string changed = nonce;
    changed[i] = changed[i] == '0' ? '1' : '0';
    EXPECT_FALSE(nonces.use(changed, 1, start)) << i;
  }
  for (const std::string& bad :
       {std::string(), nonce.substr(1), nonce + "0", nonce.substr(0, 32), std::string(64, '0'), std::string(10'000, 'f')})
    EXPECT_FALSE(nonces.use(bad, 1, start));
  EXPECT_TRUE(nonces.use(nonce, 1, start + seconds(299)));
  EXPECT_FALSE(nonces.use(nonce, 2, start + seconds(301)));
  EXPECT_FALSE(nonces.use(nonce, 1, start + seconds(301))) << "what is forgotten by age is too old to be new";
}

TEST(DigestNonces, TheOldestMakeRoomAndAreStale) {
  DigestNonces nonces;
  std::vector<std::string> made;
  for (std::size_t i = 0; i < DigestNonces::kept_max + 10; ++i) {
    made.push_back(nonces.make(start));
    EXPECT_TRUE(nonces.use(made.back(), 1, start));
  }
  EXPECT_FALSE(nonces.use(made[0], 2, start)) << "forgotten, so nobody knows what was used of it";
  EXPECT_FALSE(nonces.use(made[9], 2, start));
  EXPECT_TRUE(nonces.use(made[10], 2, start));
  EXPECT_FALSE(nonces.use(made.back(), 1, start));
  EXPECT_TRUE(nonces.use(nonces.make(start), 1, start));
}

}  // namespace
}  // namespace pushmail
