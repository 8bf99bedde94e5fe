#include "controlplane/fetcher_launcher.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "core/keep_secrets.h"
#include "core/log.h"
#include "core/privileges.h"
#include "core/socket_file.h"
#include "core/socket_user.h"
#include "core/timers.h"

namespace pushmail {

namespace {

constexpr int listen_descriptor = 3;   // the launcher's
constexpr int fetcher_descriptor = 3;  // a fetcher's
constexpr int backlog = 64;

// What execv wants of words that stay where they are.
std::vector<char*> arguments_of(std::vector<std::string>& words) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  return arguments;
}

void add_root(std::vector<std::string>& words, const std::filesystem::path& root) {
  if (root.empty()) return;
  words.emplace_back("--root");
  words.push_back(root.string());
}

StartError cannot(const std::filesystem::path& socket, int error) { return {socket.string() + ": " + std::strerror(error), error}; }

std::expected<int, StartError> listen_at(const std::filesystem::path& socket, const Account& owner) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& name = socket.native();
  if (name.size() >= sizeof address.sun_path) return std::unexpected(cannot(socket, ENAMETOOLONG));
  name.copy(address.sun_path, name.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return std::unexpected(cannot(socket, errno));
  remove_socket_file(socket);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || ::chmod(name.c_str(), 0600) != 0 ||
      ::chown(name.c_str(), owner.user, owner.group) != 0 || ::listen(fd, backlog) != 0) {
    const int error = errno;
    ::close(fd);
    return std::unexpected(cannot(socket, error));
  }
  return fd;
}

// In a child between fork and exec: only calls that are safe there.
[[noreturn]] void become_fetcher(int connection, int program, char* const* arguments) {
  std::signal(SIGCHLD, SIG_DFL);
  if (::dup2(connection, fetcher_descriptor) == fetcher_descriptor) ::fexecve(program, arguments, environ);
  constexpr std::string_view line = "{\"level\":\"error\",\"event\":\"fetcher_not_started\",\"step\":\"fexecve\"}\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
  ::_exit(EX_OSERR);
}

// A descriptor that is readable when the process has ended.
int end_of(pid_t process) { return static_cast<int>(::syscall(SYS_pidfd_open, process, 0)); }

int cannot_launch(const char* step) {
  log_error("fetchers_not_launched").text("step", step).os_error(errno);
  return EX_OSERR;
}

}  // namespace

std::expected<int, StartError> start_fetcher_launcher(const std::filesystem::path& socket, const LauncherOptions& options,
                                                      const Account& control_plane) {
  const auto listening = listen_at(socket, control_plane);
  if (!listening) return std::unexpected(listening.error());
  std::vector<std::string> words{"pushmail-controlplane"};
  add_root(words, options.root);
  for (const std::string& word :
       {std::string("--fetcher"), options.program.string(), std::string("--launch-fetchers"), std::to_string(control_plane.user)})
    words.push_back(word);
  const std::vector<char*> arguments = arguments_of(words);
  const pid_t child = ::fork();
  if (child == 0) {
    // Onto itself a descriptor keeps its flag.
    const bool passed = *listening == listen_descriptor ? ::fcntl(*listening, F_SETFD, 0) == 0 : ::dup2(*listening, listen_descriptor) >= 0;
    if (passed) ::execv("/proc/self/exe", arguments.data());
    ::_exit(cannot_launch(passed ? "execv" : "descriptor 3"));
  }
  const int error = errno;
  ::close(*listening);
  if (child < 0) return std::unexpected(StartError(std::string("fork: ") + std::strerror(error), error));
  const int end = end_of(child);
  if (end < 0) return std::unexpected(StartError(std::string("pidfd_open: ") + std::strerror(errno), errno));
  return end;
}

int launch_fetchers(const LauncherOptions& options, uid_t client) {
  log_start("control", LogLevel::info, LogPersons::hashed);
  const pid_t control_plane = ::getppid();
  const auto account = account_to_become(fetcher_user);
  if (!account) {
    std::fprintf(stderr, "pushmail-controlplane: %s\n", account.error().text.c_str());
    return account.error().exit_code;
  }
  // Before the change of user: the program may lie where nobody but root can go.
  const int program = ::open(options.program.c_str(), O_PATH | O_CLOEXEC);
  if (program < 0) return cannot_launch("open");
  if (::fcntl(listen_descriptor, F_SETFD, FD_CLOEXEC) != 0) return cannot_launch("descriptor 3");
  // Whatever else was inherited is not ours to hold open.
  ::close_range(static_cast<unsigned>(std::max(program, listen_descriptor)) + 1, ~0U, 0);
  if (*account && !become(fetcher_user, **account)) return cannot_launch("change of user");
  if (!give_up_capabilities() || !keep_secrets()) return cannot_launch("what is to be given up");
  // No signal at its death (PR_SET_PDEATHSIG): the control plane is another user, who may send us none.
  const int control_plane_end = end_of(control_plane);
  if (control_plane_end < 0) return cannot_launch("pidfd_open");
  if (::getppid() != control_plane) return EX_OK;
  if (::fcntl(listen_descriptor, F_SETFL, O_NONBLOCK) != 0) return cannot_launch("descriptor 3");
  ::prctl(PR_SET_NAME, "pushmail-launch");
  // Nobody waits for a fetcher: who wants to know sees its connection end.
  std::signal(SIGCHLD, SIG_IGN);

  std::vector<std::string> words{"pushmail-fetcher"};
  add_root(words, options.root);
  const std::vector<char*> arguments = arguments_of(words);
  const ExpectedUser expected(client);
  while (true) {
    std::array<pollfd, 2> events{{{.fd = listen_descriptor, .events = POLLIN, .revents = 0},  //
                                  {.fd = control_plane_end, .events = POLLIN, .revents = 0}}};
    const int ready = ::poll(events.data(), events.size(), -1);
    if (ready > 0 && events[1].revents != 0) return EX_OK;
    const int connection = ready < 0 ? -1 : ::accept4(listen_descriptor, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) {
      if (errno == EINTR || errno == ECONNABORTED || errno == EAGAIN) continue;
      log_error("fetcher_accept").os_error(errno);
      // Out of descriptors or memory: the connection stays, and so would the error.
      ::poll(nullptr, 0, static_cast<int>(timers::launcher_accept.first.ms()));
      continue;
    }
    const auto other = socket_user(connection);
    if (!other) {
      log_error("fetcher_accept").error(other.error());
    } else if (!expected.includes(other->user)) {
      log_warning("fetcher_refused").number("uid", other->user);
    } else if (const pid_t child = ::fork(); child == 0) {
      become_fetcher(connection, program, arguments.data());
    } else if (child < 0) {
      log_error("fetcher_not_started").os_error(errno);
    }
    ::close(connection);
  }
}

}  // namespace pushmail
