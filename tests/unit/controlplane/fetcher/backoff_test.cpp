// The pause of an account, step by step, without a server: what makes it longer, and what alone ends it.
#include "controlplane/fetcher/backoff.h"

#include <gtest/gtest.h>

#include "controlplane/fetcher/errors.h"
#include "controlplane/fetcher/refusals.h"

namespace pushmail::mailbox {
namespace {

using Came = Backoff::Came;
using Refused = Backoff::Refused;

constexpr Instant now = {1'000'000'000'000};

struct Steps {
  Timing timing;
  Backoff backoff{};

  /// The longest that the next pause can be: half of it is by chance, of which there is none here.
  Duration fail(const Failure& failure, Came came = Came::not_in, Duration lived = {}) {
    backoff.on_failure({.failure = failure, .came = came, .lived = lived, .now = now, .random = 0}, timing);
    return {(backoff.not_before() - now).ns * 2};
  }
};

Failure said(std::string_view status) { return refused(status, mailbox_login); }

TEST(Backoff, DoublesUntilALookSucceeds) {
  Steps steps;
  const Failure busy = said("NO [LIMIT] too many");
  for (const std::int64_t expected : {1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300}) EXPECT_EQ(steps.fail(busy), seconds(expected));
  EXPECT_EQ(steps.backoff.refused(), Refused::for_now);
  steps.backoff.on_logged_in();
  EXPECT_EQ(steps.fail(busy), seconds(300)) << "a log-in is not enough";
  steps.backoff.on_moved();
  EXPECT_EQ(steps.backoff.not_before(), now + seconds(150)) << "nor is another address";
  steps.backoff.on_look();
  EXPECT_EQ(steps.fail(busy), seconds(1));
}

TEST(Backoff, SessionsThatEndSoonAfterALookCountUntilOneLives) {
  Steps steps;
  const Failure closed{Error{&mailbox_closed}, "BYE"};
  for (const std::int64_t expected : {1, 2, 4, 8}) {
    steps.backoff.on_logged_in();
    steps.backoff.on_look();
    EXPECT_EQ(steps.fail(closed, Came::to_a_look, seconds(299)), seconds(expected));
    EXPECT_EQ(steps.backoff.refused(), Refused::no);
  }
  EXPECT_EQ(steps.fail(closed, Came::to_a_look, seconds(301)), seconds(1));
  EXPECT_EQ(steps.fail(closed, Came::to_a_look, seconds(1)), seconds(2));
  steps.backoff.on_done();
  EXPECT_EQ(steps.fail(closed, Came::to_a_look, seconds(1)), seconds(1));
}

TEST(Backoff, ANewFetcherGoesOnWithIt) {
  Steps before;
  for (int i = 0; i < 6; ++i) before.fail(said("NO [LIMIT] too many"));
  Steps after;
  after.backoff.go_on_with(before.backoff.kept(now + seconds(4)), now + seconds(100), after.timing);
  EXPECT_EQ(after.backoff.refused(), Refused::for_now);
  EXPECT_EQ(after.backoff.not_before(), now + seconds(112)) << "16 s, of which 4 had passed";
  EXPECT_EQ(after.backoff.failure().text, "NO [LIMIT] too many");
  EXPECT_EQ(after.fail(said("NO [LIMIT] too many")), seconds(64));

  Steps refused;
  refused.fail(said("NO [AUTHENTICATIONFAILED] no"));
  Steps again;
  again.backoff.go_on_with(refused.backoff.kept(now), now, again.timing);
  EXPECT_EQ(again.backoff.refused(), Refused::for_good);
  EXPECT_TRUE(again.backoff.failure().error.is(mailbox_auth));
  EXPECT_EQ(again.fail(said("NO [AUTHENTICATIONFAILED] no")), seconds(7200));

  Steps unsaid;
  unsaid.fail(said("NO"));
  Steps second;
  second.backoff.go_on_with(unsaid.backoff.kept(now), now, second.timing);
  second.fail(said("NO"));
  EXPECT_EQ(second.backoff.refused(), Refused::for_good) << "the second refusal without a reason";
}

TEST(Backoff, ARefusedPasswordIsTriedAfterAnHour) {
  Steps steps;
  const Failure closed{Error{&mailbox_closed}, "x"};
  for (int i = 0; i < 5; ++i) (void)steps.fail(closed);
  EXPECT_EQ(steps.fail(said("NO [AUTHENTICATIONFAILED] no")), seconds(3600));
  EXPECT_EQ(steps.backoff.refused(), Refused::for_good);
  EXPECT_EQ(steps.fail(said("NO [AUTHENTICATIONFAILED] no")), seconds(2 * 3600));
  steps.backoff.forget_pause();
  EXPECT_EQ(steps.backoff.refused(), Refused::no);
  EXPECT_EQ(steps.backoff.not_before(), Instant{});
}

TEST(Backoff, ABareNoBlamesThePasswordOfAnAccountThatNeverWorkedTheSecondTime) {
  Steps steps;
  EXPECT_EQ(steps.fail(said("NO LOGIN failed")), seconds(1));
  EXPECT_TRUE(steps.backoff.failure().error.is(mailbox_login));
  (void)steps.fail(said("NO [UNAVAILABLE] x"));
  EXPECT_TRUE(steps.backoff.failure().error.is(mailbox_busy));
  EXPECT_EQ(steps.fail(said("NO LOGIN failed")), seconds(3600));
  EXPECT_TRUE(steps.backoff.failure().error.is(mailbox_auth));
  EXPECT_EQ(steps.backoff.failure().text, "NO LOGIN failed");
  // One that worked is never blamed for it, and is asked less and less.
  Steps worked{.timing = {}, .backoff = Backoff(true)};
  Duration last{};
  for (int i = 0; i < 20; ++i) {
    last = worked.fail(said("NO LOGIN failed"));
    EXPECT_TRUE(worked.backoff.failure().error.is(mailbox_login));
  }
  EXPECT_EQ(last, seconds(3600));
}

TEST(Backoff, WhatTheServerAsksForIsWaitedFor) {
  Steps steps;
  (void)steps.fail(said("BAD Request is throttled. Suggested Backoff Time: 299961 milliseconds"));
  EXPECT_EQ(steps.backoff.not_before(), now + milliseconds(299'961));
  EXPECT_EQ(steps.backoff.refused(), Refused::for_now);
}

TEST(Backoff, AServerThatCannotBeReachedIsTriedAtItsNewAddress) {
  Steps steps;
  (void)steps.fail(Failure{Error{&mailbox_unreachable}, "x"});
  EXPECT_EQ(steps.backoff.refused(), Refused::no) << "a fetch may be tried at once";
  steps.backoff.on_moved();
  EXPECT_EQ(steps.backoff.not_before(), Instant{});
  EXPECT_EQ(steps.fail(Failure{Error{&mailbox_unreachable}, "x"}), seconds(2)) << "but it counts on";
}

}  // namespace
}  // namespace pushmail::mailbox
