// Came from: the header fields Date and Resent-Date. Goes to: codec/convert.
#include "codec/mime/date.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/ascii.h"
#include "core/bytes.h"

namespace pushmail::mime {
namespace {

constexpr std::size_t date_size_max = 200;
constexpr std::size_t word_count_max = 8;

/// Words of a value, divided by blanks; comments are passed over.
struct Words {
  std::array<std::string_view, word_count_max> words;
  std::size_t count = 0;
};
Words words_of(std::string_view value) {
  Words found;
  std::size_t depth = 0;
  std::size_t start = 0;
  const auto end_word = [&](std::size_t at) {
    if (depth == 0 && at > start && found.count < word_count_max) found.words[found.count++] = value.substr(start, at - start);
  };
  for (std::size_t at = 0; at < value.size(); ++at) {
    const char c = value[at];
    if (c == '(') {
      end_word(at);
      ++depth;
    } else if (c == ')' && depth > 0) {
      --depth;
      start = at + 1;
    } else if (std::string_view(" \t\r\n,").find(c) != std::string_view::npos) {
      end_word(at);
      start = at + 1;
    }
  }
  end_word(value.size());
  return found;
}

std::optional<unsigned> number(std::string_view digits, std::size_t size_min, std::size_t size_max) {
  if (digits.size() < size_min || digits.size() > size_max) return std::nullopt;
  return parse_number<unsigned>(digits);
}

std::optional<unsigned> month_of(std::string_view word) {
  constexpr std::string_view names = "janfebmaraprmayjunjulaugsepoctnovdec";
  for (std::size_t month = 0; month < 12 && word.size() >= 3; ++month) {
    if (ascii_equal_nocase(word.substr(0, 3), names.substr(month * 3, 3))) return static_cast<unsigned>(month + 1);
  }
  return std::nullopt;
}

/// Hours east of Greenwich of the names that RFC 5322 §4.3 still knows; every other name says nothing, and is UTC.
int zone_hours(std::string_view name) {
  constexpr auto zones = std::to_array<std::pair<std::string_view, int>>(
      {{"EDT", -4}, {"EST", -5}, {"CDT", -5}, {"CST", -6}, {"MDT", -6}, {"MST", -7}, {"PDT", -7}, {"PST", -8}});
  const auto found = std::find_if(zones.begin(), zones.end(), [&](const auto& zone) { return ascii_equal_nocase(zone.first, name); });
  return found == zones.end() ? 0 : found->second;
}

/// Minutes east of Greenwich.
int zone_minutes(std::string_view word) {
  if (word.size() == 5 && (word[0] == '+' || word[0] == '-')) {
    const auto hours = number(word.substr(1, 2), 2, 2);
    const auto minutes = number(word.substr(3, 2), 2, 2);
    if (!hours || !minutes || *hours > 23 || *minutes > 59) return 0;
    const int all = static_cast<int>(*hours * 60 + *minutes);
    return word[0] == '-' ? -all : all;
  }
  return zone_hours(word) * 60;
}

struct TimeOfDay {
  unsigned hour = 0, minute = 0, second = 0;
};
std::optional<TimeOfDay> time_of_day(std::string_view word) {
  const std::size_t colon = word.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::size_t second_colon = std::min(word.find(':', colon + 1), word.size());
  const auto hour = number(word.substr(0, colon), 1, 2);
  const auto minute = number(word.substr(colon + 1, second_colon - colon - 1), 2, 2);
  const auto second = second_colon == word.size() ? std::optional(0U) : number(word.substr(second_colon + 1), 2, 2);
  if (!hour || !minute || !second) return std::nullopt;
  return TimeOfDay{*hour, *minute, *second};
}

}  // namespace

std::optional<Timestamp> parse_date(std::string_view value) {
  const Words words = words_of(value.substr(0, date_size_max));
  // The day of the week is optional, and the day of the month is the first number.
  const std::size_t at = words.count > 0 && number(words.words[0], 1, 2) ? 0 : 1;
  if (words.count < at + 4) return std::nullopt;
  const auto day = number(words.words[at], 1, 2);
  const auto month = month_of(words.words[at + 1]);
  auto year = number(words.words[at + 2], 2, 4);
  const auto time = time_of_day(words.words[at + 3]);
  if (!day || !month || !year || !time) return std::nullopt;
  // RFC 5322 §4.3: years of two digits below 50 are of this century, others and those of three digits count from 1900.
  if (words.words[at + 2].size() == 2)
    *year += *year < 50 ? 2000 : 1900;
  else if (words.words[at + 2].size() == 3)
    *year += 1900;
  const auto read =
      parse_rfc3339(fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", *year, *month, *day, time->hour, time->minute, time->second));
  if (!read) return std::nullopt;
  const int zone = words.count > at + 4 ? zone_minutes(words.words[at + 4]) : 0;
  return Timestamp{read->us - std::int64_t{zone} * 60 * 1'000'000};
}

}  // namespace pushmail::mime
