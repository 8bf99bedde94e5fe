// Character references of HTML: `&auml;`, `&#228;`, `&#xE4;` (HTML standard §13.2.5.72). Not for use outside this folder.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/bytes.h"

namespace pushmail::convert {

/// In attributes an ampersand is often just one, as in `?a=1&copy=2`.
enum class ReferencePlace : std::uint8_t { text, attribute };

struct CharacterReference {
  std::size_t size = 0;  // bytes of the reference as it is written; 0: it is none
  std::array<char, 8> bytes{};
  std::size_t byte_count = 0;
  [[nodiscard]] std::string_view utf8() const { return {bytes.data(), byte_count}; }
};
/// The reference that `html` starts with, as browsers read it: old names need no semicolon, numbers that no character has are U+FFFD.
[[nodiscard]] CharacterReference read_character_reference(std::string_view html, ReferencePlace place);

/// The text with its references read: `html` itself when it has none, else in `memory`, which is overwritten. Linear.
[[nodiscard]] std::string_view decode_references(std::string_view html, std::string& memory, ReferencePlace place);

}  // namespace pushmail::convert
