// The table of zones against the system's, and times of invitations in UTC.
#include "codec/convert/time_zones.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>

#include "codec/convert/calendar.h"

namespace pushmail::convert {
namespace {

constexpr std::int64_t day = 86'400;
constexpr std::int64_t year_2026 = 1'767'225'600;

TEST(TimeZones, Table) {
  struct Row {
    std::string_view zone;
    std::int64_t utc;
    std::int32_t expected;
  };
  const Row rows[] = {
      {"Europe/Madrid", 1'792'501'200, 7200},  // 2026-10-20 13:00
      {"Europe/Madrid", year_2026, 3600},
      {"Europe/London", year_2026 + 200 * day, 3600},
      {"Europe/Dublin", year_2026, 0},
      {"Europe/Dublin", year_2026 + 200 * day, 3600},
      {"America/New_York", year_2026, -18'000},
      {"America/New_York", year_2026 + 200 * day, -14'400},
      {"Asia/Kolkata", year_2026, 19'800},
      {"Australia/Sydney", year_2026, 39'600},  // summer over the end of the year
      {"Australia/Sydney", year_2026 + 200 * day, 36'000},
      {"America/St_Johns", year_2026, -12'600},
      {"UTC", year_2026, 0},
      // The second before and after clocks are set: 2026-03-29 01:00 UTC.
      {"Europe/Berlin", 1'774'745'999, 3600},
      {"Europe/Berlin", 1'774'746'000, 7200},
  };
  for (const Row& row : rows) EXPECT_EQ(zone_offset(row.zone, row.utc), row.expected) << row.zone << " " << row.utc;
  for (const std::string_view none :
       {"", "Europe", "Europe/Nowhere", "urope/Madrid", "Europe/Madri", "Europe/Madrid Europe/Paris", "Europe/"})
    EXPECT_FALSE(zone_offset(none, 0)) << none;
  EXPECT_EQ(zone_offset_at_wall("Europe/Berlin", year_2026 + 200 * day), 7200);
  EXPECT_EQ(zone_offset_at_wall("Europe/Berlin", year_2026), 3600);
  EXPECT_FALSE(zone_offset_at_wall("Nowhere", year_2026));
}

// The C library reads tzdata itself.
TEST(TimeZones, AgreeWithTheSystem) {
  ASSERT_TRUE(std::filesystem::exists("/usr/share/zoneinfo/Europe/Berlin")) << "tzdata is not installed";
  const char* before = std::getenv("TZ");
  const std::string kept = before == nullptr ? "" : before;
  std::size_t compared = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator("/usr/share/zoneinfo")) {
    const std::string name = std::filesystem::relative(entry.path(), "/usr/share/zoneinfo").string();
    if (!entry.is_regular_file() || name.starts_with("posix/") || name.starts_with("right/") || !zone_offset(name, 0)) continue;
    ::setenv("TZ", name.c_str(), 1);
    ::tzset();
    for (std::int64_t at = year_2026 + day / 2; at < year_2026 + 3 * 365 * day; at += 7 * day) {
      const auto seconds = static_cast<std::time_t>(at);
      std::tm local{};
      ASSERT_NE(::localtime_r(&seconds, &local), nullptr);
      EXPECT_EQ(zone_offset(name, at), local.tm_gmtoff) << name << " " << at;
    }
    ++compared;
  }
  before == nullptr ? ::unsetenv("TZ") : ::setenv("TZ", kept.c_str(), 1);
  ::tzset();
  EXPECT_GT(compared, 300U);
}

std::string when(std::string_view head, std::string_view start) {
  const auto calendar = read_calendar("BEGIN:VCALENDAR\nMETHOD:REQUEST\n" + std::string(head) + "BEGIN:VEVENT\nSUMMARY:x\n" +
                                      std::string(start) + "\nEND:VEVENT\nEND:VCALENDAR\n");
  EXPECT_TRUE(calendar);
  const std::string card = calendar_card(*calendar).text;
  const std::size_t at = card.find("When: ");
  return at == std::string::npos ? card : card.substr(at + 6, card.find('\n', at) - at - 6);
}

TEST(CalendarZones, UtcIsShownWhereTheInvitationComesFrom) {
  constexpr std::string_view utc = "DTSTART:20261020T130000Z\nDTEND:20261020T140000Z";
  constexpr std::string_view berlin =
      "BEGIN:VTIMEZONE\nTZID:Own/"
      "Berlin\nBEGIN:STANDARD\nDTSTART:19701025T030000\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nTZOFFSETTO:+0100\nEND:STANDARD\n"
      "BEGIN:DAYLIGHT\nDTSTART:19700329T020000\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\nTZOFFSETTO:+0200\nEND:DAYLIGHT\nEND:VTIMEZONE\n";
  EXPECT_EQ(when("X-WR-TIMEZONE:Europe/Madrid\n", utc), "Tue 20 Oct 2026, 15:00-16:00 (Europe/Madrid, UTC+02:00)");
  EXPECT_EQ(when("X-WR-TIMEZONE:America/New_York\n", "DTSTART:20261021T010000Z"), "Tue 20 Oct 2026, 21:00 (America/New_York, UTC-04:00)");
  EXPECT_EQ(when(berlin, utc), "Tue 20 Oct 2026, 15:00-16:00 (Own/Berlin, UTC+02:00)");
  EXPECT_EQ(when(std::string(berlin) + "X-WR-TIMEZONE:Own/Berlin\n", utc), "Tue 20 Oct 2026, 15:00-16:00 (Own/Berlin, UTC+02:00)");
  EXPECT_EQ(when("", utc), "Tue 20 Oct 2026, 13:00-14:00 (UTC)");
  EXPECT_EQ(when("X-WR-TIMEZONE:Nowhere\n", utc), "Tue 20 Oct 2026, 13:00-14:00 (UTC)");
  // A name without its rules in the calendar has those that hold today.
  EXPECT_EQ(when("", "DTSTART;TZID=Europe/Madrid:20261020T150000"), "Tue 20 Oct 2026, 15:00 (Europe/Madrid, UTC+02:00)");
  EXPECT_EQ(when("X-WR-TIMEZONE:Europe/Madrid\n", "DTSTART;VALUE=DATE:20261020"), "Tue 20 Oct 2026, all day");
}

}  // namespace
}  // namespace pushmail::convert
