// Whether a reader of a page would see an element, and how: what its style attribute says. Not for use outside this folder.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/bytes.h"

namespace pushmail::convert {

/// A colour as far as a page tells it. `unknown`: a picture, a shading, or a name that is not in our table.
struct Colour {
  enum class State : std::uint8_t { unsaid, known, transparent, unknown };
  State state = State::unsaid;
  std::uint8_t red = 0, green = 0, blue = 0;
};
inline constexpr Colour black{Colour::State::known, 0, 0, 0};
inline constexpr Colour white{Colour::State::known, 255, 255, 255};
inline constexpr Colour unknown_colour{Colour::State::unknown, 0, 0, 0};

/// A CSS colour, or one of an attribute, where `#` may be missing (CSS Color 4 §4, §6; HTML standard §2.3.6).
[[nodiscard]] Colour read_colour(std::string_view value);
/// Whether letters of one colour cannot be told from a ground of the other.
[[nodiscard]] bool looks_alike(Colour letters, Colour ground);

/// Fonts whose letters are signs.
enum class SignFont : std::uint8_t { unsaid, none, wingdings, symbol };
/// Of a font's name, or of a list of them.
[[nodiscard]] SignFont sign_font(std::string_view names);

enum class Visibility : std::uint8_t { unsaid, shown, hidden };

/// What declarations say about being seen, as a browser obeys them: `mso-hide` is not theirs.
struct StyleFacts {
  Visibility visibility = Visibility::unsaid;  // with all that is inside
  bool is_important = false;                   // of the visibility
  bool is_display_none = false;                // hidden by the one means that nothing else can undo
  bool sets_font_size = false;
  bool is_tiny = false;     // letters of at most one pixel; an inner element may set another size
  bool has_border = false;  // some border; what programs draw beside a quote
  bool has_no_border = false;
  bool has_pixel_size = false;  // width or height of at most one pixel: a picture that only counts readers
  bool is_struck = false;
  bool is_raised = false;    // a superscript
  bool keeps_lines = false;  // line ends are line ends
  bool is_block = false;     // stands on lines of its own, whatever the element
  bool is_boxed = false;     // in a line, with a distance to what is beside it
  SignFont font = SignFont::unsaid;
  Colour colour;
  Colour background;
};
/// Declarations, parted by semicolons. Linear; what is not understood says nothing.
[[nodiscard]] StyleFacts read_style(std::string_view style);

}  // namespace pushmail::convert
