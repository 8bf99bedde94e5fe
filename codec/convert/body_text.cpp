// From a text part to lines for people.
#include "codec/convert/body_text.h"

#include <array>

#include "codec/convert/alternative_choice.h"
#include "codec/convert/calendar.h"
#include "codec/convert/fillers.h"
#include "codec/convert/html_entities.h"
#include "codec/convert/link_list.h"
#include "codec/convert/sealed.h"
#include "codec/convert/sort_parts.h"
#include "codec/convert/text.h"

namespace pushmail::convert {
namespace {

constexpr std::size_t folded_size_max = 1024 * 1024;
constexpr auto calendar_endings = std::to_array<std::string_view>({".ics", ".ical", ".vcs"});

/// Of a page, or of programs that forget to say what they send.
bool is_page(const mime::Part& part, std::string_view utf8) { return is_html(part) || is_page_source(utf8); }

/// Plain text as it was meant: without fillers; with the characters for which a program wrote references, of which one inside a word is
/// proof enough.
std::string_view plain_text(std::string_view utf8, Arena& arena) {
  std::string_view text = readable(utf8, arena);
  if (text.find('&') != std::string_view::npos && markup_of(text).inner_references > 0) {
    std::string memory;
    text = readable(arena.copy(decode_references(text, memory, ReferencePlace::text)), arena);
  }
  return without_fillers(text, arena);
}

/// Whether a mail answers another one: only then does an indented block cite somebody without saying so.
bool is_answer(const mime::Part& header, Arena& arena) {
  if (!ascii_trim(header.field("In-Reply-To")).empty() || !ascii_trim(header.field("References")).empty()) return true;
  return ascii_starts_with_nocase(ascii_trim(mime::decode_header(header.field("Subject"), arena)), "re:");
}

std::string_view sentence_of(OnlyPictures pictures) {
  switch (pictures) {
    case OnlyPictures::no:
      break;
    case OnlyPictures::on_a_site:
      return "[Only pictures, which are on the sender's site]";
    case OnlyPictures::inside_the_page:
      return "[Only pictures, which are in your mailbox]";
  }
  return {};
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
      older_(older_messages_of(mail.parts.front(), arena)),
      cards_(arena),
      on_cards_(arena),
      carried_(arena),
      pictures_(arena) {}

std::string_view BodyReader::read(const mime::Part& part, std::string_view utf8) {
  const std::string_view lines = is_page(part, utf8) ? read_page(part, utf8) : plain_text(utf8, arena_);
  const std::string_view text = without_armour(lines, part.media_type, decisions_, arena_);
  // Folding needs room for each line. Of a text that long a phone shows the beginning only.
  if (text.size() > folded_size_max) {
    decisions_.push_back({part.media_type, "longer than 1 MiB: quotes are not folded"});
    return text;
  }
  const ReplyText reply = fold_reply(text, is_in_report(mail_, part) ? OlderMessages::keep : older_, arena_);
  if (reply.quoted_lines > 0)
    decisions_.push_back({part.media_type, format_in(arena_, "{} quoted lines of older messages folded", reply.quoted_lines)});
  if (reply.signature_lines > 0)
    decisions_.push_back({part.media_type, format_in(arena_, "{} lines of the signature folded", reply.signature_lines)});
  const ShortLinks links = shorten_links(reply.text, arena_);
  if (links.shortened > 0)
    decisions_.push_back(
        {part.media_type, format_in(arena_, "long addresses shortened to their site and gathered behind the text: {}", links.shortened)});
  return links.text;
}

std::string_view BodyReader::read_page(const mime::Part& part, std::string_view utf8) {
  if (carried_.empty()) {
    for (const mime::Part& each : mail_.parts) {
      if (!each.content_id.empty()) carried_.push_back(each.content_id);
      if (!each.content_location.empty()) carried_.push_back(each.content_location);
    }
    std::sort(carried_.items().begin(), carried_.items().end());
  }
  const HtmlReading reading{.carried = carried_.items(),
                            .bare_quotes = is_answer(mail_.parts.front(), arena_) ? BareQuotes::cite : BareQuotes::indent};
  const HtmlText page = read_html(utf8, reading);
  if (page.fault) decisions_.push_back({part.media_type, format_in(arena_, "{}: {}", page.fault->info->name, page.fault->info->text)});
  for (const std::string& picture : page.pictures) pictures_.push_back(arena_.copy(picture));
  const std::string_view sentence = sentence_of(page.only_pictures);
  if (sentence.empty()) return arena_.copy(page.text);
  decisions_.push_back({part.media_type, "a page of pictures: said in the text"});
  return page.text.empty() ? sentence : format_in(arena_, "{}\n{}", sentence, page.text);
}

bool is_calendar(const mime::Part& part) {
  if (part.media_type == "text/calendar" || part.media_type == "application/ics" || part.media_type == "text/x-vcalendar") return true;
  if (part.media_type != "application/octet-stream" && part.media_type != "text/plain") return false;
  const std::string_view name = part.name;
  return std::any_of(calendar_endings.begin(), calendar_endings.end(), [&](std::string_view ending) {
    return name.size() > ending.size() && ascii_equal_nocase(name.substr(name.size() - ending.size()), ending);
  });
}

std::string_view BodyReader::read_card(std::size_t part) {
  const std::string_view what = label_of(mail_.parts[part]);
  const auto calendar = read_calendar(mime::decode_text(mail_.parts[part], arena_));
  if (!calendar) {
    decisions_.push_back({what, format_in(arena_, "{}: {}; no card", calendar.error().info->name, calendar.error().info->text)});
    return {};
  }
  on_cards_.push_back(part);
  const CalendarCard made = calendar_card(*calendar);
  // Many programs send the same invitation as an alternative and as a file.
  if (std::find(cards_.items().begin(), cards_.items().end(), made.text) != cards_.items().end()) {
    decisions_.push_back({what, "the same event is shown already"});
    return {};
  }
  decisions_.push_back({what, "calendar data shown as a card"});
  if (cards_.empty()) card_description_ = fold_reply(made.description, OlderMessages::keep, arena_).text;
  cards_.push_back(arena_.copy(made.text));
  return cards_.back();
}

}  // namespace pushmail::convert
