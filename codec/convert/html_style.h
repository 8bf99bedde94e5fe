// Whether a reader of a page would see an element: what its own attributes say. Not for use outside this folder.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"

namespace pushmail::convert {

/// What a style attribute says about being seen (CSS 2.2 §9.2.4, §11.2, §15.7). Of style sheets see hidden_classes.
struct StyleFacts {
  bool is_hidden = false;            // with all that is inside
  bool sets_font_size = false;
  bool is_tiny = false;              // letters of at most one pixel; an inner element may set another size
  bool has_no_border = false;        // a quote without a border is an indentation
  bool has_pixel_size = false;       // width or height of at most one pixel: a picture that only counts readers
};
/// Linear; what is not understood says nothing.
[[nodiscard]] StyleFacts read_style(std::string_view style);

/// The classes that a style sheet hides (`.phone-only { display: none }`), at most 64; what stands under a condition (`@media`) is not
/// read. Linear.
[[nodiscard]] std::vector<std::string> hidden_classes(std::string_view sheet);
/// Whether a white-space separated attribute has one of these words, exactly.
[[nodiscard]] bool has_word(std::string_view words, std::span<const std::string> wanted);
/// Whether a white-space separated attribute (`class`, `id`) has a word that contains one of these; compared without case.
[[nodiscard]] bool has_word_like(std::string_view words, std::span<const std::string_view> pieces);

}  // namespace pushmail::convert
