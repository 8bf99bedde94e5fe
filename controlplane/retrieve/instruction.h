// What a phone wrote, as an instruction. Pure.
//
//   first line                              | is
//   17, GET 17, get17, Read 17., #17        | get, whether or not a mail has that code
//   Ok 17, 17pls, please send me (17)       | get, if 17 is the one code in it that a mail of this phone has
//   not 17 please, don't send 17            | unknown
//   Hello,                                  | get, if the next line is the code of such a mail and nothing else
//   STOP, opt out, STOP 17, ARRET           | stop        START | start        HELP, ? | help
//   anything else                           | unknown
//
// A line is read as a person reads it: digits and letters of other scripts, accents, what nobody sees (NUL, a byte order mark, marks that
// reorder text), emoji and punctuation count as what they look like. Quoted lines (>), words between quotation marks (a reaction: Liked
// “...”) and all behind the first line, a signature for one, say nothing. Numbers that are times, dates, prices or parts of a word are no
// codes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace pushmail::retrieve {

struct Instruction {
  enum class Kind : std::uint8_t { get, stop, start, help, unknown };
  Kind kind = Kind::unknown;
  std::string code{};  // get: digits, 1 to 4 of them
  /// get: there is nothing else in the line.
  bool is_bare = false;
};
/// `codes`: those that mails of this phone have.
[[nodiscard]] Instruction parse_instruction(std::string_view utf8, std::span<const std::string> codes = {});

}  // namespace pushmail::retrieve
