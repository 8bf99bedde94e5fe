// Counting words and markup.
#include "codec/convert/alternative_choice.h"

#include <algorithm>
#include <array>

#include "codec/convert/fillers.h"
#include "codec/convert/html_elements.h"
#include "codec/convert/html_entities.h"
#include "codec/convert/text.h"
#include "core/ascii.h"
#include "core/utf8.h"

namespace pushmail::convert {
namespace {

constexpr std::size_t looked_at_max = 64 * 1024;
constexpr std::size_t tag_size_max = 2048;
constexpr std::size_t style_rule_size_max = 2048;

/// A character of a word, how many bytes it has and whether its script writes without blanks.
struct Character {
  std::size_t size = 1;
  std::uint32_t code = 0;  // without case where that is easily told; 0: no part of a word
  bool is_unspaced = false;
};
Character character_at(std::string_view utf8) {
  const char first = utf8.front();
  if (!is_above_ascii(first)) return {1, is_alphanumeric(first) ? static_cast<std::uint32_t>(ascii_lower(first)) : 0, false};
  const CodePoint found = code_point_at(utf8);
  if (!found) return {};
  const std::size_t size = found.size;
  std::uint32_t code = found.value;
  // Signs of Latin-1, punctuation, spaces, marks, and those of full width.
  const bool is_sign = code < 0xC0 || code == 0xD7 || code == 0xF7 || (code >= 0x2000 && code < 0x2C00) ||
                       (code >= 0x3000 && code < 0x3040 && code != 0x3005) || (code >= 0xFE00 && code < 0xFF10) || code >= 0x1F000;
  if (is_sign) return {size, 0, false};
  if (code >= 0xC0 && code <= 0xDE)
    code += 0x20;
  else if (code >= 0x391 && code <= 0x3A9)
    code += 0x20;
  else if (code >= 0x410 && code <= 0x42F)
    code += 0x20;
  else if (code >= 0x100 && code < 0x180)
    code |= 1;
  const bool is_unspaced = (code >= 0x2E80 && code < 0xAC00) || (code >= 0xE00 && code < 0xE80) || code >= 0x20000;
  return {size, code, is_unspaced};
}

/// Bytes of the address that stands here; 0 when none does.
std::size_t address_size(std::string_view text) {
  if (text.front() != 'h' && text.front() != 'H') return 0;
  if (!ascii_starts_with_nocase(text, "http://") && !ascii_starts_with_nocase(text, "https://")) return 0;
  return std::min(text.find_first_of(" \t\r\n<>\"|"), text.size());
}

/// Properties that every style sheet of a mail has some of, by their beginnings.
bool is_style_property(std::string_view name) {
  constexpr auto beginnings = std::to_array<std::string_view>(
      {"background", "border",  "color", "display", "font",     "height", "line-height",    "margin",     "max-",  "min-", "mso-",
       "outline",    "padding", "text-", "width",   "-webkit-", "-ms-",   "vertical-align", "list-style", "float", "size"});
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [&](std::string_view beginning) { return ascii_starts_with_nocase(name, beginning); });
}

/// Whether `{ ... }` at the start of `text` is a rule of a style sheet: all of it properties, and one that we know.
bool is_style_rule(std::string_view text) {
  std::string_view body = text.substr(1, std::min(text.find('}'), style_rule_size_max));
  if (!body.ends_with('}')) return false;
  body.remove_suffix(1);
  bool is_known = false;
  while (!ascii_trim(body).empty()) {
    const std::size_t end = std::min(body.find(';'), body.size());
    const std::string_view declaration = ascii_trim(body.substr(0, end));
    body.remove_prefix(std::min(end + 1, body.size()));
    if (declaration.empty()) continue;
    const std::size_t colon = declaration.find(':');
    if (colon == std::string_view::npos) return false;
    const std::string_view name = ascii_trim(declaration.substr(0, colon));
    if (name.empty() || std::any_of(name.begin(), name.end(), [](char c) { return !is_letter(c) && c != '-'; })) return false;
    is_known = is_known || is_style_property(name);
  }
  return is_known;
}

/// Bytes of the tag that stands here; 0 when it is none that HTML knows.
std::size_t tag_size(std::string_view text) {
  const std::size_t name_start = text.size() > 1 && text[1] == '/' ? 2 : 1;
  std::size_t end = name_start;
  while (end < text.size() && is_alphanumeric(text[end])) ++end;
  if (end == name_start || end == text.size() || std::string_view(" \t\r\n/>").find(text[end]) == std::string_view::npos) return 0;
  if (element_of(text.substr(name_start, end - name_start))->name.empty()) return 0;
  const std::size_t close = text.substr(0, tag_size_max).find('>', end);
  return close == std::string_view::npos ? 0 : close + 1;
}

}  // namespace

/// Whether it is new.
bool WordSet::add_word(std::uint32_t hash) {
  if (hash == 0) hash = 1;
  if (count_ == count_max) return false;
  std::size_t slot = hash % slot_count;
  for (; slots_[slot] != 0; slot = (slot + 1) % slot_count) {
    if (slots_[slot] == hash) return false;
  }
  slots_[slot] = hash;
  ++count_;
  return true;
}

bool WordSet::has(std::uint32_t hash) const {
  for (std::size_t slot = hash % slot_count; slots_[slot] != 0; slot = (slot + 1) % slot_count) {
    if (slots_[slot] == hash) return true;
  }
  return false;
}

void WordSet::add(std::string_view utf8) {
  constexpr std::uint32_t start = 2166136261U;  // FNV-1a, a character a step
  constexpr std::uint32_t prime = 16777619U;
  std::uint32_t hash = start;
  std::uint32_t previous_unspaced = 0;
  const auto end_word = [&] {
    if (hash != start) add_word(hash);
    hash = start;
  };
  for (std::size_t at = 0; at < utf8.size() && count_ < count_max;) {
    if (hash == start) {
      if (const std::size_t size = address_size(utf8.substr(at)); size > 0) {
        at += size;
        continue;
      }
    }
    const Character character = character_at(utf8.substr(at));
    const bool is_unseen =
        is_above_ascii(utf8[at]) && filler_at(utf8.substr(at)).kind != Filler::none && filler_at(utf8.substr(at)).kind != Filler::space;
    at += character.size;
    if (is_unseen) continue;
    if (character.is_unspaced) {
      end_word();
      if (previous_unspaced != 0 && add_word(((start ^ previous_unspaced) * prime ^ character.code) * prime)) ++pairs_;
      previous_unspaced = character.code;
      continue;
    }
    previous_unspaced = 0;
    if (character.code == 0)
      end_word();
    else
      hash = (hash ^ character.code) * prime;
  }
  end_word();
}

std::size_t WordSet::shared_with(const WordSet& other) const {
  return static_cast<std::size_t>(
      std::count_if(slots_.begin(), slots_.end(), [&](std::uint32_t hash) { return hash != 0 && other.has(hash); }));
}

Markup markup_of(std::string_view utf8) {
  Markup found;
  const std::string_view text = ascii_trim(utf8.substr(0, looked_at_max));
  for (std::size_t at = text.find_first_of("<&{"); at != std::string_view::npos; at = text.find_first_of("<&{", at)) {
    const std::string_view rest = text.substr(at);
    std::size_t size = 0;
    if (rest.front() == '<') {
      size = tag_size(rest);
      if (size > 0) {
        ++found.tags;
        found.starts_with_tag = found.starts_with_tag || at == 0;
        const bool is_line_break = ascii_starts_with_nocase(rest, "<br");
        found.line_breaks += is_line_break ? 1 : 0;
        found.closing_tags += is_line_break || rest[1] == '/' ? 1 : 0;
      } else if (at == 0 && ascii_starts_with_nocase(rest, "<!doctype html")) {
        found.starts_with_tag = true;
      }
    } else if (rest.front() == '&') {
      size = read_character_reference(rest, ReferencePlace::text).size;
      // Without its semicolon it may be anything.
      if (size > 0 && rest[size - 1] != ';') size = 0;
      if (size > 0) {
        ++found.references;
        const auto is_word_letter = [](char c) { return is_letter(c) || is_above_ascii(c); };
        const bool has_letter = (at > 0 && is_word_letter(text[at - 1])) || (size < rest.size() && is_word_letter(rest[size]));
        const CharacterReference reference = read_character_reference(rest, ReferencePlace::text);
        found.inner_references += has_letter && is_above_ascii(reference.bytes[0]) ? 1 : 0;
      }
    } else if (is_style_rule(rest)) {
      ++found.style_rules;
    }
    at += std::max<std::size_t>(size, 1);
  }
  return found;
}

bool is_page_source(std::string_view utf8) {
  const std::string_view text = ascii_trim(utf8);
  const bool has_breaks = text.find("<br") != std::string_view::npos || text.find("<BR") != std::string_view::npos;
  if (!text.starts_with('<') && !has_breaks) return false;
  if (ascii_starts_with_nocase(text, "<!doctype html") || ascii_starts_with_nocase(text, "<html")) return true;
  const Markup markup = markup_of(text);
  // Somebody who writes about tags shows one here and there; a page opens with one and closes what it opens, or has its lines from tags.
  const auto line_ends = static_cast<std::size_t>(
      std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(std::min(text.size(), looked_at_max)), '\n'));
  if (markup.line_breaks >= 3 && markup.line_breaks >= line_ends) return true;
  return markup.starts_with_tag && markup.tags >= 2 && markup.closing_tags * 3 >= markup.tags && (text.ends_with('>') || markup.tags >= 6);
}

Said said_by_plain(std::string_view utf8) {
  Said said;
  said.has_markup = markup_of(utf8).any();
  if (said.has_markup)
    said.words.add(html_to_text(utf8.substr(0, looked_at_max)));
  else
    said.words.add(utf8.substr(0, looked_at_max));
  return said;
}

bool page_says_more(const Said& plain, const Said& page) {
  const std::size_t plain_count = plain.words.size_in_words();
  const std::size_t page_count = page.words.size_in_words();
  if (page_count == 0) return plain_count == 0;
  if (plain_count == 0) return true;
  const std::size_t shared = plain.words.shared_with(page.words);
  // The page says the same without its source.
  if (plain.has_markup && (shared * 2 >= plain.words.count() || page_count >= plain_count)) return true;
  // A few words are no measure.
  constexpr std::size_t few = 3;
  constexpr std::size_t note_words_max = 20;
  const bool speaks_of_something_else = plain_count >= few && shared * 2 < plain.words.count() && !plain.has_markup;
  if (speaks_of_something_else && (page_count >= plain_count || (plain_count <= note_words_max && !page.has_pictures))) return true;
  // A beginning, with a link to the rest.
  constexpr std::size_t extra_words = 8;
  return page_count >= 2 * plain_count + extra_words;
}

}  // namespace pushmail::convert
