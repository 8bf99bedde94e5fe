// A password that is typed at a terminal, which is a pseudo-terminal here.
#include "controlplane/cli/hidden_typing.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <functional>
#include <iostream>
#include <string>

#include "controlplane/cli/cli.h"

namespace pushmail::cli {
namespace {

constexpr int patience_ms = 20'000;

/// A program at a terminal of its own, whose keyboard and screen are the test's.
class AtTerminal {
 public:
  explicit AtTerminal(const std::function<int()>& program) {
    pid_ = ::forkpty(&screen_, nullptr, nullptr, nullptr);
    if (pid_ == 0) ::_exit(program());
    EXPECT_GT(pid_, 0);
    // With the slave closed by the last program, what it was set to would be gone.
    slave_ = ::open(::ptsname(screen_), O_RDWR | O_NOCTTY | O_CLOEXEC);
  }
  ~AtTerminal() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    ::close(slave_);
    ::close(screen_);
  }
  void type(const std::string& keys) const { EXPECT_EQ(::write(screen_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size())); }
  /// All that was shown so far, once `words` are among it.
  const std::string& shown_until(const std::string& words) {
    while (shown_.find(words) == std::string::npos) {
      pollfd ready{.fd = screen_, .events = POLLIN, .revents = 0};
      char piece[1024];
      const ssize_t size = ::poll(&ready, 1, patience_ms) > 0 ? ::read(screen_, piece, sizeof piece) : -1;
      if (size <= 0) {
        ADD_FAILURE() << words << " was not shown, but " << shown_;
        break;
      }
      shown_.append(piece, static_cast<std::size_t>(size));
    }
    return shown_;
  }
  void signal(int number) const { EXPECT_EQ(::kill(pid_, number), 0); }
  /// What waitpid says of its end, or of its stop.
  int status(int options = 0) {
    int status = -1;
    EXPECT_EQ(::waitpid(pid_, &status, options), pid_);
    if (!WIFSTOPPED(status)) pid_ = -1;
    return status;
  }
  [[nodiscard]] bool shows_typing() const {
    termios set{};
    EXPECT_EQ(::tcgetattr(slave_, &set), 0);
    return (set.c_lflag & ECHO) != 0;
  }

 private:
  int screen_ = -1, slave_ = -1;
  pid_t pid_ = -1;
  std::string shown_;
};

void show(std::string_view words) { EXPECT_EQ(::write(STDOUT_FILENO, words.data(), words.size()), static_cast<ssize_t>(words.size())); }

int reads_a_password() {
  const HiddenTyping hidden(STDIN_FILENO);
  if (hidden.state() != HiddenTyping::State::hidden) return 1;
  show("ready\n");
  char line[64];
  const ssize_t size = ::read(STDIN_FILENO, line, sizeof line);
  return size == 7 && std::string(line, 7) == "s3cret\n" ? 0 : 2;
}

TEST(HiddenTyping, ShowsLineEndsAlone) {
  AtTerminal program(reads_a_password);
  EXPECT_EQ(program.shown_until("ready"), "ready\r\n");
  EXPECT_FALSE(program.shows_typing());
  program.type("s3cret\n");
  EXPECT_EQ(program.status(), 0);
  EXPECT_TRUE(program.shows_typing());
  program.type("seen\n");
  EXPECT_EQ(program.shown_until("seen").find("s3cret"), std::string::npos);
}

TEST(HiddenTyping, EndsWithTheProgramByWhateverSignal) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    AtTerminal program(reads_a_password);
    program.shown_until("ready");
    EXPECT_FALSE(program.shows_typing());
    if (number == SIGINT) {
      program.type("\x03");
    } else {
      program.signal(number);
    }
    const int status = program.status();
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == number) << number << ": " << status;
    EXPECT_TRUE(program.shows_typing()) << number;
  }
}

TEST(HiddenTyping, ShowsWhileTheProgramIsStopped) {
  AtTerminal program(reads_a_password);
  program.shown_until("ready");
  program.signal(SIGTSTP);
  EXPECT_TRUE(WIFSTOPPED(program.status(WUNTRACED)));
  EXPECT_TRUE(program.shows_typing());
  program.signal(SIGCONT);
  program.type("s3cret\n");
  EXPECT_EQ(program.status(), 0);
  EXPECT_TRUE(program.shows_typing());
}

TEST(HiddenTyping, WhoIsToIgnoreASignalGoesOn) {
  AtTerminal program([] {
    ::signal(SIGHUP, SIG_IGN);
    return reads_a_password();
  });
  program.shown_until("ready");
  program.signal(SIGHUP);
  program.type("s3cret\n");
  EXPECT_EQ(program.status(), 0);
}

TEST(HiddenTyping, IsNothingWhereThereIsNoTerminal) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  EXPECT_EQ(HiddenTyping(ends[0]).state(), HiddenTyping::State::no_terminal);
  ::close(ends[0]);
  ::close(ends[1]);
}

// The program as people use it. There is no control plane, which it finds out once it has the password.
TEST(HiddenTyping, PushmailctlAsksWithoutShowing) {
  AtTerminal program([] {
    std::cin.clear();
    return run({"--root", "/nonexistent", "binding", "password", "b1"}, {std::cin, std::cout, std::cerr});
  });
  EXPECT_EQ(program.shown_until("password: "), "password: ");
  program.type("s3cret\n");
  EXPECT_EQ(program.shown_until("control plane").find("s3cret"), std::string::npos);
  const int status = program.status();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 69) << status;
  EXPECT_TRUE(program.shows_typing());
}

}  // namespace
}  // namespace pushmail::cli
