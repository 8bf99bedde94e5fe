// The data plane's end of the handoff socket: who may connect, and who is refused while another one is there.
#include "dataplane/handoff/server.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <utility>

#include "tests/unit/core/temporary_folder.h"

namespace pushmail::handoff {
namespace {

constexpr int patience_ms = 10'000;
constexpr uid_t stranger = 65534;

struct Heard final : ServerEvents {
  void on_ready(Other) override { ++ready; }
  void on_record(Kind, const RecordView&, Receipt) override {}
  void on_acknowledged(Kind, const ItemId&) override {}
  void on_lost() override { ++lost; }
  int ready = 0;
  int lost = 0;
};

// The other process's half of the protocol: no more than hello.
struct Silent final : Events {
  void on_ready(Other) override {}
  void on_record(Kind, const RecordView&, Receipt) override {}
  void on_acknowledged(Kind, const ItemId&) override {}
};

int connected(const std::filesystem::path& socket) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socket.native().copy(address.sun_path, sizeof address.sun_path - 1);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  ::close(fd);
  return -1;
}

// A control plane that says hello.
class Client {
 public:
  explicit Client(const std::filesystem::path& socket, std::uint64_t epoch = 9)
      : fd_(connected(socket)), peer_(Direction::to_data, epoch, events_) {
    peer_.connected();
    const ByteView hello = peer_.output();
    EXPECT_EQ(::send(fd_, hello.data(), hello.size(), MSG_NOSIGNAL), static_cast<ssize_t>(hello.size()));
  }
  ~Client() { close(); }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  // Whether the server has closed it; what it says is passed over.
  [[nodiscard]] bool is_closed() const {
    char bytes[4096];
    while (true) {
      const ssize_t size = ::recv(fd_, bytes, sizeof bytes, MSG_DONTWAIT);
      if (size <= 0) return size == 0;
    }
  }

 private:
  int fd_;
  Silent events_;
  Peer peer_;
};

class HandoffServer : public ::testing::Test {
 protected:
  HandoffServer() {
    ::chmod(folder_.path.c_str(), 0711);
    auto opened = Server::open(socket_, 7, heard_);
    EXPECT_TRUE(opened);
    server_ = std::move(*opened);
  }
  void run_until(const std::function<bool()>& done) {
    for (int waited = 0; waited < patience_ms && !done(); waited += 10) {
      std::vector<pollfd> fds;
      server_->watch(fds);
      ASSERT_GE(::poll(fds.data(), fds.size(), 10), 0);
      server_->run();
    }
    EXPECT_TRUE(done());
  }
  // Another process connects as `user` and waits until it is closed: its exit code is 0 then.
  pid_t another(uid_t user) {
    const pid_t child = ::fork();
    if (child != 0) return child;
    if (user != ::geteuid() && ::setresuid(user, user, user) != 0) ::_exit(2);
    const int fd = connected(socket_);
    if (fd < 0) ::_exit(3);
    char byte = 0;
    ::_exit(::recv(fd, &byte, 1, 0) == 0 ? 0 : 4);
  }
  static int exit_code(pid_t child) {
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  TemporaryFolder folder_;
  std::filesystem::path socket_ = folder_.path / "handoff-0";
  Heard heard_;
  std::unique_ptr<Server> server_;
};

TEST_F(HandoffServer, a_second_process_is_refused_while_the_first_is_there) {
  Client first(socket_);
  run_until([&] { return heard_.ready == 1; });
  const pid_t second = another(::geteuid());
  run_until([&] { return server_->refused() == 1; });
  EXPECT_EQ(exit_code(second), 0) << "it is closed, and told nothing";
  EXPECT_FALSE(first.is_closed());
  EXPECT_EQ(heard_.lost, 0);

  // When the first has ended its place is free.
  first.close();
  run_until([&] { return heard_.lost == 1; });
  const Client third(socket_, 10);
  run_until([&] { return heard_.ready == 2; });
  EXPECT_EQ(server_->refused(), 1U);
}

TEST_F(HandoffServer, the_same_process_takes_its_own_place) {
  const Client given_up(socket_);
  run_until([&] { return heard_.ready == 1; });
  const Client again(socket_);
  run_until([&] { return heard_.ready == 2; });
  EXPECT_TRUE(given_up.is_closed());
  EXPECT_EQ(server_->refused(), 0U);
}

// The end of the old connection and the new one lie there at once: the end counts first, or a restart would be refused.
TEST_F(HandoffServer, an_end_that_was_not_read_yet_is_an_end) {
  Client first(socket_);
  run_until([&] { return heard_.ready == 1; });
  const pid_t second = ::fork();
  if (second == 0) {
    first.close();  // its copy: the end is the other's to make
    const int fd = connected(socket_);
    char byte = 0;
    ::_exit(fd >= 0 && ::recv(fd, &byte, 1, 0) == 1 ? 0 : 4);
  }
  // It is in the backlog before the first one ends.
  pollfd waiting{};
  std::vector<pollfd> fds;
  server_->watch(fds);
  waiting.fd = fds.front().fd;
  waiting.events = POLLIN;
  ASSERT_EQ(::poll(&waiting, 1, patience_ms), 1);
  first.close();
  server_->run();
  EXPECT_EQ(heard_.lost, 1);
  EXPECT_EQ(server_->refused(), 0U);
  EXPECT_EQ(exit_code(second), 0) << "it got our hello";
}

TEST_F(HandoffServer, a_user_who_is_not_expected_is_refused) {
  // Whoever runs this without root's rights can be nobody else; then it is the mode of the file alone that can be looked at.
  struct stat info{};
  ASSERT_EQ(::stat(socket_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0660U);
  if (::geteuid() != 0) return;
  ASSERT_EQ(::chmod(socket_.c_str(), 0666), 0) << "as if he were of the group";
  const pid_t child = another(stranger);
  run_until([&] { return server_->refused() == 1; });
  EXPECT_EQ(exit_code(child), 0);
  EXPECT_EQ(heard_.ready, 0);
}

TEST(HandoffSilence, an_end_that_reads_or_speaks_answers) {
  Silence silence;
  const Instant start = SystemClock().now();
  const auto at = [&](int s) { return start + seconds(s); };
  // Idle: all is read, however long nothing is said.
  EXPECT_TRUE(silence.answers(at(0), false, 0));
  EXPECT_TRUE(silence.answers(at(1000), false, 0));
  // Something lies unread: that is looked at from now on.
  EXPECT_TRUE(silence.answers(at(1001), true, 0));
  EXPECT_TRUE(silence.answers(at(1020), true, 0));
  EXPECT_TRUE(silence.answers(at(1030), true, 5)) << "it said something";
  EXPECT_TRUE(silence.answers(at(1059), true, 5));
  EXPECT_FALSE(silence.answers(at(1060), true, 5)) << "30 s of silence";
  EXPECT_TRUE(silence.answers(at(1061), false, 5)) << "it has read everything after all";
  EXPECT_TRUE(silence.answers(at(1062), true, 5));
}

TEST(ExpectedUsers, root_ourselves_and_one_account) {
  const ExpectedUser none(std::nullopt), one(uid_t{4711});
  for (const ExpectedUser& expected : {none, one}) {
    EXPECT_TRUE(expected.includes(0));
    EXPECT_TRUE(expected.includes(::geteuid()));
    EXPECT_FALSE(expected.includes(stranger - 1));
  }
  EXPECT_TRUE(one.includes(4711));
  EXPECT_FALSE(none.includes(4711));
  const auto root = ExpectedUser::of("root");
  ASSERT_TRUE(root);
  EXPECT_FALSE(root->includes(stranger - 1));
  ASSERT_TRUE(ExpectedUser::of("no-such-user-here"));

  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  const auto us = socket_user(pair[0]);
  ASSERT_TRUE(us);
  EXPECT_EQ(us->user, ::geteuid());
  EXPECT_EQ(us->process, ::getpid());
  ::close(pair[0]);
  ::close(pair[1]);
  EXPECT_FALSE(socket_user(-1));
}

}  // namespace
}  // namespace pushmail::handoff
