// Any calendar data becomes a card of bounded size, or one of two errors; texts stay valid UTF-8 without control characters.
#include "codec/convert/calendar.h"
#include "codec/convert/errors.h"
#include "codec/mime/message.h"
#include "codec/simd/simd.h"

using namespace pushmail;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto check_text = [](std::string_view text) {
    PM_CHECK(simd::active().utf8_valid_prefix(bytes_of(text)) == text.size());
    for (const char c : text) PM_CHECK(c == '\n' || c == '\t' || static_cast<unsigned char>(c) >= 0x20);
  };
  const std::string text = mime::to_utf8(ByteView(data, size), "utf-8");
  check_text(convert::recurrence_words(text).substr(0, 12));
  const auto calendar = convert::read_calendar(text);
  if (!calendar) {
    PM_CHECK(calendar.error().is(convert::convert_no_calendar) || calendar.error().is(convert::convert_calendar_empty));
    return 0;
  }
  PM_CHECK(!calendar->events.empty() && calendar->events.size() <= calendar->event_count);
  for (const convert::CalendarEvent& event : calendar->events) {
    for (const auto& time : {event.start, event.end, event.replaces}) {
      if (!time) continue;
      PM_CHECK(time->month >= 1 && time->month <= 12 && time->day >= 1 && time->day <= 31 && time->hour <= 23 && time->minute <= 59);
      PM_CHECK(convert::wall_seconds(convert::later(*time, 0)) == convert::wall_seconds(*time));
      const auto offset = convert::offset_of(*calendar, *time);
      PM_CHECK(!offset || (*offset > -86'400 && *offset < 86'400));
    }
  }
  const convert::CalendarCard card = convert::calendar_card(*calendar);
  check_text(card.text);
  check_text(card.description);
  PM_CHECK(!card.text.empty() && card.text.size() <= 5 * 4096);
  return 0;
}
