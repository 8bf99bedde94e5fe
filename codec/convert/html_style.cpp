// Style attributes, as far as they hide things. Mail programs and campaign tools hide preview lines, readers' counters and the
// other device's version of a paragraph this way.
#include "codec/convert/html_style.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

namespace pushmail::convert {
namespace {

/// The number a value starts with: `0px`, `.5em`, `16.00pt`.
std::optional<double> leading_number(std::string_view value) {
  double number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number, std::chars_format::fixed);
  return error == std::errc() ? std::optional<double>(number) : std::nullopt;
}

/// At most one pixel, whatever the unit; shares of the size around it only when they are nothing.
bool is_tiny_length(std::string_view value) {
  const auto number = leading_number(value);
  if (!number || *number < 0) return false;
  const bool is_absolute = value.find("px") != std::string_view::npos || value.find("pt") != std::string_view::npos;
  return *number == 0 || (is_absolute && *number <= 1);
}

}  // namespace

StyleFacts read_style(std::string_view style) {
  StyleFacts facts;
  bool hides_overflow = false;
  bool has_no_room = false;
  while (!style.empty()) {
    const std::size_t end = std::min(style.find(';'), style.size());
    const std::string_view declaration = style.substr(0, end);
    style.remove_prefix(std::min(end + 1, style.size()));
    const std::size_t colon = declaration.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = ascii_trim(declaration.substr(0, colon));
    const std::string_view value = ascii_trim(declaration.substr(colon + 1));
    const auto is = [&](std::string_view wanted) { return ascii_equal_nocase(name, wanted); };
    const auto says = [&](std::string_view wanted) { return ascii_starts_with_nocase(value, wanted); };
    if (is("display")) {
      facts.is_hidden |= says("none");
    } else if (is("visibility")) {
      facts.is_hidden |= says("hidden") || says("collapse");
    } else if (is("mso-hide")) {
      facts.is_hidden |= says("all");
    } else if (is("opacity")) {
      facts.is_hidden |= leading_number(value) == 0.0;
    } else if (is("max-height")) {
      facts.is_hidden |= is_tiny_length(value);
    } else if (is("overflow")) {
      hides_overflow = says("hidden");
    } else if (is("font-size")) {
      facts.sets_font_size = true;
      facts.is_tiny = is_tiny_length(value);
    } else if (is("font")) {
      facts.sets_font_size = true;
      facts.is_tiny = says("0/") || says("0px") || says("0 ");
    } else if (is("border")) {
      facts.has_no_border = says("none") || leading_number(value) == 0.0;
    } else if (is("width") || is("height")) {
      has_no_room |= leading_number(value) == 0.0;
      facts.has_pixel_size |= is_tiny_length(value);
    }
  }
  facts.is_hidden |= hides_overflow && has_no_room;
  return facts;
}

std::vector<std::string> hidden_classes(std::string_view sheet) {
  constexpr std::size_t classes_max = 64;
  std::vector<std::string> classes;
  std::size_t depth = 0;             // inside a condition
  while (!sheet.empty() && classes.size() < classes_max) {
    if (sheet.starts_with("/*")) {
      const std::size_t end = sheet.find("*/", 2);
      if (end == std::string_view::npos) break;
      sheet.remove_prefix(end + 2);
      continue;
    }
    const std::size_t end = sheet.find_first_of("{};/");
    if (end == std::string_view::npos) break;
    std::string_view selector = ascii_trim(sheet.substr(0, end));
    if (selector.starts_with("<!--")) selector = ascii_trim(selector.substr(4));
    const char sign = sheet[end];
    if (sign == '/') {
      // The start of a comment stays for the next round; of a selector that has one, only the rest is read.
      sheet.remove_prefix(end == 0 ? 1 : end);
      continue;
    }
    sheet.remove_prefix(end + 1);
    if (sign == '}') depth -= depth > 0 ? 1 : 0;
    if (sign != '{') continue;
    if (selector.starts_with('@')) {
      ++depth;
      continue;
    }
    const std::size_t body = std::min(sheet.find('}'), sheet.size());
    const bool hides = depth == 0 && read_style(sheet.substr(0, body)).is_hidden;
    sheet.remove_prefix(std::min(body + 1, sheet.size()));
    if (!hides) continue;
    for (std::string_view rest = selector; !rest.empty() && classes.size() < classes_max;) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      const std::string_view one = ascii_trim(rest.substr(0, comma));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
      const std::size_t dot = one.find('.');
      // A class alone, or of one kind of element; what depends on its surroundings is not looked for.
      if (dot == std::string_view::npos || dot + 1 == one.size() || one.find_first_of(" >+~:#[*\t\n") != std::string_view::npos) continue;
      if (one.find('.', dot + 1) == std::string_view::npos) classes.emplace_back(one.substr(dot + 1));
    }
  }
  return classes;
}

bool has_word(std::string_view words, std::span<const std::string> wanted) {
  if (wanted.empty()) return false;
  for (std::string_view rest = words; !rest.empty();) {
    const std::size_t end = std::min(rest.find_first_of(" \t\r\n"), rest.size());
    if (std::find(wanted.begin(), wanted.end(), rest.substr(0, end)) != wanted.end()) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

bool has_word_like(std::string_view words, std::span<const std::string_view> pieces) {
  for (std::string_view rest = words; !rest.empty();) {
    const std::size_t end = std::min(rest.find_first_of(" \t\r\n"), rest.size());
    const std::string_view word = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    for (const std::string_view piece : pieces) {
      for (std::size_t at = 0; at + piece.size() <= word.size(); ++at) {
        if (ascii_starts_with_nocase(word.substr(at), piece)) return true;
      }
    }
  }
  return false;
}

}  // namespace pushmail::convert
