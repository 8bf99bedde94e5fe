// Character references: one look into a sorted table, or a number.
#include "codec/convert/html_entities.h"

#include <algorithm>

#include "codec/convert/html_entity_table.h"
#include "core/ascii.h"
#include "core/utf8.h"

namespace pushmail::convert {
namespace {

/// What the numbers 0x80 to 0x9F stand for in pages: Windows-1252 (HTML standard §13.2.5.80).
constexpr std::array<char32_t, 32> windows_characters{
    0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D, 0x017D, 0x8F,
    0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D, 0x017E, 0x0178};

const NamedCharacter* find_name(std::string_view name) {
  const auto* const found = std::lower_bound(std::begin(named_characters), std::end(named_characters), name,
                                             [](const NamedCharacter& row, std::string_view wanted) { return row.name < wanted; });
  return found == std::end(named_characters) || found->name != name ? nullptr : found;
}

CharacterReference with_character(char32_t c, std::size_t size) {
  if (c >= 0x80 && c < 0xA0) c = windows_characters[c - 0x80];
  CharacterReference made;
  made.size = size;
  made.byte_count = utf8_of(c == 0 ? replacement_character : c).view().copy(made.bytes.data(), made.bytes.size());
  return made;
}

/// `&#228;`, `&#xE4;`; the semicolon may be missing.
CharacterReference read_number(std::string_view html) {
  const bool is_hex = html[2] == 'x' || html[2] == 'X';
  const std::size_t first = is_hex ? 3 : 2;
  std::size_t at = first;
  char32_t number = 0;
  for (; at < html.size(); ++at) {
    const int digit = hex_value(html[at]);
    if (digit < 0 || (!is_hex && digit > 9)) break;
    number = std::min<char32_t>(number * (is_hex ? 16 : 10) + static_cast<char32_t>(digit), 0x110000);
  }
  if (at == first) return {};
  return with_character(number, at + (at < html.size() && html[at] == ';' ? 1 : 0));
}

CharacterReference with_name(const NamedCharacter& row, std::size_t size) {
  CharacterReference made;
  made.size = size;
  made.byte_count = row.utf8.copy(made.bytes.data(), made.bytes.size());
  return made;
}

}  // namespace

CharacterReference read_character_reference(std::string_view html, ReferencePlace place) {
  if (html.size() < 3 || html.front() != '&') return {};
  if (html[1] == '#') return read_number(html);
  const std::size_t scanned_max = std::min(html.size(), 1 + character_name_size_max + 1);
  std::size_t end = 1;
  while (end < scanned_max && is_alphanumeric(html[end])) ++end;
  if (end < html.size() && html[end] == ';') {
    if (const NamedCharacter* row = find_name(html.substr(1, end - 1)); row != nullptr) return with_name(*row, end + 1);
  }
  for (std::size_t size = std::min(end - 1, bare_name_size_max); size >= 2; --size) {
    const NamedCharacter* row = find_name(html.substr(1, size));
    if (row == nullptr || !row->needs_no_semicolon) continue;
    // `?a=1&copy=2` is no copyright sign.
    const char next = 1 + size < html.size() ? html[1 + size] : '\0';
    if (place == ReferencePlace::attribute && (next == '=' || is_alphanumeric(next))) return {};
    return with_name(*row, 1 + size);
  }
  return {};
}

std::string_view decode_references(std::string_view html, std::string& memory, ReferencePlace place) {
  std::size_t at = html.find('&');
  if (at == std::string_view::npos) return html;
  memory.clear();
  std::size_t from = 0;
  for (; at != std::string_view::npos; at = html.find('&', at)) {
    const CharacterReference reference = read_character_reference(html.substr(at), place);
    if (reference.size == 0) {
      ++at;
      continue;
    }
    memory.append(html, from, at - from);
    memory.append(reference.utf8());
    at += reference.size;
    from = at;
  }
  memory.append(html, from);
  return memory;
}

}  // namespace pushmail::convert
