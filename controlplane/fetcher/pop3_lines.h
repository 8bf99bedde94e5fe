// The multi-line answer of POP3 as a stream: ends at the line that is a lone dot, doubled dots made single (RFC 1939 §3).
#pragma once

#include "core/bytes.h"

namespace pushmail::mailbox {

class Pop3Body {
 public:
  /// Appends what `in` adds to `out`; the result is how much of `in` belonged to the answer.
  [[nodiscard]] std::size_t feed(ByteView in, Bytes& out);
  [[nodiscard]] bool is_done() const { return state_ == State::done; }

 private:
  enum class State : std::uint8_t { line_start, in_line, dot, dot_cr, done };
  State state_ = State::line_start;
};

}  // namespace pushmail::mailbox
