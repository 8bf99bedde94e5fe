// Calendar data in the shapes that the large programs send, as cards.
#include <gtest/gtest.h>

#include "codec/convert/calendar.h"
#include "codec/convert/errors.h"

namespace pushmail::convert {
namespace {

std::string card(std::string_view data) {
  const auto calendar = read_calendar(data);
  EXPECT_TRUE(calendar) << data;
  return calendar ? calendar_card(*calendar).text : std::string();
}
/// A calendar of one event.
std::string event(std::string_view properties, std::string_view method = "") {
  return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + std::string(method.empty() ? "" : "METHOD:" + std::string(method) + "\r\n") +
         "BEGIN:VEVENT\r\n" + std::string(properties) + "END:VEVENT\r\nEND:VCALENDAR\r\n";
}

TEST(CalendarCard, OutlookInvitation) {
  EXPECT_EQ(card("BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nPRODID:Microsoft Exchange Server 2010\r\nVERSION:2.0\r\n"
                 "BEGIN:VTIMEZONE\r\nTZID:W. Europe Standard Time\r\n"
                 "BEGIN:STANDARD\r\nDTSTART:16010101T030000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nRRULE:FREQ=YEARLY;INTERVAL=1;"
                 "BYDAY=-1SU;BYMONTH=10\r\nEND:STANDARD\r\n"
                 "BEGIN:DAYLIGHT\r\nDTSTART:16010101T020000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nRRULE:FREQ=YEARLY;INTERVAL=1;"
                 "BYDAY=-1SU;BYMONTH=3\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\n"
                 "BEGIN:VEVENT\r\nORGANIZER;CN=Ann Example:mailto:ann@example.com\r\n"
                 "ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE;CN=\"Roe, Joe\":mailto:jo\r\n e@example.com\r\n"
                 "DESCRIPTION;LANGUAGE=en-US:Please bring numbers.\\n\\nAnn\r\nSUMMARY;LANGUAGE=en-US:Budget\\, second round\r\n"
                 "DTSTART;TZID=W. Europe Standard Time:20250714T100000\r\nDTEND;TZID=W. Europe Standard "
                 "Time:20250714T110000\r\nUID:x\r\nLOCATION;LANGUAGE=en-US:Room 3\\; upstairs\r\nSEQUENCE:0\r\n"
                 "BEGIN:VALARM\r\nDESCRIPTION:REMINDER\r\nSUMMARY:no\r\nTRIGGER;RELATED=START:-PT15M\r\nACTION:DISPLAY\r\nEND:"
                 "VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"),
            "Invitation: Budget, second round\n"
            "When: Mon 14 Jul 2025, 10:00-11:00 (W. Europe Standard Time, UTC+02:00)\n"
            "Where: Room 3; upstairs\n"
            "Invited by: Ann Example <ann@example.com>\n"
            "Invited: Roe, Joe\n"
            "An answer is asked for: reply to this message.");
}

TEST(CalendarCard, GoogleInvitation) {
  EXPECT_EQ(card("BEGIN:VCALENDAR\nPRODID:-//Google Inc//Google Calendar 70.9054//EN\nVERSION:2.0\nCALSCALE:GREGORIAN\nMETHOD:REQUEST\n"
                 "BEGIN:VEVENT\nDTSTART:20250114T090000Z\nDTEND:20250114T093000Z\nDTSTAMP:20250110T101112Z\nORGANIZER;CN=ann@example.com:"
                 "mailto:ann@example.com\n"
                 "ATTENDEE;CUTYPE=INDIVIDUAL;PARTSTAT=ACCEPTED;RSVP=TRUE;CN=Ann;X-NUM-GUESTS=0:mailto:ann@example.com\n"
                 "ATTENDEE;CUTYPE=INDIVIDUAL;PARTSTAT=NEEDS-ACTION;RSVP=TRUE\n ;CN=joe@example.com;X-NUM-GUESTS=0:mailto:joe@example.com\n"
                 "X-GOOGLE-CONFERENCE:https://meet.example/"
                 "abc-defg\nDESCRIPTION:\nLOCATION:\nSEQUENCE:2\nSTATUS:CONFIRMED\nSUMMARY:Caf\xC3\xA9\nEND:VEVENT\nEND:VCALENDAR\n"),
            "Updated invitation: Café\n"
            "When: Tue 14 Jan 2025, 09:00-09:30 (UTC)\n"
            "Join: https://meet.example/abc-defg\n"
            "Invited by: ann@example.com\n"
            "Invited: Ann, joe@example.com\n"
            "An answer is asked for: reply to this message.");
}

TEST(CalendarCard, AppleEvent) {
  EXPECT_EQ(card("BEGIN:VCALENDAR\r\nCALSCALE:GREGORIAN\r\nPRODID:-//Apple Inc.//macOS 14//EN\r\nVERSION:2.0\r\n"
                 "BEGIN:VTIMEZONE\r\nTZID:America/"
                 "New_York\r\nBEGIN:DAYLIGHT\r\nDTSTART:20070311T020000\r\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU\r\nTZNAME:"
                 "EDT\r\nTZOFFSETFROM:-0500\r\nTZOFFSETTO:-0400\r\nEND:DAYLIGHT\r\n"
                 "BEGIN:STANDARD\r\nDTSTART:20071104T020000\r\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU\r\nTZNAME:EST\r\nTZOFFSETFROM:-"
                 "0400\r\nTZOFFSETTO:-0500\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
                 "BEGIN:VEVENT\r\nTRANSP:OPAQUE\r\nDTSTART;TZID=America/"
                 "New_York:20250109T190000\r\nDURATION:PT1H30M\r\nX-APPLE-TRAVEL-ADVISORY-BEHAVIOR:AUTOMATIC\r\nSUMMARY:Dinner\r\n"
                 "RRULE:FREQ=WEEKLY;INTERVAL=2;UNTIL=20250630T230000Z\r\nEXDATE;TZID=America/"
                 "New_York:20250206T190000\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"),
            "Event: Dinner\n"
            "When: Thu 9 Jan 2025, 19:00-20:30 (America/New_York, UTC-05:00)\n"
            "Repeats: every 2 weeks, until Mon 30 Jun 2025\n"
            "Dates left out: 1");
}

TEST(CalendarCard, Methods) {
  const std::string what = "SUMMARY:Lunch\r\nATTENDEE;CN=Joe;PARTSTAT=";
  EXPECT_EQ(card(event(what + "ACCEPTED:mailto:joe@example.com\r\n", "REPLY")), "Joe accepts: Lunch");
  EXPECT_EQ(card(event(what + "DECLINED:mailto:joe@example.com\r\n", "reply")), "Joe declines: Lunch");
  EXPECT_EQ(card(event(what + "TENTATIVE:mailto:joe@example.com\r\n", "REPLY")), "Joe accepts tentatively: Lunch");
  EXPECT_EQ(card(event(what + "DELEGATED:mailto:joe@example.com\r\n", "REPLY")), "Joe sends someone else: Lunch");
  EXPECT_EQ(card(event(what + "X:mailto:joe@example.com\r\n", "REPLY")), "Joe answers: Lunch");
  EXPECT_EQ(card(event("SUMMARY:Lunch\r\n", "REPLY")), "Answer: Lunch");
  EXPECT_EQ(card(event("SUMMARY:Lunch\r\nATTENDEE;RSVP=TRUE:mailto:joe@example.com\r\n", "CANCEL")),
            "Cancelled: Lunch\nInvited: joe@example.com");
  EXPECT_EQ(card(event("SUMMARY:Lunch\r\nSTATUS:CANCELLED\r\n", "REQUEST")), "Cancelled: Lunch");
  EXPECT_EQ(card(event("SUMMARY:Lunch\r\nSTATUS:TENTATIVE\r\n", "PUBLISH")), "Event: Lunch\nNot confirmed yet.");
  EXPECT_EQ(card(event("SUMMARY:Lunch\r\n", "COUNTER")), "Another time is proposed: Lunch");
  EXPECT_EQ(card(event("SUMMARY:Lunch\r\n", "DECLINECOUNTER")), "The proposed time is declined: Lunch");
  EXPECT_EQ(card(event("SUMMARY:Lunch\r\n", "ADD")), "Further date: Lunch");
  EXPECT_EQ(card(event("SUMMARY:Lunch\r\n", "REFRESH")), "The latest version is asked for: Lunch");
  EXPECT_EQ(card(event("SUMMARY:Lunch\r\nRECURRENCE-ID;VALUE=DATE:20250114\r\n", "REQUEST")),
            "Invitation: Lunch\nOf a series, the date: Tue 14 Jan 2025");
}

TEST(CalendarCard, Times) {
  struct Row {
    std::string properties, when;
  };
  const Row rows[] = {
      {"DTSTART;VALUE=DATE:20250114\r\n", "Tue 14 Jan 2025, all day"},
      {"DTSTART;VALUE=DATE:20250114\r\nDTEND;VALUE=DATE:20250115\r\n", "Tue 14 Jan 2025, all day"},
      {"DTSTART;VALUE=DATE:20241231\r\nDTEND;VALUE=DATE:20250103\r\n", "Tue 31 Dec 2024 - Thu 2 Jan 2025, all day"},
      {"DTSTART;VALUE=DATE:20250114\r\nDURATION:P2D\r\n", "Tue 14 Jan 2025 - Wed 15 Jan 2025, all day"},
      // No end; one that is none; one before the start.
      {"DTSTART:20250114T100000Z\r\n", "Tue 14 Jan 2025, 10:00 (UTC)"},
      {"DTSTART:20250114T100000Z\r\nDTEND:tomorrow\r\n", "Tue 14 Jan 2025, 10:00 (UTC)"},
      {"DTSTART:20250114T100000Z\r\nDTEND:20250113T100000Z\r\n", "Tue 14 Jan 2025, 10:00 (UTC)"},
      {"DTSTART:20250114T100000\r\nDTEND:20250114T103000\r\n", "Tue 14 Jan 2025, 10:00-10:30 (local time)"},
      {"DTSTART:20240228T230000Z\r\nDURATION:P1DT2H\r\n", "Wed 28 Feb 2024, 23:00 - Fri 1 Mar 2024, 01:00 (UTC)"},
      {"DTSTART:20250114T100000Z\r\nDURATION:-PT1H\r\n", "Tue 14 Jan 2025, 10:00 (UTC)"},
      {"DTSTART:20250114T100000Z\r\nDURATION:P1W\r\n", "Tue 14 Jan 2025, 10:00 - Tue 21 Jan 2025, 10:00 (UTC)"},
      {"DTSTART:20250114T100000Z\r\nDURATION:PT99999999999999H\r\n", "Tue 14 Jan 2025, 10:00 (UTC)"},
      {"DTSTART;TZID=Europe/Berlin:20250114T100000\r\nDTEND;TZID=America/New_York:20250114T130000\r\n",
       "Tue 14 Jan 2025, 10:00 (Europe/Berlin, UTC+01:00) - Tue 14 Jan 2025, 13:00 (America/New_York, UTC-05:00)"},
      {"DTSTART;TZID=/example.org/2025/Europe/Berlin:20250114T100000\r\n", "Tue 14 Jan 2025, 10:00 (Europe/Berlin)"},
      {"DTSTART;TZID=\"A: B\":20250114T100000\r\n", "Tue 14 Jan 2025, 10:00 (A: B)"},
      {"DTSTART:20250229T100000Z\r\n", "20250229T100000Z"},
      {"DTSTART:99999-01-01\r\n", "99999-01-01"},
      {"DTSTART:20250114T256000Z\r\n", "20250114T256000Z"},
      {"DTSTART:00010101T000060Z\r\n", "Mon 1 Jan 0001, 00:00 (UTC)"},
  };
  for (const Row& row : rows) EXPECT_EQ(card(event("SUMMARY:x\r\n" + row.properties)), "Event: x\nWhen: " + row.when) << row.properties;
}

TEST(CalendarCard, ZonesAsTheCalendarSays) {
  const auto when = [](std::string_view zone, std::string_view start) {
    const std::string text = card("BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:Z\n" + std::string(zone) +
                                  "END:VTIMEZONE\nBEGIN:VEVENT\nDTSTART;TZID=Z:" + std::string(start) + "\nEND:VEVENT\nEND:VCALENDAR\n");
    return text.substr(text.find('(', 20));
  };
  EXPECT_EQ(when("BEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETTO:+0530\nEND:STANDARD\n", "20250114T100000"), "(Z, UTC+05:30)");
  EXPECT_EQ(when("X-LIC-LOCATION:Asia/Kolkata\nBEGIN:STANDARD\nTZOFFSETTO:+0530\nEND:STANDARD\n", "20250114T100000"),
            "(Asia/Kolkata, UTC+05:30)");
  EXPECT_EQ(when("", "20250114T100000"), "(Z)");
  const std::string two =
      "BEGIN:STANDARD\nDTSTART:19961027T030000\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\nTZOFFSETTO:+0100\nEND:STANDARD\n"
      "BEGIN:DAYLIGHT\nDTSTART:19810329T020000\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\nTZOFFSETTO:+0200\nEND:DAYLIGHT\n";
  EXPECT_EQ(when(two, "20250114T100000"), "(Z, UTC+01:00)");
  EXPECT_EQ(when(two, "20250330T015959"), "(Z, UTC+01:00)");
  EXPECT_EQ(when(two, "20250330T020000"), "(Z, UTC+02:00)");
  EXPECT_EQ(when(two, "20251026T030000"), "(Z, UTC+01:00)");
  EXPECT_EQ(when(two, "19700101T000000"), "(Z)");
  // A rule that ended, and one that is not understood.
  const std::string ended =
      "BEGIN:STANDARD\nDTSTART:20000101T000000\nTZOFFSETTO:+0300\nEND:STANDARD\nBEGIN:DAYLIGHT\nDTSTART:19900301T000000\nRRULE:FREQ=YEARLY;"
      "BYDAY=1SU;BYMONTH=3;UNTIL=19991231T000000Z\nTZOFFSETTO:+0400\nEND:DAYLIGHT\n";
  EXPECT_EQ(when(ended, "20250714T100000"), "(Z, UTC+03:00)");
  EXPECT_EQ(when("BEGIN:STANDARD\nDTSTART:20000101T000000\nTZOFFSETTO:+0300\nEND:STANDARD\nBEGIN:DAYLIGHT\nRRULE:FREQ=YEARLY;BYYEARDAY="
                 "3\nTZOFFSETTO:+0400\nEND:DAYLIGHT\n",
                 "20250714T100000"),
            "(Z)");
}

TEST(CalendarCard, TwoEventsATaskAndManyPeople) {
  EXPECT_EQ(card("BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:One\nEND:VEVENT\nBEGIN:VEVENT\nSUMMARY:Two\nEND:VEVENT\nEND:VCALENDAR\n"),
            "Event: One\n\nEvent: Two");
  EXPECT_EQ(
      card("BEGIN:VCALENDAR\nBEGIN:VTODO\nSUMMARY:Tax\nDTSTART;VALUE=DATE:20250101\nDUE;VALUE=DATE:20250531\nEND:VTODO\nEND:VCALENDAR\n"),
      "Task: Tax\nStarts: Wed 1 Jan 2025, all day\nDue: Sat 31 May 2025");
  EXPECT_EQ(card("BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VTODO\nSUMMARY:Tax\nEND:VTODO\nEND:VCALENDAR\n"), "Task for you: Tax");
  std::string people = "SUMMARY:x\n";
  for (int i = 0; i < 50; ++i) people += "ATTENDEE:mailto:p" + std::to_string(i) + "@example.com\n";
  EXPECT_EQ(card(event(people)), "Event: x\nInvited: p0@example.com, p1@example.com, p2@example.com, p3@example.com and 46 more");
}

TEST(CalendarCard, RecurrenceInWords) {
  struct Row {
    std::string rule, words;
  };
  const Row rows[] = {
      {"FREQ=DAILY", "every day"},
      {"FREQ=DAILY;INTERVAL=3;COUNT=10", "every 3 days, 10 times"},
      {"FREQ=WEEKLY;BYDAY=TU,TH;WKST=MO", "every week on Tuesday and Thursday"},
      {"FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "every week on weekdays (Mon-Fri)"},
      {"FREQ=WEEKLY;BYDAY=MO,WE,FR;COUNT=1", "every week on Monday, Wednesday and Friday, 1 time"},
      {"FREQ=MONTHLY;BYDAY=2TU", "every month on the 2nd Tuesday"},
      {"FREQ=MONTHLY;BYDAY=-1FR;UNTIL=20251231", "every month on the last Friday, until Wed 31 Dec 2025"},
      {"FREQ=MONTHLY;BYDAY=-2FR", "every month on the 2nd last Friday"},
      {"FREQ=MONTHLY;BYMONTHDAY=15", "every month on day 15"},
      {"FREQ=MONTHLY;BYMONTHDAY=1,-1", "every month on days 1 and the last one"},
      {"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "every month on the last weekday (Mon-Fri)"},
      {"FREQ=MONTHLY;BYDAY=SU,MO,TU,WE,TH,FR,SA;BYSETPOS=1", "every month on the 1st day"},
      {"FREQ=MONTHLY;BYDAY=WE;BYSETPOS=3", "every month on the 3rd Wednesday"},
      {"FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", "every year on the last Sunday of March"},
      {"FREQ=YEARLY;BYMONTHDAY=12;BYMONTH=11", "every year on day 12 of November"},
      {"FREQ=YEARLY;BYMONTH=1,7", "every year in January and July"},
      {"freq=yearly", "every year"},
      {"FREQ=SECONDLY", "every second"},
  };
  for (const Row& row : rows) EXPECT_EQ(recurrence_words(row.rule), row.words) << row.rule;
  for (const std::string rule :
       {"", "FREQ=FORTNIGHTLY", "FREQ=DAILY;BYHOUR=9", "FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;COUNT=x", "FREQ=DAILY;UNTIL=x",
        "FREQ=WEEKLY;BYDAY=XX", "FREQ=WEEKLY;BYDAY=M", "FREQ=MONTHLY;BYDAY=0MO", "FREQ=MONTHLY;BYMONTHDAY=x",
        "FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=1", "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=x", "FREQ=MONTHLY;BYSETPOS=1",
        "FREQ=MONTHLY;BYDAY=MO;BYMONTHDAY=3", "FREQ=YEARLY;BYMONTH=13", "FREQ=MONTHLY;BYMONTHDAY=1,2,3,4,5,6,7,8,9,10,11,12,13"}) {
    EXPECT_EQ(recurrence_words(rule), "by the rule " + rule);
  }
}

TEST(CalendarCard, TextIsUnescapedAndSafe) {
  EXPECT_EQ(card(event("SUMMARY:a\\nb\\N\\\\c\\,d\\;e\\\r\n")), "Event: a b \\c,d;e\\");
  EXPECT_EQ(card(event("item1.SUMMARY;X=\"a;b:c\":x\x01\xE2\x80\xAE\r\nORGANIZER;CN=^'Ann^' ^^^n:x\r\n")),
            "Event: x\nOrganizer: \"Ann\" ^  <x>");
  EXPECT_EQ(card(event("SUM\r\n\tMARY:fol\r\n ded\r\n")), "Event: folded");
  EXPECT_EQ(card(event("CONFERENCE:javascript:x\r\nLOCATION:see "
                       "https://meet.example/x\r\nX-GOOGLE-CONFERENCE:https://meet.example/x\r\nDTSTART:20250114\r\n")),
            "Event: (no title)\nWhen: Tue 14 Jan 2025, all day\nWhere: see https://meet.example/x");
  EXPECT_EQ(calendar_card(*read_calendar(event("SUMMARY:x\r\nDESCRIPTION:a\\nb\r\n"))).description, "a\nb");
}

TEST(ReadCalendar, BrokenAndHostileData) {
  EXPECT_TRUE(read_calendar("").error().is(convert_no_calendar));
  EXPECT_TRUE(read_calendar("BEGIN:VEVENT\nSUMMARY:x\nEND:VEVENT\n").error().is(convert_no_calendar));
  EXPECT_TRUE(read_calendar("BEGIN:VCALENDAR\nEND:VCALENDAR\n").error().is(convert_calendar_empty));
  EXPECT_TRUE(read_calendar(event("UID:x\r\n")).error().is(convert_calendar_empty));
  EXPECT_EQ(card("BEGIN:VCALENDAR\nBEGIN:VEVENT\nno colon\n:\n;\nSUMMARY;BROKEN\nSUMMARY:never ended"), "Event: never ended");
  EXPECT_EQ(card("BEGIN:VCALENDAR\nEND:X\nBEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:x\n"), "Event: x");
  std::string nested = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:x\n";
  for (int i = 0; i < 20'000; ++i) nested += "BEGIN:VEVENT\n";
  nested += "SUMMARY:y\n";
  for (int i = 0; i < 20'000; ++i) nested += "END:VEVENT\n";
  EXPECT_EQ(card(nested + "END:VEVENT\nEND:VCALENDAR\n"), "Event: x");
  std::string many = "BEGIN:VCALENDAR\n";
  for (int i = 0; i < 10'000; ++i) many += "BEGIN:VEVENT\nSUMMARY:x\nRRULE:FREQ=SECONDLY\nEND:VEVENT\n";
  EXPECT_TRUE(card(many).ends_with("Event: x\nRepeats: every second\n\n[9995 more in the calendar file]"));
  EXPECT_EQ(card(event("SUMMARY:" + std::string(5'000'000, 'x'))).size(), std::string_view("Event: ").size() + 300);
  std::string folds = "SUMMARY:x";
  for (int i = 0; i < 300'000; ++i) folds += "\n ";
  EXPECT_EQ(card(event(folds + "\n")), "Event: x");
  std::string parameters = "SUMMARY";
  for (int i = 0; i < 2'000; ++i) parameters += ";a=b";
  EXPECT_EQ(card(event(parameters + ":x\n")), "Event: x");
}

}  // namespace
}  // namespace pushmail::convert
