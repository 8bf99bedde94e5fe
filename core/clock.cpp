#include "core/clock.h"

#include <fmt/compile.h>
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include "core/ascii.h"
#include "core/errors.h"

namespace pushmail {

namespace {

// Days since 1970-01-01 and back, proleptic Gregorian: libc's timegm/gmtime consult the environment, this must not.
struct Date {
  std::int64_t year;
  unsigned month;
  unsigned day;
};

std::int64_t days_from_date(Date date) {
  const std::int64_t y = date.year - (date.month <= 2 ? 1 : 0);
  const std::int64_t era = (y >= 0 ? y : y - 399) / 400;
  const std::int64_t year_of_era = y - era * 400;
  const std::int64_t shifted_month = (date.month + 9) % 12;
  const std::int64_t day_of_year = (153 * shifted_month + 2) / 5 + date.day - 1;
  const std::int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

Date date_from_days(std::int64_t days) {
  days += 719468;
  const std::int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const std::int64_t day_of_era = days - era * 146097;
  const std::int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t shifted_month = (5 * day_of_year + 2) / 153;
  const auto day = static_cast<unsigned>(day_of_year - (153 * shifted_month + 2) / 5 + 1);
  const auto month = static_cast<unsigned>(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

struct Civil {
  Date date;
  unsigned hour, minute, second, weekday;
  std::int64_t us;
};

Civil civil_from(Timestamp at) {
  constexpr std::int64_t day_us = 86'400'000'000;
  std::int64_t days = at.us / day_us;
  std::int64_t rest = at.us % day_us;
  if (rest < 0) {
    rest += day_us;
    --days;
  }
  const std::int64_t total = rest / 1'000'000;
  return {date_from_days(days),
          static_cast<unsigned>(total / 3600),
          static_cast<unsigned>(total / 60 % 60),
          static_cast<unsigned>(total % 60),
          static_cast<unsigned>(((days % 7) + 11) % 7),
          rest % 1'000'000};
}

Timestamp from_timespec(const timespec& t) { return {static_cast<std::int64_t>(t.tv_sec) * 1'000'000 + t.tv_nsec / 1'000}; }

// Reads exactly `count` digits at `at`.
bool read_number(std::string_view text, std::size_t& at, std::size_t count, std::int64_t& value) {
  if (text.size() < at + count) return false;
  value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const char c = text[at + i];
    if (!is_digit(c)) return false;
    value = value * 10 + (c - '0');
  }
  at += count;
  return true;
}

bool read_mark(std::string_view text, std::size_t& at, std::string_view allowed) {
  if (at >= text.size() || allowed.find(text[at]) == std::string_view::npos) return false;
  ++at;
  return true;
}

}  // namespace

Timestamp SystemClock::wall() const {
  timespec t{};
  clock_gettime(CLOCK_REALTIME, &t);
  return from_timespec(t);
}

Instant SystemClock::now() const {
  timespec t{};
  // Nobody sets it, and it goes on while the machine sleeps: a wait of an hour ends after an hour.
  clock_gettime(CLOCK_BOOTTIME, &t);
  return {static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec};
}

std::string format_rfc3339(Timestamp at) {
  const Civil c = civil_from(at);
  return fmt::format(FMT_COMPILE("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z"), c.date.year, c.date.month, c.date.day, c.hour, c.minute,
                     c.second, c.us / 1000);
}

Result<Timestamp> parse_rfc3339(std::string_view text) {
  std::size_t at = 0;
  std::int64_t year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  const bool shape = read_number(text, at, 4, year) && read_mark(text, at, "-") && read_number(text, at, 2, month) &&
                     read_mark(text, at, "-") && read_number(text, at, 2, day) && read_mark(text, at, "Tt ") &&
                     read_number(text, at, 2, hour) && read_mark(text, at, ":") && read_number(text, at, 2, minute) &&
                     read_mark(text, at, ":") && read_number(text, at, 2, second);
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(year)), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!shape || !date.ok() || hour > 23 || minute > 59 || second > 60) return fail(core_bad_time, at);
  std::int64_t us = 0;
  if (at < text.size() && text[at] == '.') {
    std::int64_t scale = 100'000;
    for (++at; at < text.size() && is_digit(text[at]); ++at, scale /= 10) us += (text[at] - '0') * scale;
  }
  std::int64_t offset_minutes = 0;
  if (at < text.size() && (text[at] == '+' || text[at] == '-')) {
    const std::int64_t sign = text[at++] == '-' ? -1 : 1;
    std::int64_t offset_hour = 0, offset_minute = 0;
    if (!read_number(text, at, 2, offset_hour)) return fail(core_bad_time, at);
    if (at < text.size() && text[at] == ':') ++at;
    if (!read_number(text, at, 2, offset_minute) || offset_hour > 23 || offset_minute > 59) return fail(core_bad_time, at);
    offset_minutes = sign * (offset_hour * 60 + offset_minute);
  } else if (at < text.size() && (text[at] == 'Z' || text[at] == 'z')) {
    ++at;
  }
  if (at != text.size()) return fail(core_bad_time, at);
  const std::int64_t days = days_from_date({year, static_cast<unsigned>(month), static_cast<unsigned>(day)});
  const std::int64_t total = days * 86400 + hour * 3600 + minute * 60 + second - offset_minutes * 60;
  return Timestamp{total * 1'000'000 + us};
}

std::string end_in_words(Timestamp ends, Timestamp now) {
  constexpr std::int64_t day_us = 86'400'000'000;
  const std::int64_t left_us = ends.us - now.us;
  return left_us < 0 ? fmt::format("ended {} days ago", -left_us / day_us) : fmt::format("ends in {} days", left_us / day_us);
}

// Without a format: it cost 2 % of what a mail does.
std::string format_rfc5322(Timestamp at) {
  constexpr std::string_view weekdays = "SunMonTueWedThuFriSat";
  constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const Civil c = civil_from(at);
  std::array<char, 64> text;
  char* end = text.data();
  const auto put = [&](std::string_view piece) { end = std::ranges::copy(piece, end).out; };
  const auto put_two = [&](unsigned number) {
    *end++ = static_cast<char>('0' + number / 10);
    *end++ = static_cast<char>('0' + number % 10);
  };
  put(weekdays.substr(3 * c.weekday, 3));
  put(", ");
  if (c.date.day >= 10)
    put_two(c.date.day);
  else
    *end++ = static_cast<char>('0' + c.date.day);
  put(" ");
  put(months.substr(3 * (c.date.month - 1), 3));
  put(" ");
  end = std::to_chars(end, end + 20, c.date.year).ptr;
  put(" ");
  put_two(c.hour);
  put(":");
  put_two(c.minute);
  put(":");
  put_two(c.second);
  put(" +0000");
  return {text.data(), end};
}

}  // namespace pushmail
