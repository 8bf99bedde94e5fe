// Calendar data of mail (RFC 5545 iCalendar, its elder vCalendar 1.0, RFC 5546 scheduling): what a person has to know of it.
// Not for use outside this folder.
//
// Came from: body_text.cpp, a text/calendar part or an .ics file. Goes to: calendar_card.cpp, which puts it into words. Our own bounded
// reader, see README D-4: it reads what a card shows, expands no recurrence, loads no zone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/result.h"

namespace pushmail::convert {

/// RFC 5545 §3.3.4, §3.3.5: a day, or a time on it as a clock on the wall of `zone` shows it.
struct CalendarTime {
  int year = 0;
  unsigned month = 1, day = 1, hour = 0, minute = 0, second = 0;
  bool is_date = false;  // a whole day
  bool is_utc = false;
  std::string zone;  // TZID; empty: floating, or UTC
};
/// Days since 1970-01-01 and seconds in them, as one number; without regard of zones.
[[nodiscard]] std::int64_t wall_seconds(const CalendarTime& time);
/// The same clock, `seconds` later.
[[nodiscard]] CalendarTime later(CalendarTime time, std::int64_t seconds);
[[nodiscard]] std::optional<CalendarTime> read_calendar_time(std::string_view value);

struct CalendarPerson {
  std::string name;       // CN; may be empty
  std::string address;    // of mailto:, else the URI
  std::string answer;     // PARTSTAT: ACCEPTED, DECLINED ...
  bool is_asked = false;  // RSVP=TRUE
};

struct CalendarEvent {
  bool is_task = false;  // VTODO
  std::string summary, location, description, status;
  std::string join;                                  // address of the call, http or https
  std::string start_as_written;                      // when it cannot be read
  std::string rule;                                  // RRULE as written
  std::optional<CalendarTime> start, end, replaces;  // end: DTEND, DUE, or start and DURATION; replaces: RECURRENCE-ID
  unsigned sequence = 0;
  std::size_t extra_dates = 0;     // RDATE
  std::size_t excluded_dates = 0;  // EXDATE
  std::optional<CalendarPerson> organizer;
  std::vector<CalendarPerson> attendees;  // the first ones
  std::size_t attendee_count = 0;
};

/// One half of a VTIMEZONE: from `onset` on, and each year by `rule`, clocks are `offset_seconds` before UTC.
struct CalendarObservance {
  CalendarTime onset;
  std::string rule;
  std::int32_t offset_seconds = 0;
};
struct CalendarZone {
  std::string id;
  std::string place;  // X-LIC-LOCATION: an IANA name beside a private id
  std::vector<CalendarObservance> observances;
};

struct Calendar {
  std::string method;                 // upper case: REQUEST, CANCEL, REPLY ...; empty when none
  std::string zone;                   // X-WR-TIMEZONE: where its owner is; may be empty
  std::vector<CalendarEvent> events;  // the first ones
  std::size_t event_count = 0;
  std::vector<CalendarZone> zones;
};

/// Reads the first MiB of UTF-8. What is malformed inside is passed over; fails with convert_no_calendar or convert_calendar_empty. Linear.
[[nodiscard]] Result<Calendar> read_calendar(std::string_view utf8);

/// How far the clocks of `time`'s zone are before UTC, by the calendar's own VTIMEZONE, else by the zone's name; nothing when neither says.
[[nodiscard]] std::optional<std::int32_t> offset_of(const Calendar& calendar, const CalendarTime& time);
/// A time in UTC as the clocks show it where the invitation comes from: by X-WR-TIMEZONE, else by the one zone that the calendar has.
/// Google writes single events in UTC, which no clock on a wall shows. Other times, and UTC where no zone is known, are returned as they
/// are.
[[nodiscard]] CalendarTime in_zone_of(const Calendar& calendar, CalendarTime time);

/// A card for people, of the first events: what, when, where, who invites, whether an answer is asked for, how it recurs.
struct CalendarCard {
  std::string text;         // lines, LF between them
  std::string description;  // of the first event; for mail without other text
};
[[nodiscard]] CalendarCard calendar_card(const Calendar& calendar);
/// RRULE in plain words: `every 2 weeks on Tuesday, 10 times`. What has no words is shown as written.
[[nodiscard]] std::string recurrence_words(std::string_view rule);

}  // namespace pushmail::convert
