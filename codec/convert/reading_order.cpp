// Came from: mail_to_mm.cpp. Pages that were not read, since plain text is shown in their place, are searched for `cid:`, not parsed: what
// stands in a comment or a style counts as well. Linear in the pages; at most reference_count_max references of each kind are looked up.
#include "codec/convert/reading_order.h"

#include <algorithm>

#include "codec/convert/sort_parts.h"
#include "core/ascii.h"
#include "core/limits.h"

namespace pushmail::convert {
namespace {

constexpr std::size_t reference_count_max = limits::mime_part_count_max;
constexpr std::size_t reference_size_max = 250;

/// Whether `reference`, with %40 and the like decoded (RFC 2392 §2), is `content_id`.
bool names(std::string_view reference, std::string_view content_id) {
  std::size_t at = 0;
  for (const char c : content_id) {
    if (at == reference.size()) return false;
    char given = reference[at];
    if (const auto byte = given == '%' ? leading_hex_byte(reference.substr(at + 1)) : std::nullopt) {
      given = static_cast<char>(*byte);
      at += 2;
    }
    if (given != c) return false;
    ++at;
  }
  return at == reference.size() && !content_id.empty();
}

struct Slot {
  std::size_t place;  // in the list of attachments
  std::size_t part;
  bool is_named = false;
};

}  // namespace

void put_in_reading_order(const mime::Message& mail, std::span<std::size_t> attachments, std::span<const std::string_view> shown,
                          Arena& arena) {
  ArenaList<Slot> slots(arena);
  for (std::size_t i = 0; i < attachments.size(); ++i) {
    const mime::Part& part = mail.parts[attachments[i]];
    if (!part.content_id.empty() || !part.content_location.empty()) slots.push_back({.place = i, .part = attachments[i]});
  }
  if (slots.size() < 2) return;
  ArenaList<std::size_t> named(arena);  // parts, as pages name them
  const auto name_first = [&](auto is_meant) {
    const auto slot = std::find_if(slots.items().begin(), slots.items().end(),
                                   [&](const Slot& s) { return !s.is_named && is_meant(mail.parts[s.part]); });
    if (slot == slots.items().end()) return;
    slot->is_named = true;
    named.push_back(slot->part);
  };
  for (const std::string_view picture : shown.first(std::min(shown.size(), reference_count_max))) {
    name_first([&](const mime::Part& part) { return part.content_id == picture || part.content_location == picture; });
  }
  std::size_t references = 0;
  for (const mime::Part& page : mail.parts) {
    if (!is_html(page) || named.size() == slots.size()) continue;
    const std::string_view text = text_of(mime::decode_body(page, arena));
    for (std::size_t at = text.find(':'); at != std::string_view::npos && references < reference_count_max && named.size() < slots.size();
         at = text.find(':', at + 1)) {
      if (at < 4 || !ascii_equal_nocase(text.substr(at - 3, 3), "cid") ||
          std::string_view("\"'=( \t\r\n").find(text[at - 4]) == std::string_view::npos)
        continue;
      ++references;
      std::string_view reference = text.substr(at + 1, reference_size_max);
      reference = reference.substr(0, reference.find_first_of("\"'>) \t\r\n"));
      name_first([&](const mime::Part& part) { return names(reference, part.content_id); });
    }
  }
  std::size_t next = 0;
  for (const Slot& slot : slots.items()) {
    if (slot.is_named) attachments[slot.place] = named[next++];
  }
}

}  // namespace pushmail::convert
