// Declarations of style, as far as they hide things or change what a text says. Mail programs and campaign tools hide preview lines,
// readers' counters and the other device's version of a paragraph this way.
#include "codec/convert/html_style.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

#include "core/ascii.h"

namespace pushmail::convert {
namespace {

constexpr double far_away = 500;       // pixels outside the page; designs move things by less
constexpr int alike_distance_max = 8;  // of 255, in each of red, green and blue

/// The number a value starts with: `0px`, `.5em`, `-16.00pt`.
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

/// `-9999px`, `-999em`: outside of any page.
bool is_far_outside(std::string_view value) {
  const auto number = leading_number(value);
  if (!number || *number >= 0) return false;
  const bool is_in_letters = value.find("em") != std::string_view::npos;
  return value.find('%') == std::string_view::npos ? *number * (is_in_letters ? 16 : 1) <= -far_away : *number <= -far_away;
}

bool contains_nocase(std::string_view text, std::string_view wanted) {
  for (std::size_t at = 0; at + wanted.size() <= text.size(); ++at) {
    if (ascii_starts_with_nocase(text.substr(at), wanted)) return true;
  }
  return false;
}

/// `rect(0 0 0 0)`, `rect(1px, 1px, 1px, 1px)`, `inset(50%)`: nothing is left to be seen.
bool clips_all(std::string_view value) {
  if (ascii_starts_with_nocase(value, "inset("))
    return leading_number(ascii_trim(value.substr(6))).value_or(0) >= 50 && value.find('%') != std::string_view::npos;
  if (!ascii_starts_with_nocase(value, "rect(")) return false;
  double largest = 0;
  for (std::string_view rest = value.substr(5); !rest.empty();) {
    const std::size_t digit = rest.find_first_of("0123456789");
    if (digit == std::string_view::npos) break;
    rest.remove_prefix(digit);
    largest = std::max(largest, leading_number(rest).value_or(0));
    rest.remove_prefix(std::min(rest.find_first_of(" ,)"), rest.size()));
  }
  return largest <= 1;
}

struct NamedColour {
  std::string_view name;
  Colour colour;
};
constexpr NamedColour named_colour(std::string_view name, std::uint32_t rgb) {
  return {
      name,
      {Colour::State::known, static_cast<std::uint8_t>(rgb >> 16), static_cast<std::uint8_t>(rgb >> 8), static_cast<std::uint8_t>(rgb)}};
}
/// The names that mails use; another one is a colour that is not known.
constexpr auto named_colours = std::to_array<NamedColour>({
    named_colour("white", 0xFFFFFF),     named_colour("black", 0x000000),      named_colour("snow", 0xFFFAFA),
    named_colour("ivory", 0xFFFFF0),     named_colour("whitesmoke", 0xF5F5F5), named_colour("gray", 0x808080),
    named_colour("grey", 0x808080),      named_colour("silver", 0xC0C0C0),     named_colour("red", 0xFF0000),
    named_colour("blue", 0x0000FF),      named_colour("green", 0x008000),      named_colour("navy", 0x000080),
    named_colour("maroon", 0x800000),    named_colour("yellow", 0xFFFF00),     named_colour("lightgray", 0xD3D3D3),
    named_colour("lightgrey", 0xD3D3D3), named_colour("ghostwhite", 0xF8F8FF), named_colour("floralwhite", 0xFFFAF0),
    named_colour("purple", 0x800080),    named_colour("orange", 0xFFA500),     named_colour("teal", 0x008080),
    named_colour("aqua", 0x00FFFF),      named_colour("fuchsia", 0xFF00FF),    named_colour("lime", 0x00FF00),
    named_colour("olive", 0x808000),     named_colour("darkgray", 0xA9A9A9),   named_colour("darkgrey", 0xA9A9A9),
    named_colour("dimgray", 0x696969),   named_colour("windowtext", 0x000000), named_colour("window", 0xFFFFFF),
});

Colour read_hex_colour(std::string_view digits) {
  if ((digits.size() != 3 && digits.size() != 4 && digits.size() != 6 && digits.size() != 8) ||
      !std::ranges::all_of(digits, is_hex_digit<char>))
    return unknown_colour;
  const bool is_short = digits.size() < 6;
  const auto part = [&](std::size_t i) {
    return static_cast<std::uint8_t>(is_short ? hex_value(digits[i]) * 17 : hex_value(digits[2 * i]) * 16 + hex_value(digits[2 * i + 1]));
  };
  const bool has_opacity = digits.size() == 4 || digits.size() == 8;
  if (has_opacity && part(3) == 0) return {Colour::State::transparent, 0, 0, 0};
  return {Colour::State::known, part(0), part(1), part(2)};
}

/// `rgb(1, 2, 3)`, `rgba(1 2 3 / 0)`; with a share of the ground's colour it is not known.
Colour read_rgb(std::string_view value) {
  std::array<double, 4> numbers{0, 0, 0, 1};
  std::size_t count = 0;
  while (count < numbers.size()) {
    const std::size_t start = value.find_first_of("0123456789.");
    if (start == std::string_view::npos) break;
    value.remove_prefix(start);
    numbers[count] = leading_number(value).value_or(0);
    value.remove_prefix(std::min(value.find_first_not_of("0123456789."), value.size()));
    if (value.starts_with('%')) numbers[count] *= count < 3 ? 2.55 : 0.01;
    ++count;
  }
  if (count < 3) return unknown_colour;
  if (numbers[3] == 0) return {Colour::State::transparent, 0, 0, 0};
  if (numbers[3] < 1) return unknown_colour;
  const auto part = [&](std::size_t i) { return static_cast<std::uint8_t>(std::clamp(numbers[i], 0.0, 255.0)); };
  return {Colour::State::known, part(0), part(1), part(2)};
}

/// `#fff url(x) no-repeat`: the colour among other words; pictures and shadings hide it.
Colour read_background(std::string_view value) {
  if (contains_nocase(value, "url(") || contains_nocase(value, "gradient") || contains_nocase(value, "var(")) return unknown_colour;
  if (ascii_starts_with_nocase(value, "none")) return {Colour::State::transparent, 0, 0, 0};
  return read_colour(value);
}

/// One declaration of a style, and what it needs beside itself to hide.
struct Declarations {
  StyleFacts facts;
  bool hides_overflow = false;
  bool has_no_room = false;
  bool is_placed = false;  // taken out of the flow
  bool is_moved = false;   // perhaps over a picture
  bool is_outside = false;
  bool is_clipped = false;

  void hide(bool important) {
    facts.visibility = Visibility::hidden;
    facts.is_important |= important;
  }
  void show(bool important) {
    if (facts.visibility == Visibility::hidden && facts.is_important && !important) return;
    facts.visibility = Visibility::shown;
    facts.is_important |= important;
  }

  void read(std::string_view name, std::string_view value) {
    const auto is = [&](std::string_view wanted) { return ascii_equal_nocase(name, wanted); };
    const auto says = [&](std::string_view wanted) { return ascii_starts_with_nocase(value, wanted); };
    const bool important = value.find('!') != std::string_view::npos;
    if (is("color")) {
      facts.colour = read_colour(value);
    } else if (is("background-color")) {
      if (facts.background.state != Colour::State::unknown) facts.background = read_colour(value);
    } else if (is("background") || is("background-image")) {
      const Colour ground = read_background(value);
      if (!is("background-image") || ground.state == Colour::State::unknown) facts.background = ground;
    } else if (is("font-family")) {
      facts.font = sign_font(value);
    } else if (is("font-size")) {
      facts.sets_font_size = true;
      facts.is_tiny = is_tiny_length(value);
    } else if (is("font")) {
      facts.sets_font_size = true;
      facts.is_tiny = says("0/") || says("0px") || says("0 ");
      facts.font = contains_nocase(value, "wingdings") ? SignFont::wingdings : SignFont::none;
    } else if (is("display")) {
      says("none") ? hide(important) : show(important);
      facts.is_display_none = says("none");
      facts.is_boxed = says("inline-") || says("table-cell");
      facts.is_block = !facts.is_boxed && (says("block") || says("flex") || says("grid") || says("table") || says("list-item"));
    } else if (is("visibility")) {
      if (says("hidden") || says("collapse")) hide(important);
    } else if (is("opacity")) {
      if (leading_number(value) == 0.0) hide(important);
    } else if (is("overflow") || is("overflow-y")) {
      hides_overflow = says("hidden");
    } else if (is("max-height") || is("max-width")) {
      has_no_room |= is_tiny_length(value);
    } else if (is("width") || is("height")) {
      has_no_room |= is_tiny_length(value);
      facts.has_pixel_size |= is_tiny_length(value);
    } else if (is("position")) {
      is_placed = says("absolute") || says("fixed");
      is_moved |= is_placed || says("relative");
    } else if (is("left") || is("top") || is("right") || is("text-indent") || is("margin-left") || is("margin-top")) {
      is_outside |= is_far_outside(value);
      is_moved |= ascii_starts_with_nocase(name, "margin") && value.starts_with('-');
    } else if (is("clip") || is("clip-path")) {
      is_clipped |= clips_all(value);
    } else if (is("transform")) {
      if (says("scale(0)") || says("scale(0,")) hide(important);
    } else if (is("vertical-align")) {
      facts.is_raised = says("super");
    } else if (is("white-space")) {
      facts.keeps_lines = says("pre") || says("break-spaces");
    } else if (is("text-decoration") || is("text-decoration-line")) {
      facts.is_struck = contains_nocase(value, "line-through");
    } else if (ascii_starts_with_nocase(name, "border")) {
      read_border(name, value);
    }
  }

  void read_border(std::string_view name, std::string_view value) {
    const bool is_nothing = ascii_starts_with_nocase(value, "none") || leading_number(value) == 0.0;
    if (ascii_equal_nocase(name, "border")) facts.has_no_border = is_nothing;
    if (ascii_equal_nocase(name, "border") || ascii_equal_nocase(name, "border-left") || ascii_equal_nocase(name, "border-left-width") ||
        ascii_equal_nocase(name, "border-left-style")) {
      facts.has_border = facts.has_border || !is_nothing;
      if (is_nothing && ascii_equal_nocase(name, "border-left")) facts.has_border = false;
    }
  }
};

}  // namespace

SignFont sign_font(std::string_view names) {
  names.remove_prefix(std::min(names.find_first_not_of(" \t\r\n\"'"), names.size()));
  if (names.empty()) return SignFont::unsaid;
  if (ascii_starts_with_nocase(names, "wingdings")) return SignFont::wingdings;
  return ascii_starts_with_nocase(names, "symbol") ? SignFont::symbol : SignFont::none;
}

Colour read_colour(std::string_view value) {
  value = ascii_trim(value);
  if (value.empty()) return {};
  if (ascii_starts_with_nocase(value, "rgb")) return read_rgb(value);
  value = value.substr(0, value.find_first_of(" \t\r\n!;"));
  if (value.starts_with('#')) return read_hex_colour(value.substr(1));
  if (ascii_equal_nocase(value, "transparent")) return {Colour::State::transparent, 0, 0, 0};
  if (ascii_equal_nocase(value, "inherit") || ascii_equal_nocase(value, "currentcolor")) return {};
  const auto* const named =
      std::find_if(named_colours.begin(), named_colours.end(), [&](const NamedColour& row) { return ascii_equal_nocase(row.name, value); });
  if (named != named_colours.end()) return named->colour;
  return value.size() == 6 ? read_hex_colour(value) : unknown_colour;
}

bool looks_alike(Colour letters, Colour ground) {
  if (letters.state == Colour::State::transparent) return true;
  if (letters.state != Colour::State::known || ground.state != Colour::State::known) return false;
  const auto is_near = [](int a, int b) { return std::abs(a - b) <= alike_distance_max; };
  return is_near(letters.red, ground.red) && is_near(letters.green, ground.green) && is_near(letters.blue, ground.blue);
}

StyleFacts read_style(std::string_view style) {
  Declarations all;
  while (!style.empty()) {
    const std::size_t end = std::min(style.find(';'), style.size());
    const std::string_view declaration = style.substr(0, end);
    style.remove_prefix(std::min(end + 1, style.size()));
    const std::size_t colon = declaration.find(':');
    if (colon == std::string_view::npos) continue;
    all.read(ascii_trim(declaration.substr(0, colon)), ascii_trim(declaration.substr(colon + 1)));
  }
  // A far indent moves lines out of the page by itself, a place only what is taken out of the flow; a margin does too.
  if ((all.hides_overflow && all.has_no_room) || all.is_outside || (all.is_placed && all.is_clipped)) all.hide(false);
  if (all.is_moved && all.facts.background.state == Colour::State::unsaid) all.facts.background = unknown_colour;
  return all.facts;
}

}  // namespace pushmail::convert
