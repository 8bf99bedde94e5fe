// pushmail-controlplane itself: what signals do to it and to its fetcher.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "core/clock.h"
#include "core/ids.h"
#include "tests/unit/accounts.h"

namespace pushmail {
namespace {

constexpr int patience_ms = 20'000;

class Program {
 public:
  /// `prepare`: what the child does before it becomes the program.
  explicit Program(bool (*prepare)() = have_accounts) {
    std::filesystem::create_directories(root_ / "etc/pushmail");
    std::ofstream(root_ / "kek") << std::string(32, 'k');
    std::filesystem::permissions(root_ / "kek", std::filesystem::perms::owner_read);
    std::ofstream(root_ / "etc/pushmail/pushmail.toml")
        << "domain = \"mms.example.net\"\n[link]\nkind = \"kernel\"\n[notify]\nsmsc = \"127.0.0.1:9\"\nsource = \"5000\"\n"
        << "[dns]\nservers = [\"127.0.0.1:9\"]\n[secrets]\nkek_file = \"" << (root_ / "kek").string() << "\"\n";
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    log_ = ends[0];
    pid_ = ::fork();
    if (pid_ == 0) {
      if (!own_mounts() || !prepare()) ::_exit(126);
      ::dup2(ends[1], STDERR_FILENO);
      ::dup2(ends[1], STDOUT_FILENO);
      // Lives until its socket closes, as a fetcher does.
      ::execl(PUSHMAIL_CONTROLPLANE, "pushmail-controlplane", "--root", root_.c_str(), "--fetcher", "/bin/cat",
              static_cast<char*>(nullptr));
      ::_exit(127);
    }
    ::close(ends[1]);
  }
  ~Program() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    ::close(log_);
    std::filesystem::remove_all(root_);
  }
  /// False when the program ended or nothing of the kind came in time.
  [[nodiscard]] bool wait_for(const std::string& words) {
    const SystemClock clock;
    const Instant end = clock.now() + milliseconds(patience_ms);
    std::size_t at;
    while ((at = text_.find(words)) == std::string::npos) {
      pollfd ready{.fd = log_, .events = POLLIN, .revents = 0};
      const std::int64_t left = (end - clock.now()).ms();
      if (left <= 0 || ::poll(&ready, 1, static_cast<int>(left)) <= 0) return false;
      char piece[4096];
      const ssize_t size = ::read(log_, piece, sizeof piece);
      if (size <= 0) return false;
      text_.append(piece, static_cast<std::size_t>(size));
    }
    text_.erase(0, at + words.size());
    return true;
  }
  /// More of the configuration, in place of what this wrote before.
  void write(std::string_view more) const {
    std::filesystem::create_directories(root_ / "etc/pushmail/conf.d");
    std::ofstream(root_ / "etc/pushmail/conf.d/more.toml") << more;
  }
  void signal(int number) const { EXPECT_EQ(::kill(pid_, number), 0); }
  /// Exit code; -1 when a signal ended it.
  [[nodiscard]] int wait() {
    int status = 0;
    EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] const std::filesystem::path& root() const { return root_; }

 private:
  std::filesystem::path root_ = std::filesystem::temp_directory_path() / ("pm-cp-" + to_string(new_item_id({}, 0)));
  int log_ = -1;
  pid_t pid_ = -1;
  std::string text_;
};

// What /proc says of a process under this key.
std::string status_of(pid_t process, const std::string& key) {
  std::ifstream file("/proc/" + std::to_string(process) + "/status");
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with(key + ":\t")) return line.substr(key.size() + 2);
  }
  return {};
}
uid_t user_of(pid_t process) { return static_cast<uid_t>(std::stoul("0" + status_of(process, "Uid"))); }

// Started by root: neither it nor what starts its fetchers stays root, and each is a user of its own. Started by anybody else: it stays who
// it is, and starts its fetchers itself.
TEST(ControlplaneProgram, NothingOfItStaysRoot) {
  Program program;
  ASSERT_TRUE(program.wait_for("\"event\":\"started\"")) << program.text();
  const auto holds_nothing = [](pid_t process) {
    for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapAmb"}) EXPECT_EQ(status_of(process, set), "0000000000000000") << set;
    EXPECT_EQ(status_of(process, "NoNewPrivs"), "1");
  };
  holds_nothing(program.pid());
  if (::geteuid() != 0) {
    EXPECT_EQ(user_of(program.pid()), ::geteuid());
    return;
  }
  const SystemClock clock;
  const Instant end = clock.now() + milliseconds(patience_ms);
  pid_t launcher = 0;
  const std::string process = std::to_string(program.pid());
  while (launcher == 0 && clock.now() < end) {
    std::ifstream("/proc/" + process + "/task/" + process + "/children") >> launcher;
    if (launcher != 0 && status_of(launcher, "Name") != "pushmail-launch") launcher = 0;
    if (launcher == 0) ::poll(nullptr, 0, 10);
  }
  ASSERT_NE(launcher, 0) << "nothing launches fetchers";
  holds_nothing(launcher);
  EXPECT_NE(user_of(program.pid()), 0U);
  EXPECT_NE(user_of(launcher), 0U);
  EXPECT_NE(user_of(program.pid()), user_of(launcher));
  struct stat store{}, socket{};
  ASSERT_EQ(::stat((program.root() / "var/lib/pushmail/store/pushmail.sqlite").c_str(), &store), 0);
  EXPECT_EQ(store.st_uid, user_of(program.pid()));
  ASSERT_EQ(::stat((program.root() / "run/pushmail/fetcher").c_str(), &socket), 0);
  EXPECT_EQ(socket.st_uid, user_of(program.pid()));
  EXPECT_EQ(socket.st_mode & 0777, 0600U);

  // However it ends, the launcher ends with it.
  program.signal(SIGKILL);
  EXPECT_EQ(program.wait(), -1);
  while (!status_of(launcher, "Name").empty() && clock.now() < end) ::poll(nullptr, 0, 10);
  EXPECT_EQ(status_of(launcher, "Name"), "");
}

TEST(ControlplaneProgram, RootWithoutTheAccountsStartsNothing) {
  if (::geteuid() != 0) {
    Program program;
    EXPECT_TRUE(program.wait_for("\"event\":\"started\"")) << program.text();
    return;
  }
  Program program(have_no_accounts);
  EXPECT_TRUE(program.wait_for("there is no account pushmail-cp to change to")) << program.text();
  EXPECT_EQ(program.wait(), 67);
  EXPECT_FALSE(std::filesystem::exists(program.root() / "run"));
  EXPECT_FALSE(std::filesystem::exists(program.root() / "var"));
}

TEST(ControlplaneProgram, SighupReadsTheConfigurationAgainAndEndsNothing) {
  Program program;
  ASSERT_TRUE(program.wait_for("\"event\":\"started\"")) << program.text();
  program.write("[log]\nlevel = \"loud\"\n");
  program.signal(SIGHUP);
  ASSERT_TRUE(program.wait_for("\"event\":\"reload_refused\",\"program\":\"control_plane\"")) << program.text();
  ASSERT_TRUE(program.wait_for("log.level")) << program.text();
  program.write("[log]\nlevel = \"debug\"\n[notify]\nwindow = 11\n");
  program.signal(SIGHUP);
  ASSERT_TRUE(program.wait_for("\"event\":\"reloaded\",\"changed\":\"log.level\",\"at_restart\":\"notify.window\"")) << program.text();
  program.signal(SIGTERM);
  EXPECT_EQ(program.wait(), 0);
}

}  // namespace
}  // namespace pushmail
