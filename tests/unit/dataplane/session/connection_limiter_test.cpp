// Who gets a connection while there are not enough, and who has to go.
#include "dataplane/session/connection_limiter.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>

#include "dataplane/session/password_guard.h"

namespace pushmail {
namespace {

struct Connection final : LimitedConnection {
  void evict() override { evicted = true; }
  bool evicted = false;
};

class ConnectionLimiterTest : public testing::Test {
 protected:
  ConnectionLimiterTest() { limiter_.set_groups({{.name = "mmsc", .networks = {*parse_network("198.51.100.0/28")}}}); }
  /// Null when there was no place.
  Connection* open(std::string_view source) {
    connections_.push_back(std::make_unique<Connection>());
    return limiter_.admit(*connections_.back(), *parse_ip(source)) ? connections_.back().get() : nullptr;
  }
  ConnectionLimiter limiter_{{.all = 6, .per_source = 2, .reserved = 2}};
  std::vector<std::unique_ptr<Connection>> connections_;
};

TEST_F(ConnectionLimiterTest, CountsBySource) {
  Connection* first = open("192.0.2.1");
  ASSERT_NE(first, nullptr);
  EXPECT_NE(open("192.0.2.1"), nullptr);
  EXPECT_EQ(open("192.0.2.1"), nullptr);
  EXPECT_NE(open("192.0.2.2"), nullptr);
  limiter_.release(*first);
  limiter_.release(*first);
  EXPECT_NE(open("192.0.2.1"), nullptr);
  EXPECT_EQ(limiter_.used(), 3U);
  // An IPv6 subscriber has a whole /64.
  EXPECT_NE(open("2001:db8::1"), nullptr);
}

TEST_F(ConnectionLimiterTest, TheOldestThatSaidNothingMakesRoom) {
  std::vector<Connection*> open_ones;
  for (int i = 1; i <= 4; ++i) open_ones.push_back(open(fmt::format("192.0.2.{}", i)));
  limiter_.raise(*open_ones[0], Standing::unproven);
  EXPECT_NE(open("192.0.2.5"), nullptr);
  EXPECT_TRUE(open_ones[1]->evicted) << "the oldest headless, not the oldest";
  for (int i = 6; i <= 8; ++i) EXPECT_NE(open(fmt::format("192.0.2.{}", i)), nullptr);
  EXPECT_FALSE(open_ones[0]->evicted);
  EXPECT_EQ(limiter_.used(), 4U);
  EXPECT_EQ(limiter_.evicted(), 4U);
}

TEST_F(ConnectionLimiterTest, WhoProvedHimselfStays) {
  std::vector<Connection*> open_ones;
  for (int i = 1; i <= 4; ++i) {
    open_ones.push_back(open(fmt::format("192.0.2.{}", i)));
    limiter_.raise(*open_ones.back(), i == 2 ? Standing::unproven : Standing::proven);
  }
  EXPECT_NE(open("192.0.2.5"), nullptr);
  EXPECT_TRUE(open_ones[1]->evicted);
  limiter_.raise(*connections_.back(), Standing::proven);
  EXPECT_EQ(open("192.0.2.6"), nullptr) << "all of them are proven";
  limiter_.release(*open_ones[0]);
  EXPECT_NE(open("192.0.2.6"), nullptr);
}

// Whatever strangers hold, a peer that the operator named has its places, and more of the shared ones; it is never evicted.
TEST_F(ConnectionLimiterTest, ANamedPeerHasItsPlaces) {
  for (int i = 1; i <= 20; ++i) EXPECT_NE(open(fmt::format("192.0.2.{}", i)), nullptr);
  std::vector<Connection*> of_peer;
  for (int i = 0; i < 6; ++i) of_peer.push_back(open("198.51.100.3"));
  for (const Connection* connection : of_peer) ASSERT_NE(connection, nullptr);
  EXPECT_EQ(open("198.51.100.3"), nullptr);
  EXPECT_EQ(open("192.0.2.1"), nullptr);
  for (const Connection* connection : of_peer) EXPECT_FALSE(connection->evicted);
  // A table of peers that is given again does not forget what they hold.
  limiter_.set_groups({{.name = "mmsc", .networks = {*parse_network("198.51.100.0/28")}}});
  EXPECT_EQ(open("198.51.100.4"), nullptr);
  for (Connection* connection : of_peer) limiter_.release(*connection);
  EXPECT_EQ(limiter_.used(), 0U);
}

TEST(PasswordGuard, StopsComparingForASourceAndForAName) {
  const Instant now{seconds(10'000).ns};
  PasswordGuard guard({.burst = {.count = 3, .window = seconds(60)}, .lasting = {.count = 100, .window = seconds(3600)}});
  const IpAddress guesser = *parse_ip("192.0.2.1"), other = *parse_ip("192.0.2.2"), peer = *parse_ip("192.0.2.3");
  guard.right(peer);
  for (int i = 0; i < 3; ++i) guard.wrong(guesser, "mmsc", now);
  EXPECT_FALSE(guard.compares(guesser, "mmsc", now));
  EXPECT_FALSE(guard.compares(guesser, "", now));
  EXPECT_TRUE(guard.compares(other, "mmsc", now));
  EXPECT_TRUE(guard.compares(guesser, "mmsc", now + seconds(21)));
  // Guessing from many places: the name is not compared any more but for those who know its password.
  for (int i = 10; i < 60; ++i) guard.wrong(*parse_ip(fmt::format("198.51.100.{}", i)), "mmsc", now);
  EXPECT_FALSE(guard.compares(other, "mmsc", now));
  EXPECT_TRUE(guard.compares(other, "another", now));
  EXPECT_TRUE(guard.compares(peer, "mmsc", now));
  EXPECT_EQ(guard.wrong_count(), 53U);
  // Nobody guesses without end, wherever he is.
  for (int i = 0; i < 300; ++i) guard.wrong(peer, "third", now);
  EXPECT_FALSE(guard.compares(peer, "mmsc", now));
}

}  // namespace
}  // namespace pushmail
