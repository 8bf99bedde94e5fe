#include "core/timers.h"

#include <gtest/gtest.h>

namespace pushmail {
namespace {

TEST(Timers, GrowByDoublingUpToTheLongest) {
  constexpr Timer timer = timers::detail::growing("t", "test", seconds(5), seconds(60), "a test");
  EXPECT_EQ(doubled(timer, 0), seconds(5));
  EXPECT_EQ(doubled(timer, 1), seconds(10));
  EXPECT_EQ(doubled(timer, 3), seconds(40));
  EXPECT_EQ(doubled(timer, 4), seconds(60));
  EXPECT_EQ(doubled(timer, 4'000'000'000U), seconds(60)) << "however often: no overflow, and no long loop";
}

TEST(Timers, OneThatDoesNotGrowStays) {
  EXPECT_EQ(doubled(timers::item_ends, 9), timers::item_ends.first);
  EXPECT_EQ(Duration(timers::item_ends), seconds(30));
}

}  // namespace
}  // namespace pushmail
