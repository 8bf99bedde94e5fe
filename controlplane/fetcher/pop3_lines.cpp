#include "controlplane/fetcher/pop3_lines.h"

namespace pushmail::mailbox {

std::size_t Pop3Body::feed(ByteView in, Bytes& out) {
  std::size_t at = 0;
  for (; at < in.size() && state_ != State::done; ++at) {
    const std::uint8_t byte = in[at];
    switch (state_) {
      case State::line_start:
        if (byte == '.') {
          state_ = State::dot;
          continue;
        }
        break;
      case State::dot:
        if (byte == '\r') {
          state_ = State::dot_cr;
          continue;
        }
        if (byte == '\n') {
          state_ = State::done;
          continue;
        }
        // A doubled dot is one dot; a dot before anything else belongs to a server that forgot to double it, and is kept.
        if (byte != '.') out.push_back('.');
        break;
      case State::dot_cr:
        if (byte == '\n') {
          state_ = State::done;
          continue;
        }
        append(out, std::string_view(".\r"));
        break;
      case State::in_line:
      case State::done:
        break;
    }
    out.push_back(byte);
    state_ = byte == '\n' ? State::line_start : State::in_line;
  }
  return at;
}

}  // namespace pushmail::mailbox
