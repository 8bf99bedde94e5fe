// The reader of calendar data: content lines (RFC 5545 §3.1), components as a short stack of names, and the few properties a card shows.
#include "codec/convert/calendar.h"

#include <algorithm>
#include <chrono>
#include <span>

#include "codec/convert/errors.h"
#include "codec/convert/text.h"
#include "codec/convert/time_zones.h"
#include "core/ascii.h"

namespace pushmail::convert {
namespace {

constexpr std::size_t calendar_size_max = 1024 * 1024;
constexpr std::size_t line_size_max = 16 * 1024;  // of an unfolded line; the rest of a longer one is dropped
constexpr std::size_t parameters_max = 32;
constexpr std::size_t depth_max = 8;
constexpr std::size_t events_max = 16;  // kept; all are counted
constexpr std::size_t attendees_max = 16;
constexpr std::size_t zones_max = 32;
constexpr std::size_t observances_max = 64;
constexpr std::size_t word_size_max = 300;
constexpr std::size_t description_size_max = 4000;

constexpr std::int64_t day_seconds = 86'400;

enum class Component : std::uint8_t { other, calendar, event, task, zone, observance };
Component component_of(std::string_view name) {
  const auto is = [&](std::string_view wanted) { return ascii_equal_nocase(name, wanted); };
  if (is("VCALENDAR")) return Component::calendar;
  if (is("VEVENT")) return Component::event;
  if (is("VTODO")) return Component::task;
  if (is("VTIMEZONE")) return Component::zone;
  if (is("STANDARD") || is("DAYLIGHT")) return Component::observance;
  return Component::other;
}

struct Parameter {
  std::string_view name, value;
};
struct ContentLine {
  std::string_view name;
  std::vector<Parameter> parameters;
  std::string_view value;

  [[nodiscard]] std::string_view parameter(std::string_view wanted) const {
    for (const Parameter& parameter : parameters) {
      if (ascii_equal_nocase(parameter.name, wanted)) return parameter.value;
    }
    return {};
  }
};

/// RFC 5545 §3.1: name *(";" parameter) ":" value; a quoted parameter value may hold any of these signs.
std::optional<ContentLine> content_line(std::string_view line) {
  ContentLine out;
  const std::size_t name_end = line.find_first_of(";:");
  if (name_end == std::string_view::npos || name_end == 0) return std::nullopt;
  out.name = line.substr(0, name_end);
  // Some programs group properties as vCards do.
  if (const std::size_t dot = out.name.find('.'); dot != std::string_view::npos) out.name.remove_prefix(dot + 1);
  std::size_t at = name_end;
  while (at < line.size() && line[at] == ';') {
    const std::size_t start = at + 1;
    bool is_quoted = false;
    for (at = start; at < line.size() && (is_quoted || (line[at] != ';' && line[at] != ':')); ++at) is_quoted ^= line[at] == '"';
    const std::string_view piece = line.substr(start, at - start);
    const std::size_t equals = piece.find('=');
    if (equals == std::string_view::npos || out.parameters.size() >= parameters_max) continue;
    std::string_view value = piece.substr(equals + 1);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
    out.parameters.push_back({.name = piece.substr(0, equals), .value = value});
  }
  if (at >= line.size()) return std::nullopt;
  out.value = line.substr(at + 1);
  return out;
}

/// RFC 5545 §3.3.11: backslash escapes.
std::string unescaped(std::string_view value, std::size_t size_max) {
  std::string out;
  for (std::size_t at = 0; at < value.size() && out.size() <= size_max; ++at) {
    if (value[at] != '\\' || at + 1 == value.size())
      out += value[at];
    else if (const char c = value[++at]; c == 'n' || c == 'N')
      out += '\n';
    else
      out += c;
  }
  return readable(cut(out, size_max));
}
/// The same in one line.
std::string one_line(std::string_view value) {
  std::string out = unescaped(value, word_size_max);
  std::replace(out.begin(), out.end(), '\n', ' ');
  std::replace(out.begin(), out.end(), '\t', ' ');
  return std::string(ascii_trim(out));
}

/// RFC 6868: `^'` is a quote, `^n` a line end, `^^` itself.
std::string parameter_text(std::string_view value) {
  std::string out;
  for (std::size_t at = 0; at < value.size(); ++at) {
    const char next = at + 1 < value.size() ? value[at + 1] : '\0';
    if (value[at] != '^' || (next != '\'' && next != 'n' && next != '^')) {
      out += value[at];
      continue;
    }
    out += next == '\'' ? '"' : next == 'n' ? ' ' : '^';
    ++at;
  }
  return readable(cut(out, word_size_max));
}

std::int64_t days_of(int year, unsigned month, unsigned day) {
  return std::chrono::sys_days(std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day)).time_since_epoch().count();
}

/// RFC 5545 §3.3.6: `P1DT2H`, `-PT15M`, `P2W`. At most some thousand years.
std::optional<std::int64_t> duration_seconds(std::string_view value) {
  const bool is_negative = value.starts_with('-');
  if (is_negative || value.starts_with('+')) value.remove_prefix(1);
  if (!value.starts_with('P') || value.size() < 3) return std::nullopt;
  value.remove_prefix(1);
  std::int64_t total = 0;
  bool is_time = false;
  while (!value.empty()) {
    if (value.front() == 'T') {
      is_time = true;
      value.remove_prefix(1);
      continue;
    }
    const std::size_t end = std::min(value.find_first_not_of("0123456789"), value.size());
    const auto number = parse_number<unsigned>(value.substr(0, end));
    if (!number || end == value.size()) return std::nullopt;
    const char unit = value[end];
    std::int64_t seconds = 0;
    if (unit == 'W' && !is_time)
      seconds = 7 * day_seconds;
    else if (unit == 'D' && !is_time)
      seconds = day_seconds;
    else if (unit == 'H' && is_time)
      seconds = 3600;
    else if (unit == 'M' && is_time)
      seconds = 60;
    else if (unit == 'S' && is_time)
      seconds = 1;
    else
      return std::nullopt;
    total += seconds * *number;
    if (total > 366'000 * day_seconds) return std::nullopt;
    value.remove_prefix(end + 1);
  }
  return is_negative ? -total : total;
}

/// RFC 5545 §3.3.14: `+0100`, `-053000`.
std::optional<std::int32_t> utc_offset(std::string_view value) {
  if (value.size() != 5 && value.size() != 7) return std::nullopt;
  if (value[0] != '+' && value[0] != '-') return std::nullopt;
  const auto hours = parse_number<unsigned>(value.substr(1, 2));
  const auto minutes = parse_number<unsigned>(value.substr(3, 2));
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  const auto seconds = static_cast<std::int32_t>(*hours * 3600 + *minutes * 60);
  return value[0] == '-' ? -seconds : seconds;
}

CalendarPerson person(const ContentLine& line) {
  CalendarPerson out;
  out.name = parameter_text(line.parameter("CN"));
  std::string_view address = ascii_trim(line.value);
  if (ascii_starts_with_nocase(address, "mailto:")) address.remove_prefix(7);
  out.address = readable(cut(address, word_size_max));
  out.answer = std::string(line.parameter("PARTSTAT"));
  out.is_asked = ascii_equal_nocase(line.parameter("RSVP"), "TRUE");
  return out;
}

std::optional<CalendarTime> time_of(const ContentLine& line) {
  auto time = read_calendar_time(ascii_trim(line.value));
  if (time && !time->is_utc && !time->is_date) time->zone = parameter_text(line.parameter("TZID"));
  return time;
}

class Reader {
 public:
  Result<Calendar> read(std::string_view utf8) {
    utf8 = cut(utf8, calendar_size_max);
    std::string unfolded;
    for (std::size_t at = 0; at < utf8.size();) {
      const std::size_t end = std::min(utf8.find('\n', at), utf8.size());
      std::string_view line = utf8.substr(at, end - at);
      if (line.ends_with('\r')) line.remove_suffix(1);
      at = end + 1;
      // RFC 5545 §3.1: a line that starts with white space goes on with the one before.
      const bool is_folded = !line.empty() && (line.front() == ' ' || line.front() == '\t');
      if (!is_folded) {
        take(unfolded);
        unfolded.clear();
      } else {
        line.remove_prefix(1);
      }
      unfolded += line.substr(0, line_size_max - std::min(unfolded.size(), line_size_max));
    }
    take(unfolded);
    while (!open_.empty()) close();
    if (!has_calendar_) return fail(convert_no_calendar);
    if (calendar_.events.empty()) return fail(convert_calendar_empty);
    return std::move(calendar_);
  }

 private:
  [[nodiscard]] Component inside() const { return open_.empty() || too_deep_ > 0 ? Component::other : open_.back(); }

  void take(std::string_view raw) {
    const auto line = content_line(raw);
    if (!line) return;
    if (ascii_equal_nocase(line->name, "BEGIN")) return open(component_of(ascii_trim(line->value)));
    if (ascii_equal_nocase(line->name, "END")) return close();
    switch (inside()) {
      case Component::calendar:
        if (ascii_equal_nocase(line->name, "METHOD")) {
          for (const char c : cut(ascii_trim(line->value), 32))
            calendar_.method += c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
        } else if (ascii_equal_nocase(line->name, "X-WR-TIMEZONE")) {
          calendar_.zone = one_line(line->value);
        }
        return;
      case Component::event:
      case Component::task:
        return event_property(*line);
      case Component::zone:
        return zone_property(*line);
      case Component::observance:
        return observance_property(*line);
      case Component::other:
        return;
    }
  }

  void open(Component component) {
    if (open_.size() >= depth_max) {
      ++too_deep_;
      return;
    }
    // An event is one only in a calendar, half a zone only in a zone.
    const Component outer = inside();
    if (component == Component::calendar && !open_.empty()) component = Component::other;
    if ((component == Component::event || component == Component::task || component == Component::zone) && outer != Component::calendar)
      component = Component::other;
    if (component == Component::observance && outer != Component::zone) component = Component::other;
    open_.push_back(component);
    if (component == Component::calendar) {
      has_calendar_ = true;
      calendar_.method.clear();
    }
    if (component == Component::event || component == Component::task) {
      event_ = CalendarEvent();
      event_.is_task = component == Component::task;
      duration_.reset();
    }
    if (component == Component::zone) zone_ = CalendarZone();
    if (component == Component::observance) observance_ = CalendarObservance();
  }

  void close() {
    if (too_deep_ > 0) {
      --too_deep_;
      return;
    }
    if (open_.empty()) return;
    const Component component = open_.back();
    open_.pop_back();
    if (component == Component::event || component == Component::task)
      close_event();
    else if (component == Component::zone && calendar_.zones.size() < zones_max)
      calendar_.zones.push_back(std::move(zone_));
    else if (component == Component::observance && zone_.observances.size() < observances_max)
      zone_.observances.push_back(std::move(observance_));
  }

  void close_event() {
    if (event_.summary.empty() && !event_.start && event_.start_as_written.empty()) return;
    if (!event_.end && event_.start && duration_) event_.end = later(*event_.start, *duration_);
    ++calendar_.event_count;
    if (calendar_.events.size() < events_max) calendar_.events.push_back(std::move(event_));
  }

  void event_property(const ContentLine& line) {
    const auto is = [&](std::string_view name) { return ascii_equal_nocase(line.name, name); };
    const std::string_view value = ascii_trim(line.value);
    if (is("SUMMARY")) {
      event_.summary = one_line(value);
    } else if (is("LOCATION")) {
      event_.location = one_line(value);
    } else if (is("DESCRIPTION")) {
      event_.description = unescaped(value, description_size_max);
    } else if (is("STATUS")) {
      event_.status = one_line(value);
    } else if (is("DTSTART")) {
      event_.start = time_of(line);
      if (!event_.start) event_.start_as_written = one_line(cut(value, 64));
    } else if (is("DTEND") || is("DUE")) {
      event_.end = time_of(line);
    } else if (is("DURATION")) {
      duration_ = duration_seconds(value);
    } else if (is("RECURRENCE-ID")) {
      event_.replaces = time_of(line);
    } else if (is("RRULE")) {
      event_.rule = one_line(value);
    } else if (is("RDATE")) {
      event_.extra_dates += 1 + static_cast<std::size_t>(std::count(value.begin(), value.end(), ','));
    } else if (is("EXDATE")) {
      event_.excluded_dates += 1 + static_cast<std::size_t>(std::count(value.begin(), value.end(), ','));
    } else if (is("SEQUENCE")) {
      event_.sequence = parse_number<unsigned>(value).value_or(0);
    } else if (is("ORGANIZER")) {
      event_.organizer = person(line);
    } else if (is("ATTENDEE")) {
      ++event_.attendee_count;
      if (event_.attendees.size() < attendees_max) event_.attendees.push_back(person(line));
    } else if (is("CONFERENCE") || is("X-GOOGLE-CONFERENCE") || is("X-MICROSOFT-SKYPETEAMSMEETINGURL")) {
      // RFC 7986 §5.11, and what programs wrote before it. Other schemes open nothing on a phone.
      if (ascii_starts_with_nocase(value, "https://") || ascii_starts_with_nocase(value, "http://")) event_.join = one_line(value);
    }
  }

  void zone_property(const ContentLine& line) {
    if (ascii_equal_nocase(line.name, "TZID"))
      zone_.id = readable(cut(ascii_trim(line.value), word_size_max));
    else if (ascii_equal_nocase(line.name, "X-LIC-LOCATION"))
      zone_.place = one_line(line.value);
  }

  void observance_property(const ContentLine& line) {
    const std::string_view value = ascii_trim(line.value);
    if (ascii_equal_nocase(line.name, "DTSTART"))
      observance_.onset = read_calendar_time(value).value_or(CalendarTime());
    else if (ascii_equal_nocase(line.name, "RRULE"))
      observance_.rule = one_line(value);
    else if (ascii_equal_nocase(line.name, "TZOFFSETTO"))
      observance_.offset_seconds = utc_offset(value).value_or(0);
  }

  Calendar calendar_;
  bool has_calendar_ = false;
  std::vector<Component> open_;
  std::size_t too_deep_ = 0;
  CalendarEvent event_;
  std::optional<std::int64_t> duration_;
  CalendarZone zone_;
  CalendarObservance observance_;
};

/// The parts of a rule that zones use: each year, on the n-th (from the end: negative) weekday of a month.
struct YearlyRule {
  unsigned month = 0;
  int nth = 0;
  unsigned weekday = 0;  // 0 Sunday
  std::optional<CalendarTime> until;
};
std::optional<YearlyRule> yearly_rule(std::string_view rule) {
  constexpr std::string_view weekdays = "SUMOTUWETHFRSA";
  YearlyRule out;
  bool is_yearly = false;
  while (!rule.empty()) {
    const std::size_t end = std::min(rule.find(';'), rule.size());
    const std::string_view part = rule.substr(0, end);
    rule.remove_prefix(std::min(end + 1, rule.size()));
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = part.substr(0, equals);
    const std::string_view value = part.substr(equals + 1);
    if (name == "FREQ") {
      is_yearly = value == "YEARLY";
    } else if (name == "BYMONTH") {
      out.month = parse_number<unsigned>(value).value_or(0);
    } else if (name == "BYDAY") {
      if (value.size() < 3) return std::nullopt;
      const std::size_t day = weekdays.find(value.substr(value.size() - 2));
      const bool is_negative = value.starts_with('-');
      const auto nth = parse_number<unsigned>(
          value.substr(is_negative || value.starts_with('+') ? 1 : 0, value.size() - 2 - (is_negative || value.starts_with('+') ? 1 : 0)));
      if (day == std::string_view::npos || day % 2 != 0 || !nth || *nth < 1 || *nth > 5) return std::nullopt;
      out.weekday = static_cast<unsigned>(day / 2);
      out.nth = is_negative ? -static_cast<int>(*nth) : static_cast<int>(*nth);
    } else if (name == "UNTIL") {
      out.until = read_calendar_time(value);
    } else if (name == "INTERVAL" ? value != "1" : name != "WKST") {
      return std::nullopt;
    }
  }
  if (!is_yearly || out.month < 1 || out.month > 12 || out.nth == 0) return std::nullopt;
  return out;
}

CalendarTime onset_in(const YearlyRule& rule, const CalendarTime& first, int year) {
  using namespace std::chrono;
  const auto month_of_year = std::chrono::year(year) / std::chrono::month(rule.month);
  std::int64_t days = 0;
  if (rule.nth > 0)
    days = sys_days(month_of_year / weekday(rule.weekday)[static_cast<unsigned>(rule.nth)]).time_since_epoch().count();
  else
    days = sys_days(month_of_year / weekday(rule.weekday)[last]).time_since_epoch().count() + 7 * (rule.nth + 1);
  CalendarTime epoch;
  epoch.year = 1970;
  return later(epoch, days * day_seconds + first.hour * 3600 + first.minute * 60 + first.second);
}

}  // namespace

std::int64_t wall_seconds(const CalendarTime& time) {
  return days_of(time.year, time.month, time.day) * day_seconds + time.hour * 3600 + time.minute * 60 + time.second;
}

CalendarTime later(CalendarTime time, std::int64_t seconds) {
  const std::int64_t total = wall_seconds(time) + seconds;
  std::int64_t days = total / day_seconds;
  std::int64_t rest = total % day_seconds;
  if (rest < 0) {
    rest += day_seconds;
    --days;
  }
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(days))};
  time.year = static_cast<int>(date.year());
  time.month = static_cast<unsigned>(date.month());
  time.day = static_cast<unsigned>(date.day());
  time.hour = static_cast<unsigned>(rest / 3600);
  time.minute = static_cast<unsigned>(rest / 60 % 60);
  time.second = static_cast<unsigned>(rest % 60);
  return time;
}

std::optional<CalendarTime> read_calendar_time(std::string_view value) {
  CalendarTime out;
  out.is_utc = value.ends_with('Z');
  if (out.is_utc) value.remove_suffix(1);
  out.is_date = value.size() == 8 && !out.is_utc;
  if (!out.is_date && (value.size() != 15 || value[8] != 'T')) return std::nullopt;
  const auto year = parse_number<unsigned>(value.substr(0, 4));
  const auto month = parse_number<unsigned>(value.substr(4, 2));
  const auto day = parse_number<unsigned>(value.substr(6, 2));
  if (!year || !month || !day) return std::nullopt;
  out.year = static_cast<int>(*year);
  out.month = *month;
  out.day = *day;
  if (!(std::chrono::year(out.year) / std::chrono::month(out.month) / std::chrono::day(out.day)).ok()) return std::nullopt;
  if (out.is_date) return out;
  const auto hour = parse_number<unsigned>(value.substr(9, 2));
  const auto minute = parse_number<unsigned>(value.substr(11, 2));
  const auto second = parse_number<unsigned>(value.substr(13, 2));
  if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  out.hour = *hour;
  out.minute = *minute;
  out.second = std::min(*second, 59U);
  return out;
}

Result<Calendar> read_calendar(std::string_view utf8) { return Reader().read(utf8); }

std::optional<std::int32_t> offset_of(const Calendar& calendar, const CalendarTime& time) {
  const auto zone = std::find_if(calendar.zones.begin(), calendar.zones.end(),
                                 [&](const CalendarZone& z) { return !time.zone.empty() && z.id == time.zone; });
  if (zone == calendar.zones.end() || zone->observances.empty())
    return time.is_utc || time.is_date ? std::nullopt : zone_offset_at_wall(time.zone, wall_seconds(time));
  if (zone->observances.size() == 1) return zone->observances.front().offset_seconds;
  const std::int64_t now = wall_seconds(time);
  std::optional<std::int64_t> latest;
  std::optional<std::int32_t> offset;
  const auto consider = [&](std::int64_t onset, std::int32_t seconds) {
    if (onset > now || (latest && onset <= *latest)) return;
    latest = onset;
    offset = seconds;
  };
  for (const CalendarObservance& observance : zone->observances) {
    const std::int64_t first = wall_seconds(observance.onset);
    consider(first, observance.offset_seconds);
    if (observance.rule.empty()) continue;
    const auto rule = yearly_rule(observance.rule);
    if (!rule) return std::nullopt;
    for (int year = time.year - 1; year <= time.year; ++year) {
      const std::int64_t onset = wall_seconds(onset_in(*rule, observance.onset, year));
      if (onset >= first && (!rule->until || onset <= wall_seconds(*rule->until) + day_seconds)) consider(onset, observance.offset_seconds);
    }
  }
  return offset;
}

CalendarTime in_zone_of(const Calendar& calendar, CalendarTime time) {
  if (!time.is_utc || time.is_date) return time;
  CalendarTime local = time;
  local.is_utc = false;
  local.zone = calendar.zone.empty() && calendar.zones.size() == 1 ? calendar.zones.front().id : calendar.zone;
  if (local.zone.empty() || ascii_equal_nocase(local.zone, "UTC")) return time;
  // By the calendar's own rules, which ask for a clock on the wall: once with the clock of UTC, and once more where that was near a change.
  auto offset = zone_offset(local.zone, wall_seconds(time));
  for (int round = 0; !zone_offset(local.zone, 0) && round < 2; ++round) {
    CalendarTime guess = later(local, offset.value_or(0));
    offset = offset_of(calendar, guess);
    if (!offset) return time;
  }
  return offset ? later(local, *offset) : time;
}

}  // namespace pushmail::convert
