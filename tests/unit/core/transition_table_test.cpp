// Tables of states and events: what follows, and that nothing follows twice.
#include "core/transition_table.h"

#include <gtest/gtest.h>

#include <array>

namespace pushmail {
namespace {

struct Row {
  int from;
  char event;
  int to;
};
constexpr auto rows = std::to_array<Row>({{0, 'a', 1}, {0, 'b', 2}, {1, 'a', 0}});
constexpr auto twice = std::to_array<Row>({{0, 'a', 1}, {1, 'a', 0}, {0, 'a', 2}});

static_assert(no_pair_twice(rows));
static_assert(!no_pair_twice(twice));
static_assert(no_key_twice(rows, [](const Row& row) { return row.to; }));
static_assert(!no_key_twice(rows, [](const Row& row) { return row.from; }));

TEST(TransitionTable, WhatFollows) {
  EXPECT_EQ(next_of(rows, 0, 'b'), 2);
  EXPECT_EQ(next_of(rows, 1, 'a'), 0);
  EXPECT_FALSE(next_of(rows, 1, 'b').has_value());
  EXPECT_FALSE(next_of(rows, 2, 'a').has_value());
}

}  // namespace
}  // namespace pushmail
