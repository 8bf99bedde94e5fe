// The ring between two threads: order, the producer's queue when it is full, and that a sleeping consumer is woken for all of it.
#include "dataplane/ring.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <utility>

#include "tests/unit/checked.h"

namespace pushmail {
namespace {

bool rang(const Wake& wake) {
  pollfd ready{.fd = wake.fd(), .events = POLLIN, .revents = 0};
  return ::poll(&ready, 1, 0) == 1;
}

TEST(Ring, wakes_a_sleeper_once_a_turn_and_nobody_else) {
  Wake wake;
  Checked<Ring<int>> ring(std::in_place, wake, 4);
  ring->send(1);
  EXPECT_TRUE(ring->flush());
  EXPECT_FALSE(rang(wake)) << "nobody sleeps";
  EXPECT_EQ(ring->receive(), 1);
  wake.announce();
  EXPECT_TRUE(ring->flush());
  EXPECT_FALSE(rang(wake)) << "there is no news";
  ring->send(2);
  EXPECT_FALSE(rang(wake)) << "only flush rings";
  EXPECT_TRUE(ring->flush());
  EXPECT_TRUE(rang(wake));
}

TEST(Ring, what_waited_for_room_wakes_the_sleeper_too) {
  Wake wake;
  Checked<Ring<int>> ring(std::in_place, wake, 2);
  for (int value = 1; value <= 3; ++value) ring->send(value);
  EXPECT_FALSE(ring->flush()) << "the third does not fit";

  EXPECT_EQ(ring->receive(), 1);
  EXPECT_EQ(ring->receive(), 2);
  wake.announce();
  ASSERT_TRUE(ring->empty());
  ASSERT_FALSE(rang(wake));

  EXPECT_TRUE(ring->flush());
  EXPECT_TRUE(rang(wake)) << "the third moved in while the consumer slept";
  wake.awake();
  EXPECT_EQ(ring->receive(), 3);
  EXPECT_EQ(ring->receive(), std::nullopt);
}

TEST(Ring, keeps_the_order_through_an_overflow) {
  Wake wake;
  Checked<Ring<int>> ring(std::in_place, wake, 3);
  int next = 0;
  for (int value = 0; value < 20; ++value) ring->send(value);
  while (next < 20) {
    ring->flush();
    while (const auto value = ring->receive()) EXPECT_EQ(*value, next++);
  }
  EXPECT_TRUE(ring->flush());
}

}  // namespace
}  // namespace pushmail
