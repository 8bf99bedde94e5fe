// What a phone wrote, as an instruction. Pure.
//
// `17`, `GET 17`, `get17`, `Read 17.`: fetch the mail with this code. Anything else is not understood, and answered so.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pushmail::retrieve {

struct Instruction {
  enum class Kind : std::uint8_t { get, unknown };
  Kind kind = Kind::unknown;
  std::string code{};                  // digits, 1 to 4 of them
};
[[nodiscard]] Instruction parse_instruction(std::string_view utf8);

}  // namespace pushmail::retrieve
