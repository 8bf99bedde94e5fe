// What stands in attributes and lists of a page, as words. Not for use outside this folder.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "codec/convert/html_style.h"

namespace pushmail::convert {

/// What a number attribute says: `start="3"`, `width="1"`.
[[nodiscard]] std::optional<unsigned> number_of(std::string_view text);
/// An address as it can be written in a line: without what an attribute that never ended took in.
[[nodiscard]] std::string written_address(std::string_view address);
/// `image001.png`: what programs write when nobody described the picture.
[[nodiscard]] bool is_file_name(std::string_view text);
/// `c`, `iv`: a number as a list has it that counts by `numbering`, which is 1, a, A, i or I (HTML standard §4.4.5).
[[nodiscard]] std::string number_words(unsigned number, char numbering);

struct Sign {
  std::string_view utf8;
  std::size_t size = 1;  // bytes of the letter
};
/// The letter that a text in a font of signs starts with: of Wingdings the signs that mail programs write, all others as they are. Such
/// letters may stand in the private range from U+F020 on.
[[nodiscard]] Sign sign_at(std::string_view utf8, SignFont font);

}  // namespace pushmail::convert
