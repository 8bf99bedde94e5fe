#include "controlplane/cli/hidden_typing.h"

#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace pushmail::cli {

namespace {

// What ends or stops a program at a terminal, unless somebody has it ignored (nohup).
constexpr std::array signals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

// A signal's handler is given nothing, so what it needs is here; written before it is installed.
struct Terminal {
  int fd = -1;
  termios shown{}, hidden{};
  std::array<struct sigaction, signals.size()> before{};
};
Terminal terminal;

void on_signal(int number) {
  const int error = errno;
  ::tcsetattr(terminal.fd, TCSANOW, &terminal.shown);
  if (number == SIGTSTP) {
    // Stops here, and goes on here.
    ::raise(SIGSTOP);
    ::tcsetattr(terminal.fd, TCSANOW, &terminal.hidden);
  } else {
    // What it would have done without us, once this handler is left.
    ::signal(number, SIG_DFL);
    ::raise(number);
  }
  errno = error;
}

void catch_signals() {
  struct sigaction ours{};
  ours.sa_handler = on_signal;
  ours.sa_flags = SA_RESTART;
  sigemptyset(&ours.sa_mask);
  for (const int number : signals) sigaddset(&ours.sa_mask, number);
  for (std::size_t i = 0; i < signals.size(); ++i) {
    ::sigaction(signals[i], nullptr, &terminal.before[i]);
    if (terminal.before[i].sa_handler != SIG_IGN) ::sigaction(signals[i], &ours, nullptr);
  }
}

}  // namespace

HiddenTyping::HiddenTyping(int fd) {
  if (::isatty(fd) == 0) return;
  state_ = State::refused;
  if (::tcgetattr(fd, &terminal.shown) != 0) return;
  terminal.fd = fd;
  terminal.hidden = terminal.shown;
  terminal.hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  terminal.hidden.c_lflag |= ECHONL;
  // First, or a signal in between leaves it hidden.
  catch_signals();
  state_ = State::hidden;
  if (::tcsetattr(fd, TCSAFLUSH, &terminal.hidden) == 0) return;
  const int error = errno;
  for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &terminal.before[i], nullptr);
  state_ = State::refused;
  errno = error;
}

HiddenTyping::~HiddenTyping() {
  if (state_ != State::hidden) return;
  ::tcsetattr(terminal.fd, TCSANOW, &terminal.shown);
  for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &terminal.before[i], nullptr);
}

}  // namespace pushmail::cli
