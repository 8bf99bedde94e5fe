// The schedule as a function: table of times, zones with changes of the clock, and the spread of the round.
#include "controlplane/schedule/due.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

namespace pushmail::schedule {
namespace {

Timestamp at(std::string_view text) { return parse_rfc3339(text).value(); }

std::string due(std::string_view times, std::string_view zone, std::string_view last) {
  const auto loaded = load_zone(zone);
  const Plan plan{.mode = Plan::Mode::fixed, .times = parse_times(times).value(), .zone = loaded.get()};
  return format_rfc3339(next_due(plan, at(last)));
}

TEST(Times, AreReadOrRefused) {
  EXPECT_EQ(parse_times("07:00,12:30"), (std::vector<int>{420, 750}));
  EXPECT_EQ(parse_times("23:59, 00:00,23:59"), (std::vector<int>{0, 1439}));
  for (const char* bad : {"", "7:00", "24:00", "12:60", "07:00,", ",07:00", "07-00", "0x:00", "07:00:00", "-1:00"}) {
    EXPECT_FALSE(parse_times(bad)) << bad;
  }
}

TEST(Fixed, NextTimeOfTheDayInTheSubscribersZone) {
  EXPECT_EQ(due("07:00,12:30", "UTC", "2026-11-23T06:59:59Z"), "2026-11-23T07:00:00.000Z");
  EXPECT_EQ(due("07:00,12:30", "UTC", "2026-11-23T07:00:00Z"), "2026-11-23T12:30:00.000Z") << "a time that has come is past";
  EXPECT_EQ(due("07:00,12:30", "UTC", "2026-11-23T12:30:00Z"), "2026-11-24T07:00:00.000Z");
  EXPECT_EQ(due("07:00", "Europe/Berlin", "2026-11-23T05:00:00Z"), "2026-11-23T06:00:00.000Z");
  EXPECT_EQ(due("07:00", "Asia/Kolkata", "2026-11-23T05:00:00Z"), "2026-11-24T01:30:00.000Z");
  EXPECT_EQ(due("00:00", "Pacific/Kiritimati", "2026-11-23T09:59:00Z"), "2026-11-23T10:00:00.000Z");
}

TEST(Fixed, WhenTheClockChanges) {
  // Berlin, 28 March 2027: 02:00 becomes 03:00, so 02:30 does not exist; it comes when the clock has jumped.
  EXPECT_EQ(due("02:30", "Europe/Berlin", "2027-03-28T00:00:00Z"), "2027-03-28T01:30:00.000Z");
  EXPECT_EQ(due("02:30", "Europe/Berlin", "2027-03-28T01:30:00Z"), "2027-03-29T00:30:00.000Z");
  // 31 October 2027: 03:00 becomes 02:00, so 02:30 comes twice; once is enough.
  EXPECT_EQ(due("02:30", "Europe/Berlin", "2027-10-31T00:00:00Z"), "2027-10-31T00:30:00.000Z");
  EXPECT_EQ(due("02:30", "Europe/Berlin", "2027-10-31T00:30:00Z"), "2027-11-01T01:30:00.000Z");
  // Long after the last transition that a file lists, the rule of its footer holds.
  EXPECT_EQ(due("07:00", "Europe/Berlin", "2090-07-01T00:00:00Z"), "2090-07-01T05:00:00.000Z");
  EXPECT_EQ(due("07:00", "Australia/Sydney", "2090-01-01T00:00:00Z"), "2090-01-01T20:00:00.000Z");
}

TEST(Fixed, EveryDayHasItsTimes) {
  // Walking a year in a zone with changes gives each time once a day.
  const auto zone = load_zone("America/New_York");
  const Plan plan{.mode = Plan::Mode::fixed, .times = {90, 150, 1410}, .zone = zone.get()};
  Timestamp now = at("2026-01-01T05:00:00Z");
  int count = 0;
  while (now < at("2027-01-01T05:00:00Z")) {
    const Timestamp next = next_due(plan, now);
    ASSERT_GT(next, now);
    now = next;
    count += now < at("2027-01-01T05:00:00Z") ? 1 : 0;
  }
  EXPECT_EQ(count, 365 * 3);
}

TEST(RoundRobin, OnceInEveryRoundAtItsOwnPoint) {
  std::int64_t sum = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::string key = fmt::format("b{}", i);
    const Plan plan{.round = seconds(900), .key = key};
    const Timestamp start = at("2026-11-23T00:00:00Z");
    const Timestamp first = next_due(plan, start);
    EXPECT_GT(first, start);
    EXPECT_LE(first.us - start.us, 900'000'000);
    EXPECT_EQ(next_due(plan, first).us - first.us, 900'000'000);
    EXPECT_EQ(next_due(plan, {first.us - 1}), first);
    sum += first.us - start.us;
  }
  EXPECT_NEAR(static_cast<double>(sum) / 1000, 450e6, 30e6) << "spread over the round";
}

TEST(Zone, NamesAndFilesThatAreNone) {
  EXPECT_TRUE(load_zone("UTC"));
  EXPECT_TRUE(load_zone("Europe/Berlin"));
  for (const char* bad : {"", "../../etc/passwd", "/etc/localtime", "Europe/Nowhere", "Europe", "a b"}) EXPECT_FALSE(load_zone(bad)) << bad;
  EXPECT_FALSE(parse_tzif(bytes_of("TZif2")));
  EXPECT_FALSE(parse_tzif(bytes_of("TZif2" + std::string(39, '\xff'))));
}

TEST(Zone, PosixRules) {
  const auto berlin = parse_posix_rule("CET-1CEST,M3.5.0,M10.5.0/3");
  ASSERT_TRUE(berlin);
  EXPECT_EQ(berlin->standard_offset, 3600);
  EXPECT_EQ(berlin->summer_offset, 7200);
  EXPECT_EQ(berlin->ends.second, 10'800);
  EXPECT_EQ(parse_posix_rule("<+0545>-5:45")->standard_offset, 20'700);
  EXPECT_TRUE(parse_posix_rule("IST-1GMT0,M10.5.0,M3.5.0/1"));
  for (const char* bad :
       {"", "C-1", "CET", "CET-1CEST", "CET-1CEST,M13.1.0,M10.5.0", "CET-1CEST,M3.5.0", "<CET-1", "CET-1CEST,M3.5.0,M10.5.0x"}) {
    EXPECT_FALSE(parse_posix_rule(bad)) << bad;
  }
}

}  // namespace
}  // namespace pushmail::schedule
