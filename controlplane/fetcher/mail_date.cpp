#include "controlplane/fetcher/mail_date.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "core/ascii.h"
#include "core/bytes.h"

namespace pushmail::mailbox {

namespace {

constexpr std::array<std::string_view, 12> months{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"};

struct Zone {
  std::string_view name;
  int hours;
};
constexpr std::array<Zone, 10> zones{
    {{"UT", 0}, {"GMT", 0}, {"EST", -5}, {"EDT", -4}, {"CST", -6}, {"CDT", -5}, {"MST", -7}, {"MDT", -6}, {"PST", -8}, {"PDT", -7}}};

// Takes words and numbers off the front, blanks and commas between them passed over.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  std::string_view word() {
    skip(" \t\r\n,");
    const std::size_t end = std::min(rest_.find_first_of(" \t\r\n,:("), rest_.size());
    const std::string_view found = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return found;
  }
  bool colon() {
    skip(" \t\r\n");
    if (!rest_.starts_with(':')) return false;
    rest_.remove_prefix(1);
    return true;
  }

 private:
  void skip(std::string_view what) { rest_.remove_prefix(std::min(rest_.find_first_not_of(what), rest_.size())); }
  std::string_view rest_;
};

std::optional<int> number(std::string_view digits, std::size_t digit_count_max) {
  if (digits.size() > digit_count_max || !is_digits(digits)) return std::nullopt;
  return parse_number<int>(digits);
}

// Minutes east of UTC. An unknown name is taken as UTC (RFC 5322 §4.3).
int zone_minutes(std::string_view zone) {
  if (zone.size() == 5 && (zone[0] == '+' || zone[0] == '-')) {
    const auto hours = number(zone.substr(1, 2), 2);
    const auto minutes = number(zone.substr(3, 2), 2);
    if (!hours || !minutes || *minutes > 59) return 0;
    return (zone[0] == '-' ? -1 : 1) * (*hours * 60 + *minutes);
  }
  for (const Zone& known : zones) {
    if (ascii_equal_nocase(zone, known.name)) return known.hours * 60;
  }
  return 0;
}

}  // namespace

std::optional<Timestamp> parse_mail_date(std::string_view text) {
  Reader reader(text);
  std::string_view word = reader.word();
  auto day = number(word, 2);
  // The day of the week comes first, or not at all.
  if (!day) day = number(reader.word(), 2);
  const std::string_view month_name = reader.word();
  const std::string_view year_digits = reader.word();
  auto year = number(year_digits, 4);
  const auto hour = number(reader.word(), 2);
  if (!day || !year || !hour || !reader.colon()) return std::nullopt;
  const auto minute = number(reader.word(), 2);
  std::optional<int> second = 0;
  if (reader.colon()) second = number(reader.word(), 2);
  if (!minute || !second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;

  unsigned month = 0;
  for (unsigned i = 0; i < months.size(); ++i) {
    if (ascii_equal_nocase(month_name, months[i])) month = i + 1;
  }
  if (year_digits.size() == 2) *year += *year < 50 ? 2000 : 1900;
  if (year_digits.size() == 3) *year += 1900;
  const std::chrono::year_month_day date(std::chrono::year(*year), std::chrono::month(month),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return std::nullopt;

  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  const std::int64_t minutes = days * 1440 + *hour * 60 + *minute - zone_minutes(reader.word());
  return Timestamp{(minutes * 60 + *second) * 1'000'000};
}

std::optional<Timestamp> parse_internal_date(std::string_view text) {
  // `dd-Mon-yyyy` with blanks for dashes is what RFC 5322 writes.
  std::string spaced(text);
  const std::size_t date_end = spaced.find(' ', spaced.find_first_not_of(' '));
  std::replace(spaced.begin(), spaced.begin() + static_cast<std::ptrdiff_t>(std::min(date_end, spaced.size())), '-', ' ');
  const auto at = parse_mail_date(spaced);
  return at && at->us >= 0 ? at : std::nullopt;
}

std::string format_internal_date(Timestamp at) {
  // `Mon, 5 Nov 2026 21:54:12 +0000` holds the same words.
  const std::string date = format_rfc5322(at);
  Reader reader(date);
  reader.word();
  std::string day(reader.word());
  if (day.size() == 1) day.insert(0, 1, '0');
  const std::string month(reader.word());
  const std::string year(reader.word());
  return day + "-" + month + "-" + year + date.substr(date.find(year) + year.size());
}

}  // namespace pushmail::mailbox
