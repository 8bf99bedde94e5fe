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
static_assert(all_reached(rows, 0, 3));
static_assert(!all_reached(rows, 2, 3));
static_assert(!all_reached(rows, 0, 4));
static_assert(no_key_twice(rows, [](const Row& row) { return row.to; }));
static_assert(!no_key_twice(rows, [](const Row& row) { return row.from; }));

TEST(TransitionTable, WhatFollows) {
  EXPECT_EQ(next_of(rows, 0, 'b'), 2);
  EXPECT_EQ(next_of(rows, 1, 'a'), 0);
  EXPECT_FALSE(next_of(rows, 1, 'b').has_value());
  EXPECT_FALSE(next_of(rows, 2, 'a').has_value());
}

enum class Lamp : std::uint8_t { off, on, broken };
enum class Turn : std::uint8_t { press, fall };
struct LampRow {
  Lamp from;
  Turn event;
  Lamp to;
};
constexpr auto lamp_rows = std::to_array<LampRow>({
    {Lamp::off, Turn::press, Lamp::on},
    {Lamp::off, Turn::fall, Lamp::broken},
    {Lamp::on, Turn::press, Lamp::off},
});

TEST(TransitionTable, AStateMovesByItsTableAlone) {
  StateBy<lamp_rows, Lamp::off> lamp;
  EXPECT_EQ(lamp, Lamp::off);
  lamp.move(Turn::press);
  EXPECT_EQ(lamp, Lamp::on);
  lamp.move(Turn::press);
  lamp.move(Turn::fall);
  EXPECT_EQ(lamp, Lamp::broken);
}

TEST(TransitionTableDeathTest, AnUnknownMoveStopsTheProgram) {
  StateBy<lamp_rows, Lamp::on> lamp;
  EXPECT_DEATH(lamp.move(Turn::fall), "next.has_value");
}

TEST(TransitionTable, DrawsItself) {
  constexpr std::array<std::string_view, 3> states{"off", "on", "broken"};
  constexpr std::array<std::string_view, 2> events{"press", "fall"};
  EXPECT_EQ(drawing_of(lamp_rows, states, events), "off     press > on  fall > broken\non      press > off\n");
}

}  // namespace
}  // namespace pushmail
