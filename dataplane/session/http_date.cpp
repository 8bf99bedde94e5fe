#include "dataplane/session/http_date.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/ascii.h"
#include "core/bytes.h"

namespace pushmail::http {

namespace {

constexpr std::int64_t retry_after_max = 86'400;  // seconds; more is as good as a day

// w: day of the week, by any letters. b: month. d: day of two digits, the first of them may be a blank. Y, y: year of four and of two
// digits. h, m, s: two digits each. Everything else is itself.
constexpr std::array<std::string_view, 3> forms{
    "w, d b Y h:m:s GMT",  // IMF-fixdate
    "w, d-b-y h:m:s GMT",  // RFC 850
    "w b d h:m:s Y",       // asctime
};
constexpr std::string_view months = "janfebmaraprmayjunjulaugsepoctnovdec";

struct Fields {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
};

/// Takes `size` digits off the front.
bool take_number(std::string_view& text, std::size_t size, int& number) {
  if (text.size() < size) return false;
  const auto read = parse_number<int>(text.substr(0, size));
  if (!read || *read < 0) return false;
  number = *read;
  text.remove_prefix(size);
  return true;
}

bool take_month(std::string_view& text, int& month) {
  for (std::size_t i = 0; i < months.size(); i += 3) {
    if (!ascii_starts_with_nocase(text, months.substr(i, 3))) continue;
    month = static_cast<int>(i / 3) + 1;
    text.remove_prefix(3);
    return true;
  }
  return false;
}

bool take_weekday(std::string_view& text) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto size = static_cast<std::size_t>(std::ranges::find_if_not(text, is_letter) - text.begin());
  text.remove_prefix(size);
  return size >= 3;
}

/// RFC 9110 §5.6.7: a year of two digits that seems more than 50 years ahead is of the century before.
int whole_year(int year, Timestamp now) {
  int this_year = 0;
  const std::string written = format_rfc3339(now);
  std::string_view today = written;
  if (!take_number(today, 4, this_year)) return year;
  year += this_year / 100 * 100;
  return year > this_year + 50 ? year - 100 : year;
}

bool take(char mark, std::string_view& text, Timestamp now, Fields& fields) {
  switch (mark) {
    case 'w':
      return take_weekday(text);
    case 'b':
      return take_month(text, fields.month);
    case 'd':
      if (!text.starts_with(' ')) return take_number(text, 2, fields.day);
      text.remove_prefix(1);
      return take_number(text, 1, fields.day);
    case 'Y':
      return take_number(text, 4, fields.year);
    case 'y':
      if (!take_number(text, 2, fields.year)) return false;
      fields.year = whole_year(fields.year, now);
      return true;
    case 'h':
      return take_number(text, 2, fields.hour);
    case 'm':
      return take_number(text, 2, fields.minute);
    case 's':
      return take_number(text, 2, fields.second);
    default:
      if (!text.starts_with(mark)) return false;
      text.remove_prefix(1);
      return true;
  }
}

}  // namespace

std::string format_date(Timestamp at) {
  // As in a mail, but for the zone and the day, which has two digits here.
  std::string date = format_rfc5322(at);
  if (date[6] == ' ') date.insert(5, 1, '0');
  return date.replace(date.rfind('+'), std::string::npos, "GMT");
}

std::optional<Timestamp> parse_date(std::string_view text, Timestamp now) {
  for (const std::string_view form : forms) {
    std::string_view rest = text;
    Fields fields;
    if (!std::ranges::all_of(form, [&](char mark) { return take(mark, rest, now, fields); }) || !rest.empty()) continue;
    const auto read = parse_rfc3339(fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", fields.year, fields.month, fields.day, fields.hour,
                                                fields.minute, fields.second));
    if (read) return *read;
  }
  return std::nullopt;
}

std::optional<Duration> parse_retry_after(std::string_view value, std::string_view date, Timestamp now) {
  if (const auto count = parse_number<std::int64_t>(value)) {
    if (*count < 0) return std::nullopt;
    return seconds(std::min(*count, retry_after_max));
  }
  const auto at = parse_date(value, now);
  if (!at) return std::nullopt;
  const Timestamp said = parse_date(date, now).value_or(now);
  const std::int64_t ahead = (at->us - said.us) / 1'000'000;
  // Nobody announces that he is back in 2044: a date so far away is a clock's or a program's mistake.
  if (ahead > retry_after_max) return std::nullopt;
  return seconds(std::max<std::int64_t>(ahead, 0));
}

}  // namespace pushmail::http
