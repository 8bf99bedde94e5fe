// From a text part to lines for people.
#include "codec/convert/body_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include "codec/convert/calendar.h"
#include "codec/convert/sealed.h"
#include "codec/convert/text.h"

namespace pushmail::convert {
namespace {

constexpr auto calendar_endings = std::to_array<std::string_view>({".ics", ".ical", ".vcs"});

bool is_page(const mime::Part& part, std::string_view utf8) {
  if (part.media_type == "text/html" || part.media_type == "application/xhtml+xml") return true;
  // Programs that forget to say what they send.
  const std::string_view text = ascii_trim(utf8);
  return ascii_starts_with_nocase(text, "<!doctype html") || ascii_starts_with_nocase(text, "<html");
}

/// What a machine says about a mail may look like a quote, and is the message.
bool is_in_report(const mime::Message& mail, const mime::Part& part) {
  return part.parent != mime::Part::none && mail.parts[part.parent].media_type == "multipart/report";
}

}  // namespace

BodyReader::BodyReader(const mime::Message& mail, std::vector<Decision>& decisions)
    : mail_(mail), decisions_(decisions), older_(is_forward_subject(mime::decode_header(mail.parts.front().field("Subject"))) ? OlderMessages::keep : OlderMessages::fold) {
  for (const mime::Part& part : mail.parts) {
    if (!part.content_id.empty()) carried_.push_back(part.content_id);
    if (!part.content_location.empty()) carried_.push_back(part.content_location);
  }
  std::sort(carried_.begin(), carried_.end());
}

std::string BodyReader::read(const mime::Part& part) {
  const std::string what(part.name.empty() ? part.media_type : part.name);
  if (const auto sealed = sealed_part(mail_, part)) {
    decisions_.push_back({what, std::string(sealed->rule)});
    return std::string(sealed->sentence);
  }
  std::vector<mime::Tolerance> tolerated;
  const std::string utf8 = mime::decode_text(part, &tolerated);
  for (const mime::Tolerance& tolerance : tolerated) decisions_.push_back({what, fmt::format("tolerated: {} at byte {} of the body", tolerance.rule, tolerance.at)});
  std::string text;
  if (is_page(part, utf8)) {
    HtmlText page = read_html(utf8, carried_);
    if (page.fault) decisions_.push_back({std::string(part.media_type), fmt::format("{}: {}", page.fault->info->name, page.fault->info->text)});
    pictures_.insert(pictures_.end(), page.pictures.begin(), page.pictures.end());
    text = std::move(page.text);
  } else {
    text = readable(utf8);
  }
  text = without_armour(text, part.media_type, decisions_);
  ReplyText reply = fold_reply(text, is_in_report(mail_, part) ? OlderMessages::keep : older_);
  if (reply.quoted_lines > 0) decisions_.push_back({std::string(part.media_type), fmt::format("{} quoted lines of older messages folded", reply.quoted_lines)});
  if (reply.signature_lines > 0) decisions_.push_back({std::string(part.media_type), fmt::format("{} lines of the signature folded", reply.signature_lines)});
  return std::move(reply.text);
}

bool is_calendar(const mime::Part& part) {
  if (part.media_type == "text/calendar" || part.media_type == "application/ics" || part.media_type == "text/x-vcalendar") return true;
  if (part.media_type != "application/octet-stream" && part.media_type != "text/plain") return false;
  const std::string_view name = part.name;
  return std::any_of(calendar_endings.begin(), calendar_endings.end(), [&](std::string_view ending) { return name.size() > ending.size() && ascii_equal_nocase(name.substr(name.size() - ending.size()), ending); });
}

std::string BodyReader::read_card(const mime::Part& part) {
  const std::string what(part.name.empty() ? part.media_type : part.name);
  const auto calendar = read_calendar(mime::decode_text(part));
  if (!calendar) {
    decisions_.push_back({what, fmt::format("{}: {}; no card", calendar.error().info->name, calendar.error().info->text)});
    return {};
  }
  CalendarCard card = calendar_card(*calendar);
  // Many programs send the same invitation as an alternative and as a file.
  if (std::find(cards_.begin(), cards_.end(), card.text) != cards_.end()) {
    decisions_.push_back({what, "the same event is shown already"});
    return {};
  }
  decisions_.push_back({what, "calendar data shown as a card"});
  if (cards_.empty()) card_description_ = fold_reply(card.description, OlderMessages::keep).text;
  cards_.push_back(card.text);
  return std::move(card.text);
}

void BodyReader::order_pictures(std::vector<std::size_t>& parts) const {
  if (pictures_.empty()) return;
  std::unordered_map<std::string_view, std::size_t> places;
  for (std::size_t i = 0; i < pictures_.size(); ++i) places.try_emplace(pictures_[i], i);
  const auto place_of = [&](std::size_t part) {
    const auto by_id = places.find(mail_.parts[part].content_id);
    if (by_id != places.end()) return by_id->second;
    const auto by_location = places.find(mail_.parts[part].content_location);
    return by_location == places.end() ? mime::Part::none : by_location->second;
  };
  std::vector<std::size_t> slots;
  std::vector<std::pair<std::size_t, std::size_t>> shown;  // place, part
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::size_t place = place_of(parts[i]);
    if (place == mime::Part::none) continue;
    slots.push_back(i);
    shown.emplace_back(place, parts[i]);
  }
  std::sort(shown.begin(), shown.end());
  for (std::size_t i = 0; i < slots.size(); ++i) parts[slots[i]] = shown[i].second;
}

}  // namespace pushmail::convert
