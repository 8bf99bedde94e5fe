#include "core/clock.h"

#include <gtest/gtest.h>

#include "core/wall_steps.h"

namespace pushmail {
namespace {

class TwoClocks final : public Clock {
 public:
  Timestamp wall_at{1'000'000'000};
  Instant at{7};
  [[nodiscard]] Timestamp wall() const override { return wall_at; }
  [[nodiscard]] Instant now() const override { return at; }
};

TEST(WallSteps, OnlyWhatSomebodySets) {
  TwoClocks clock;
  WallSteps steps(clock);
  clock.wall_at.us += 5'000'000;
  clock.at.ns += 5'000'000'000;
  EXPECT_FALSE(steps.look()) << "time goes on";
  clock.wall_at.us -= 600'000'000;
  EXPECT_EQ(steps.look(), seconds(-600));
  EXPECT_FALSE(steps.look()) << "once";
  clock.wall_at.us += 600'000;
  EXPECT_FALSE(steps.look());
  clock.wall_at.us += 600'000;
  EXPECT_EQ(steps.look(), milliseconds(1200)) << "small steps add up";
}

struct Row {
  std::string_view text;
  std::int64_t us;
};

TEST(Clock, ReadsRfc3339) {
  for (const Row& row : {Row{"1970-01-01T00:00:00Z", 0}, Row{"2024-06-30T12:30:00Z", 1'719'750'600'000'000},
                         Row{"2024-06-30T14:30:00+02:00", 1'719'750'600'000'000}, Row{"2024-06-30T12:30:00.250Z", 1'719'750'600'250'000},
                         Row{"2000-02-29T23:59:59Z", 951'868'799'000'000}, Row{"1969-12-31T23:59:59Z", -1'000'000},
                         Row{"2024-06-30T12:30:00", 1'719'750'600'000'000}}) {
    const auto at = parse_rfc3339(row.text);
    ASSERT_TRUE(at.has_value()) << row.text;
    EXPECT_EQ(at->us, row.us) << row.text;
  }
}

TEST(Clock, RefusesWhatIsNoTime) {
  for (const std::string_view text :
       {"", "2024", "2024-13-01T00:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01T00:00:00Zx", "2024-01-01T00:00:00+2:00",
        "2023-02-29T00:00:00Z", "2024-02-31T00:00:00Z", "2024-00-10T00:00:00Z", "2024-01-01T00:00:00+99:99", "2024-01-01T00:00:00+01:60"}) {
    EXPECT_FALSE(parse_rfc3339(text).has_value()) << text;
  }
}

TEST(Clock, Prints) {
  EXPECT_EQ(format_rfc3339(Timestamp{1'719'750'600'250'000}), "2024-06-30T12:30:00.250Z");
  EXPECT_EQ(format_rfc5322(Timestamp{1'719'750'600'000'000}), "Sun, 30 Jun 2024 12:30:00 +0000");
  EXPECT_EQ(format_rfc5322(Timestamp{0}), "Thu, 1 Jan 1970 00:00:00 +0000");
  EXPECT_EQ(format_rfc3339(Timestamp{-1'000}), "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace pushmail
