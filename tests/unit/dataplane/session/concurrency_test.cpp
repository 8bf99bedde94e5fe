// Growth and shrinking against peers that are formulas: the latency of an answer when so many exchanges run.
#include "dataplane/session/concurrency.h"

#include <gtest/gtest.h>

#include "dataplane/session/request_limit.h"

namespace pushmail {
namespace {

/// Rounds against one peer; the clock moves by each round's latency.
template <class Latency>
std::uint32_t run(Concurrency& concurrency, Instant& now, int rounds, const Latency& latency) {
  for (int round = 0; round < rounds; ++round) {
    const std::uint32_t running = concurrency.limit();
    const Duration each = latency(running);
    now = now + each;
    for (std::uint32_t i = 0; i < running; ++i) concurrency.on_answer(each, Demand::waiting, now);
  }
  return concurrency.limit();
}
Duration parallel(std::uint32_t) { return milliseconds(100); }
Duration serial(std::uint32_t running) { return milliseconds(25 * running); }
Duration eight_at_a_time(std::uint32_t running) { return milliseconds(running <= 8 ? 100 : 100 * running / 8); }

TEST(ConcurrencyTest, ParallelPeerIsUsedUpToTheContractInAFewRounds) {
  Instant now{};
  Concurrency concurrency(32);
  EXPECT_EQ(concurrency.limit(), 4u);
  EXPECT_EQ(run(concurrency, now, 3, parallel), 32u);
  EXPECT_EQ(run(concurrency, now, 1000, parallel), 32u);
}

TEST(ConcurrencyTest, SmallContractIsItsOwnFirst) {
  Instant now{};
  Concurrency concurrency(2);
  EXPECT_EQ(run(concurrency, now, 100, parallel), 2u);
}

TEST(ConcurrencyTest, GrowthThatDoesNotPayIsTakenBack) {
  Instant now{};
  Concurrency one(32);
  EXPECT_EQ(run(one, now, 2, serial), 4u);
  EXPECT_EQ(run(one, now, 1, serial), 4u) << "and rests";
  Concurrency eight(32);
  EXPECT_EQ(run(eight, now, 3, eight_at_a_time), 8u);
}

TEST(ConcurrencyTest, AfterARestItIsTriedAgain) {
  Instant now{};
  Concurrency concurrency(32);
  run(concurrency, now, 3, eight_at_a_time);
  now = now + Concurrency::rest;
  EXPECT_EQ(run(concurrency, now, 1, parallel), 16u);
  EXPECT_EQ(run(concurrency, now, 1, parallel), 32u);
}

TEST(ConcurrencyTest, OverloadHalvesOnceForAllThatRanTogether) {
  Instant now{};
  Concurrency concurrency(32);
  run(concurrency, now, 3, parallel);
  for (int i = 0; i < 32; ++i) concurrency.on_overload(now);
  EXPECT_EQ(concurrency.limit(), 16u);
  now = now + Concurrency::overload_interval;
  concurrency.on_overload(now);
  EXPECT_EQ(concurrency.limit(), 8u);
  for (int i = 0; i < 10; ++i) concurrency.on_overload(now = now + Concurrency::overload_interval);
  EXPECT_EQ(concurrency.limit(), 1u) << "never none";
  now = now + Concurrency::rest;
  EXPECT_EQ(run(concurrency, now, 6, parallel), 32u);
}

TEST(ConcurrencyTest, PeerThatBecomesSlowIsRelievedAndFoundAgain) {
  Instant now{};
  Concurrency concurrency(32);
  run(concurrency, now, 10, parallel);
  const auto slower = [](std::uint32_t) { return milliseconds(400); };
  EXPECT_EQ(run(concurrency, now, 1, slower), 16u);
  EXPECT_EQ(run(concurrency, now, 10, slower), 16u) << "not further: this limit's latency is what it is";
  now = now + Concurrency::rest;
  EXPECT_EQ(run(concurrency, now, 2, slower), 32u) << "it works in parallel, only slower";
}

TEST(ConcurrencyTest, FastAnswersMayVary) {
  Instant now{};
  Concurrency concurrency(4);
  run(concurrency, now, 10, [](std::uint32_t) { return milliseconds(1); });
  EXPECT_EQ(run(concurrency, now, 10, [](std::uint32_t) { return milliseconds(20); }), 4u);
}

TEST(ConcurrencyTest, WhatThePeerPassesOverHoldsNoPlace) {
  const Instant start{seconds(100).ns};
  Concurrency concurrency(6);
  const auto passed_over = [&](Duration waits) { return concurrency.is_passed_over(start, start + waits); };
  EXPECT_FALSE(passed_over(seconds(9))) << "the peer is slow for all of them";
  EXPECT_TRUE(passed_over(seconds(11)));
  // One that began a second later has its answer.
  concurrency.on_answer(seconds(1), Demand::none, start + seconds(2));
  EXPECT_FALSE(passed_over(seconds(2)));
  EXPECT_TRUE(passed_over(seconds(3)));
  EXPECT_FALSE(concurrency.is_passed_over(start + seconds(1), start + seconds(4))) << "nothing later was answered";

  EXPECT_FALSE(concurrency.has_place(4, 0));
  EXPECT_TRUE(concurrency.has_place(4, 1));
  EXPECT_TRUE(concurrency.has_place(5, 5));
  EXPECT_FALSE(concurrency.has_place(6, 6)) << "the contract";
}

TEST(ConcurrencyTest, WithoutDemandNothingChanges) {
  Instant now{};
  Concurrency concurrency(32);
  for (int i = 0; i < 1000; ++i) concurrency.on_answer(milliseconds(100), Demand::none, now);
  EXPECT_EQ(concurrency.limit(), 4u);
}

TEST(RequestLimitTest, IsLearntAtOnceAndForgottenLaterEachTimeItProvesTrue) {
  Instant now{seconds(1).ns};
  RequestLimit limit;
  EXPECT_EQ(limit.at(now), 0u);
  limit.on_unannounced_close(0, now);
  EXPECT_EQ(limit.at(now), 0u) << "it took nothing";
  limit.on_unannounced_close(5, now);
  limit.on_unannounced_close(7, now);
  EXPECT_EQ(limit.at(now), 5u);
  Duration hold = RequestLimit::hold_least;
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(limit.at(now + hold + Duration{-1}), 5u);
    now = now + hold;
    EXPECT_EQ(limit.at(now), 0u);
    limit.on_unannounced_close(5, now);
    hold = std::min(Duration{hold.ns * 2}, RequestLimit::hold_most);
  }
  EXPECT_EQ(hold, RequestLimit::hold_most);
  now = now + hold;
  limit.on_unannounced_close(3, now);
  EXPECT_EQ(limit.at(now + RequestLimit::hold_least), 0u) << "another number: nothing is proven yet";
}

}  // namespace
}  // namespace pushmail
