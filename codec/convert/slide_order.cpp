// SMIL is searched for sources, not parsed: phones write it with faults that an XML reader would stop at, and nothing else of it counts
// here.
#include "codec/convert/slide_order.h"

#include <algorithm>
#include <array>
#include <utility>

#include "codec/convert/text.h"
#include "core/ascii.h"
#include "core/limits.h"

namespace pushmail::convert {
namespace {

constexpr std::size_t sources_max = limits::mime_part_count_max;
constexpr std::size_t source_size_max = 300;
constexpr std::size_t smil_size_max = 256 * limits::KiB;

/// As a Content-ID or Content-Location says it.
std::string decoded(std::string_view written) {
  constexpr auto entities =
      std::to_array<std::pair<std::string_view, char>>({{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}});
  std::string out;
  for (std::size_t at = 0; at < written.size();) {
    const std::string_view rest = written.substr(at);
    const auto entity = std::find_if(entities.begin(), entities.end(), [&](const auto& row) { return rest.starts_with(row.first); });
    if (entity != entities.end()) {
      out += entity->second;
      at += entity->first.size();
    } else if (const auto byte = rest[0] == '%' ? leading_hex_byte(rest.substr(1)) : std::nullopt) {
      out += static_cast<char>(*byte);
      at += 3;
    } else {
      out += rest[0];
      ++at;
    }
  }
  return out;
}

std::string_view without_brackets(std::string_view text) {
  if (text.size() >= 2 && text.starts_with('<') && text.ends_with('>')) return text.substr(1, text.size() - 2);
  return text;
}

/// The part that a source names: by id, by place, by name, and then by place or name without regard of case.
std::size_t part_named(const MultimediaMessage& mm, std::string_view source) {
  if (ascii_starts_with_nocase(source, "cid:")) source.remove_prefix(4);
  source = without_brackets(source);
  if (source.empty()) return mm.parts.size();
  const auto find = [&](auto is_meant) {
    return static_cast<std::size_t>(std::find_if(mm.parts.begin(), mm.parts.end(), is_meant) - mm.parts.begin());
  };
  std::size_t found = find([&](const MultimediaPart& part) {
    return without_brackets(part.content_id) == source || part.content_location == source || part.name == source;
  });
  if (found == mm.parts.size())
    found = find([&](const MultimediaPart& part) {
      return ascii_equal_nocase(part.content_location, source) || ascii_equal_nocase(part.name, source);
    });
  return found;
}

bool says_nothing(const MultimediaPart& part) {
  // Most texts show by their first letter that they are some; with an escape or a shift in it, it need not be one.
  const bool is_letters = part.charset == "utf-8" || part.charset == "us-ascii";
  if (is_letters && std::ranges::any_of(part.data, [](std::uint8_t c) { return c > ' ' && c < 0x7F; })) return false;
  return ascii_trim(part_text(part)).empty();
}

}  // namespace

bool is_smil(const MultimediaPart& part) { return part.media_type == "application/smil" || part.media_type == "application/smil+xml"; }

std::vector<std::string> smil_sources(std::string_view smil) {
  std::vector<std::string> sources;
  smil = smil.substr(0, smil_size_max);
  for (std::size_t at = 0; at < smil.size() && sources.size() < sources_max;) {
    const std::size_t tag = smil.find('<', at);
    if (tag == std::string_view::npos) break;
    if (smil.substr(tag).starts_with("<!--")) {
      const std::size_t end = smil.find("-->", tag);
      if (end == std::string_view::npos) break;
      at = end + 3;
      continue;
    }
    std::size_t end = tag + 1;
    for (char quote = '\0'; end < smil.size() && (quote != '\0' || smil[end] != '>'); ++end) {
      if (quote != '\0')
        quote = smil[end] == quote ? '\0' : quote;
      else if (smil[end] == '"' || smil[end] == '\'')
        quote = smil[end];
    }
    const std::string_view inside = smil.substr(tag, end - tag);
    at = end + 1;
    char quote = '\0';
    for (std::size_t found = 1; found < inside.size(); ++found) {
      const char c = inside[found];
      if (quote != '\0')
        quote = c == quote ? '\0' : quote;
      else if (c == '"' || c == '\'')
        quote = c;
      if (c != 's' || quote != '\0' || !is_white(inside[found - 1]) || !inside.substr(found).starts_with("src")) continue;
      std::string_view rest = ascii_trim(inside.substr(found + 3));
      if (!rest.starts_with('=')) continue;
      rest = ascii_trim(rest.substr(1));
      if (rest.empty()) break;
      const bool is_quoted = rest.front() == '"' || rest.front() == '\'';
      const std::string_view value =
          is_quoted ? rest.substr(1, rest.find(rest.front(), 1) - 1) : rest.substr(0, rest.find_first_of(" \t\r\n/>"));
      if (!value.empty() && value.size() <= source_size_max) sources.push_back(decoded(value));
      break;
    }
  }
  return sources;
}

SlideOrder slide_order(const MultimediaMessage& mm) {
  enum class Use : std::uint8_t { open, taken };
  std::vector<Use> uses(mm.parts.size(), Use::open);
  for (std::size_t i = 0; i < mm.parts.size(); ++i) {
    if (i == mm.presentation || is_smil(mm.parts[i])) uses[i] = Use::taken;
  }
  SlideOrder order;
  const auto take = [&](std::vector<std::size_t>& list, std::size_t part) {
    if (part >= uses.size() || uses[part] == Use::taken) return;
    uses[part] = Use::taken;
    list.push_back(part);
  };
  const auto is_plain = [&](std::size_t i) { return mm.parts[i].media_type == "text/plain"; };

  const auto smil = mm.presentation < mm.parts.size() ? mm.parts.begin() + static_cast<std::ptrdiff_t>(mm.presentation)
                                                      : std::find_if(mm.parts.begin(), mm.parts.end(), is_smil);
  if (smil != mm.parts.end()) {
    for (const std::string& source : smil_sources(part_text(*smil))) {
      const std::size_t part = part_named(mm, source);
      if (part >= mm.parts.size()) continue;
      if (!is_plain(part))
        take(order.attachments, part);
      else if (!says_nothing(mm.parts[part]))
        take(order.texts, part);
    }
  }
  if (order.texts.empty()) {
    for (std::size_t i = 0; i < mm.parts.size(); ++i) {
      if (is_plain(i) && !says_nothing(mm.parts[i]) && (order.texts.empty() || mm.parts[i].name.empty())) take(order.texts, i);
    }
  }
  // Some phones write their text as a page.
  for (std::size_t i = 0; i < mm.parts.size() && order.texts.empty(); ++i) {
    if (mm.parts[i].media_type == "text/html" && !says_nothing(mm.parts[i])) {
      uses[i] = Use::open;
      std::erase(order.attachments, i);
      take(order.texts, i);
    }
  }
  for (std::size_t i = 0; i < mm.parts.size(); ++i) {
    if (!is_plain(i) || !says_nothing(mm.parts[i]))
      take(order.attachments, i);
    else if (order.texts.empty())
      take(order.texts, i);
  }
  return order;
}

}  // namespace pushmail::convert
