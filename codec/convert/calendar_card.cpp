// Calendar data in words. English, as everything else that is written for the phone.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "codec/convert/calendar.h"
#include "codec/convert/text.h"
#include "core/ascii.h"

namespace pushmail::convert {
namespace {

constexpr std::size_t shown_events_max = 5;
constexpr std::size_t shown_attendees_max = 4;
constexpr std::size_t shown_list_max = 12;  // days of a rule

constexpr auto month_names = std::to_array<std::string_view>(
    {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"});
struct Weekday {
  std::string_view code, name;
};
constexpr auto weekdays = std::to_array<Weekday>(
    {{"SU", "Sunday"}, {"MO", "Monday"}, {"TU", "Tuesday"}, {"WE", "Wednesday"}, {"TH", "Thursday"}, {"FR", "Friday"}, {"SA", "Saturday"}});

/// `Tue 14 Jan 2025`.
std::string date_words(const CalendarTime& time) {
  const std::chrono::weekday day{
      std::chrono::sys_days(std::chrono::year(time.year) / std::chrono::month(time.month) / std::chrono::day(time.day))};
  return fmt::format("{} {} {} {:04}", weekdays[day.c_encoding()].name.substr(0, 3), time.day, month_names[time.month - 1].substr(0, 3),
                     time.year);
}
std::string clock_words(const CalendarTime& time) { return fmt::format("{:02}:{:02}", time.hour, time.minute); }

/// The name of a zone as people know it, and how far it is from UTC that day: `Europe/Berlin, UTC+01:00`.
std::string zone_words(const Calendar& calendar, const CalendarTime& time) {
  if (time.is_utc) return "UTC";
  if (time.zone.empty()) return "local time";
  std::string name = time.zone;
  const auto zone = std::find_if(calendar.zones.begin(), calendar.zones.end(), [&](const CalendarZone& z) { return z.id == time.zone; });
  if (zone != calendar.zones.end() && !zone->place.empty()) name = zone->place;
  // RFC 5545 §3.2.19: an id of a registry is a path; its last two names are the place.
  if (name.starts_with('/')) {
    const std::size_t last = name.rfind('/');
    const std::size_t before = last == 0 || last == std::string::npos ? std::string::npos : name.rfind('/', last - 1);
    if (before != std::string::npos) name.erase(0, before + 1);
  }
  const auto offset = offset_of(calendar, time);
  if (!offset) return name;
  const int minutes = std::abs(*offset) / 60;
  return fmt::format("{}, UTC{}{:02}:{:02}", name, *offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

bool is_same_day(const CalendarTime& a, const CalendarTime& b) { return a.year == b.year && a.month == b.month && a.day == b.day; }
bool is_same_zone(const CalendarTime& a, const CalendarTime& b) { return a.is_utc == b.is_utc && a.zone == b.zone; }

std::string moment_words(const Calendar& calendar, const CalendarTime& time) {
  return time.is_date ? date_words(time) : fmt::format("{}, {} ({})", date_words(time), clock_words(time), zone_words(calendar, time));
}

/// RFC 5545 §3.6.1: without an end, a day lasts a day and a time is a moment; the end of days is the day after.
std::string when_words(const Calendar& calendar, const CalendarTime& start, const std::optional<CalendarTime>& finish) {
  if (start.is_date) {
    const CalendarTime last = finish ? later(*finish, finish->is_date ? -86'400 : 0) : start;
    if (wall_seconds(last) <= wall_seconds(start)) return date_words(start) + ", all day";
    return date_words(start) + " - " + date_words(last) + ", all day";
  }
  if (!finish || finish->is_date) return moment_words(calendar, start);
  const CalendarTime& end = *finish;
  // Clocks of two zones cannot be compared: a flight may land before it started.
  if (!is_same_zone(start, end)) return moment_words(calendar, start) + " - " + moment_words(calendar, end);
  if (wall_seconds(end) <= wall_seconds(start)) return moment_words(calendar, start);
  const std::string until = is_same_day(start, end) ? "-" + clock_words(end) : " - " + date_words(end) + ", " + clock_words(end);
  return fmt::format("{}, {}{} ({})", date_words(start), clock_words(start), until, zone_words(calendar, start));
}

std::string person_words(const CalendarPerson& person) {
  if (person.name.empty() || person.name == person.address) return person.address;
  return person.address.empty() ? person.name : person.name + " <" + person.address + ">";
}
std::string_view short_name(const CalendarPerson& person) {
  return person.name.empty() ? std::string_view(person.address) : std::string_view(person.name);
}

/// RFC 5546 §1.4: what the sender does with the event.
std::string title_words(const Calendar& calendar, const CalendarEvent& event) {
  const std::string_view method = calendar.method;
  const std::string summary = event.summary.empty() ? "(no title)" : event.summary;
  const std::string_view thing = event.is_task ? "Task" : "Event";
  if (method == "CANCEL" || ascii_equal_nocase(event.status, "CANCELLED")) return "Cancelled: " + summary;
  if (method == "REPLY") {
    if (event.attendees.empty()) return "Answer: " + summary;
    const CalendarPerson& who = event.attendees.front();
    const auto is = [&](std::string_view answer) { return ascii_equal_nocase(who.answer, answer); };
    const std::string_view does = is("ACCEPTED")     ? "accepts"
                                  : is("DECLINED")   ? "declines"
                                  : is("TENTATIVE")  ? "accepts tentatively"
                                  : is("DELEGATED")  ? "sends someone else"
                                  : is("COMPLETED")  ? "has completed"
                                  : is("IN-PROCESS") ? "is working on"
                                                     : "answers";
    return fmt::format("{} {}: {}", short_name(who), does, summary);
  }
  if (method == "REQUEST" && event.is_task) return "Task for you: " + summary;
  if (method == "REQUEST") return (event.sequence > 0 ? "Updated invitation: " : "Invitation: ") + summary;
  if (method == "COUNTER") return "Another time is proposed: " + summary;
  if (method == "DECLINECOUNTER") return "The proposed time is declined: " + summary;
  if (method == "ADD") return "Further date: " + summary;
  if (method == "REFRESH") return "The latest version is asked for: " + summary;
  return fmt::format("{}: {}", thing, summary);
}

std::string attendee_words(const CalendarEvent& event) {
  std::string out;
  const std::size_t shown = std::min(event.attendees.size(), shown_attendees_max);
  for (std::size_t i = 0; i < shown; ++i) out += fmt::format("{}{}", i == 0 ? "" : ", ", cut(short_name(event.attendees[i]), 60));
  if (event.attendee_count > shown) out += fmt::format(" and {} more", event.attendee_count - shown);
  return out;
}

void add_line(std::string& out, std::string_view label, std::string_view value) {
  if (!value.empty()) out += fmt::format("\n{}: {}", label, value);
}

CalendarEvent in_zone_of(const Calendar& calendar, CalendarEvent event) {
  for (std::optional<CalendarTime>* time : {&event.start, &event.end, &event.replaces}) {
    if (*time) *time = in_zone_of(calendar, **time);
  }
  return event;
}

std::string event_card(const Calendar& calendar, const CalendarEvent& event) {
  std::string out = title_words(calendar, event);
  if (event.start)
    add_line(out, event.is_task ? "Starts" : "When", when_words(calendar, *event.start, event.is_task ? std::nullopt : event.end));
  else
    add_line(out, "When", event.start_as_written);
  if (event.is_task && event.end) add_line(out, "Due", moment_words(calendar, *event.end));
  if (event.replaces) add_line(out, "Of a series, the date", moment_words(calendar, *event.replaces));
  if (!event.rule.empty()) add_line(out, "Repeats", recurrence_words(event.rule));
  if (event.extra_dates > 0) add_line(out, "Further dates", fmt::to_string(event.extra_dates));
  if (event.excluded_dates > 0) add_line(out, "Dates left out", fmt::to_string(event.excluded_dates));
  add_line(out, "Where", event.location);
  if (event.location.find(event.join) == std::string::npos) add_line(out, "Join", event.join);
  if (event.organizer) add_line(out, calendar.method == "REQUEST" ? "Invited by" : "Organizer", person_words(*event.organizer));
  if (calendar.method != "REPLY" && event.attendee_count > 0) add_line(out, "Invited", attendee_words(event));
  if (ascii_equal_nocase(event.status, "TENTATIVE")) out += "\nNot confirmed yet.";
  // RFC 5545 §3.2.17. Whom it is asked of is not known here: all who got this mail may answer it.
  const bool is_answer_asked =
      std::any_of(event.attendees.begin(), event.attendees.end(), [](const CalendarPerson& p) { return p.is_asked; });
  if (calendar.method == "REQUEST" && is_answer_asked) out += "\nAn answer is asked for: reply to this message.";
  return out;
}

// Recurrence (RFC 5545 §3.3.10).

struct Rule {
  std::string_view unit;  // day, week ...
  unsigned interval = 1;
  unsigned count = 0;
  std::optional<CalendarTime> until;
  std::vector<std::string_view> days, month_days, months;
  std::string_view position;
  bool is_understood = true;
};

std::vector<std::string_view> list_of(std::string_view value) {
  std::vector<std::string_view> out;
  while (!value.empty() && out.size() <= shown_list_max) {
    const std::size_t end = std::min(value.find(','), value.size());
    out.push_back(value.substr(0, end));
    value.remove_prefix(std::min(end + 1, value.size()));
  }
  return out;
}

/// A number of at most three digits with its sign; 0 when it is none.
int small_number(std::string_view text) {
  const bool is_negative = text.starts_with('-');
  if (is_negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.size() > 3 || !is_digits(text)) return 0;
  const int number = parse_number<int>(text).value_or(0);
  return is_negative ? -number : number;
}

Rule read_rule(std::string_view text) {
  Rule rule;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(';'), text.size());
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = part.substr(0, equals);
    const std::string_view value = part.substr(equals + 1);
    const auto is = [&](std::string_view wanted) { return ascii_equal_nocase(name, wanted); };
    if (is("FREQ")) {
      constexpr std::array<std::pair<std::string_view, std::string_view>, 7> units{{{"DAILY", "day"},
                                                                                    {"WEEKLY", "week"},
                                                                                    {"MONTHLY", "month"},
                                                                                    {"YEARLY", "year"},
                                                                                    {"HOURLY", "hour"},
                                                                                    {"MINUTELY", "minute"},
                                                                                    {"SECONDLY", "second"}}};
      for (const auto& [frequency, unit] : units) {
        if (ascii_equal_nocase(value, frequency)) rule.unit = unit;
      }
    } else if (is("INTERVAL")) {
      rule.interval = static_cast<unsigned>(std::max(small_number(value), 0));
    } else if (is("COUNT")) {
      rule.count = static_cast<unsigned>(std::max(small_number(value), 0));
      rule.is_understood &= rule.count > 0;
    } else if (is("UNTIL")) {
      rule.until = read_calendar_time(value);
      rule.is_understood &= rule.until.has_value();
    } else if (is("BYDAY")) {
      rule.days = list_of(value);
    } else if (is("BYMONTHDAY")) {
      rule.month_days = list_of(value);
    } else if (is("BYMONTH")) {
      rule.months = list_of(value);
    } else if (is("BYSETPOS")) {
      rule.position = value;
    } else if (!is("WKST")) {
      rule.is_understood = false;
    }
  }
  rule.is_understood &= !rule.unit.empty() && rule.interval > 0;
  return rule;
}

/// `2nd`, `last`, `2nd last`.
std::string ordinal(int number) {
  if (number == -1) return "last";
  if (number < 0) return ordinal(-number) + " last";
  const int tens = number / 10 % 10;
  const int ones = number % 10;
  return fmt::format("{}{}", number, tens == 1 ? "th" : ones == 1 ? "st" : ones == 2 ? "nd" : ones == 3 ? "rd" : "th");
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " and " : ", ";
    out += words[i];
  }
  return out;
}

/// The days of a rule in words; empty when one has none.
std::string day_words(const Rule& rule) {
  std::string codes;
  for (const std::string_view day : rule.days) codes += codes.empty() ? std::string(day) : "," + std::string(day);
  const bool is_workdays = codes == "MO,TU,WE,TH,FR";
  if (!rule.position.empty()) {
    const int position = small_number(rule.position);
    if (position == 0) return {};
    if (is_workdays) return "the " + ordinal(position) + " weekday (Mon-Fri)";
    if (codes == "SU,MO,TU,WE,TH,FR,SA" || codes == "MO,TU,WE,TH,FR,SA,SU") return "the " + ordinal(position) + " day";
    if (rule.days.size() != 1) return {};
  } else if (is_workdays) {
    return "weekdays (Mon-Fri)";
  }
  std::vector<std::string> words;
  for (const std::string_view day : rule.days) {
    if (day.size() < 2) return {};
    const auto weekday = std::find_if(weekdays.begin(), weekdays.end(),
                                      [&](const Weekday& w) { return ascii_equal_nocase(w.code, day.substr(day.size() - 2)); });
    if (weekday == weekdays.end()) return {};
    const std::string_view number = rule.position.empty() ? day.substr(0, day.size() - 2) : rule.position;
    const int nth = small_number(number);
    if (nth == 0 && !number.empty()) return {};
    words.push_back(nth == 0 ? std::string(weekday->name) : fmt::format("the {} {}", ordinal(nth), weekday->name));
  }
  return joined(words);
}

std::string month_day_words(const Rule& rule) {
  std::vector<std::string> words;
  for (const std::string_view day : rule.month_days) {
    const int number = small_number(day);
    if (number == 0) return {};
    words.push_back(number > 0 ? fmt::to_string(number) : "the " + ordinal(number) + " one");
  }
  return (words.size() == 1 ? "day " : "days ") + joined(words);
}

std::string month_words(const Rule& rule) {
  std::vector<std::string> words;
  for (const std::string_view month : rule.months) {
    const int number = small_number(month);
    if (number < 1 || number > 12) return {};
    words.emplace_back(month_names[static_cast<std::size_t>(number) - 1]);
  }
  return joined(words);
}

}  // namespace

std::string recurrence_words(std::string_view text) {
  const std::string as_written = "by the rule " + std::string(cut(text, 120));
  const Rule rule = read_rule(text);
  const bool is_long = std::max({rule.days.size(), rule.month_days.size(), rule.months.size()}) > shown_list_max;
  if (!rule.is_understood || is_long) return as_written;
  if (!rule.position.empty() && rule.days.empty()) return as_written;
  std::string out = rule.interval == 1 ? fmt::format("every {}", rule.unit) : fmt::format("every {} {}s", rule.interval, rule.unit);
  if (!rule.days.empty()) {
    const std::string days = day_words(rule);
    if (days.empty()) return as_written;
    out += " on " + days;
  }
  if (!rule.month_days.empty()) {
    const std::string days = month_day_words(rule);
    if (days.empty() || !rule.days.empty()) return as_written;
    out += " on " + days;
  }
  if (!rule.months.empty()) {
    const std::string months = month_words(rule);
    if (months.empty()) return as_written;
    out += (rule.days.empty() && rule.month_days.empty() ? " in " : " of ") + months;
  }
  if (rule.count > 0) out += fmt::format(", {} {}", rule.count, rule.count == 1 ? "time" : "times");
  if (rule.until) out += ", until " + date_words(*rule.until);
  return out;
}

CalendarCard calendar_card(const Calendar& calendar) {
  CalendarCard card;
  const std::size_t shown = std::min(calendar.events.size(), shown_events_max);
  for (std::size_t i = 0; i < shown; ++i) {
    if (i > 0) card.text += "\n\n";
    card.text += event_card(calendar, in_zone_of(calendar, calendar.events[i]));
  }
  if (calendar.event_count > shown) card.text += fmt::format("\n\n[{} more in the calendar file]", calendar.event_count - shown);
  if (!calendar.events.empty()) card.description = calendar.events.front().description;
  return card;
}

}  // namespace pushmail::convert
