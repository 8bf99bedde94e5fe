// A terminal that does not show what is typed: for a password.
//
// Came from: Commands::password (cli.cpp). However the program ends or stops meanwhile, the terminal shows again what is typed: a shell
// that shows nothing is worse than none. Only SIGKILL leaves it hidden.
#pragma once

#include <cstdint>

namespace pushmail::cli {

/// While one lives, its terminal shows nothing but line ends. One at a time; not while other threads run.
class HiddenTyping {
 public:
  enum class State : std::uint8_t { no_terminal, hidden, refused };

  /// Throws away what was typed before. refused: it is a terminal, and cannot be told; errno says why.
  explicit HiddenTyping(int terminal);
  HiddenTyping(const HiddenTyping&) = delete;
  HiddenTyping& operator=(const HiddenTyping&) = delete;
  ~HiddenTyping();

  [[nodiscard]] State state() const { return state_; }

 private:
  State state_ = State::no_terminal;
};

}  // namespace pushmail::cli
