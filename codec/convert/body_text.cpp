// From a text part to lines for people.
#include "codec/convert/body_text.h"

#include <algorithm>

#include "codec/convert/calendar.h"
#include "codec/convert/sealed.h"
#include "codec/convert/sort_parts.h"
#include "codec/convert/text.h"

namespace pushmail::convert {
namespace {

bool is_page(const mime::Part& part, std::string_view utf8) {
  if (is_html(part)) return true;
  // Programs that forget to say what they send.
  const std::string_view text = ascii_trim(utf8);
  return ascii_starts_with_nocase(text, "<!doctype html") || ascii_starts_with_nocase(text, "<html");
}

/// What a machine says about a mail may look like a quote, and is the message.
bool is_in_report(const mime::Message& mail, const mime::Part& part) {
  return part.parent != mime::Part::none && mail.parts[part.parent].media_type == "multipart/report";
}

}  // namespace

BodyReader::BodyReader(const mime::Message& mail, ArenaList<Decision>& decisions, Arena& arena)
    : mail_(mail),
      decisions_(decisions),
      arena_(arena),
      older_(is_forward_subject(mime::decode_header(mail.parts.front().field("Subject"), arena)) ? OlderMessages::keep : OlderMessages::fold),
      cards_(arena),
      carried_(arena) {}

std::string_view BodyReader::read_page(const mime::Part& part, std::string_view utf8) {
  if (carried_.empty()) {
    for (const mime::Part& other : mail_.parts) {
      if (!other.content_id.empty()) carried_.push_back(other.content_id);
      if (!other.content_location.empty()) carried_.push_back(other.content_location);
    }
    std::sort(carried_.items().begin(), carried_.items().end());
  }
  const HtmlText page = read_html(utf8, carried_.items());
  if (page.fault) decisions_.push_back({part.media_type, format_in(arena_, "{}: {}", page.fault->info->name, page.fault->info->text)});
  return arena_.copy(page.text);
}

std::string_view BodyReader::read(const mime::Part& part, std::string_view utf8) {
  std::string_view text = is_page(part, utf8) ? read_page(part, utf8) : readable(utf8, arena_);
  text = without_armour(text, part.media_type, decisions_, arena_);
  const ReplyText reply = fold_reply(text, is_in_report(mail_, part) ? OlderMessages::keep : older_, arena_);
  if (reply.quoted_lines > 0) decisions_.push_back({part.media_type, format_in(arena_, "{} quoted lines of older messages folded", reply.quoted_lines)});
  if (reply.signature_lines > 0) decisions_.push_back({part.media_type, format_in(arena_, "{} lines of the signature folded", reply.signature_lines)});
  return reply.text;
}

std::string_view BodyReader::read_card(const mime::Part& part) {
  const std::string_view what = label_of(part);
  const auto calendar = read_calendar(mime::decode_text(part, arena_));
  if (!calendar) {
    decisions_.push_back({what, format_in(arena_, "{}: {}; no card", calendar.error().info->name, calendar.error().info->text)});
    return {};
  }
  const CalendarCard card = calendar_card(*calendar);
  // Many programs send the same invitation as an alternative and as a file.
  if (std::find(cards_.items().begin(), cards_.items().end(), card.text) != cards_.items().end()) {
    decisions_.push_back({what, "the same event is shown already"});
    return {};
  }
  decisions_.push_back({what, "calendar data shown as a card"});
  if (cards_.empty()) card_description_ = fold_reply(arena_.copy(card.description), OlderMessages::keep, arena_).text;
  cards_.push_back(arena_.copy(card.text));
  return cards_.back();
}

}  // namespace pushmail::convert
