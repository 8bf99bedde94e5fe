// The API's socket: whose file it is, and what the kernel's word about the other end makes of a request.
#include "controlplane/api/server.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <string>

#include "controlplane/store/sqlite_store.h"
#include "core/accounts.h"
#include "tests/unit/controlplane/held_durability.h"
#include "tests/unit/core/temporary_folder.h"

namespace pushmail::api {
namespace {

using ::testing::HasSubstr;

struct ApiServer : ::testing::Test {
  TemporaryFolder folder;
  std::filesystem::path path = folder.path / "api";
  SystemClock clock;
  std::unique_ptr<Store> store = open_sqlite_store(":memory:").value();
  Sealer sealer{{1, 2, 3}};
  Bindings bindings{*store, sealer, clock, {.peers = {"mmsc"}}};
  Api api{*store, bindings, {}};
  HeldDurability durable;
  boost::asio::io_context context;
  std::unique_ptr<Server> server;

  void open(const RoleNames& names) {
    ::chmod(folder.path.c_str(), 0711);
    auto opened = Server::open(context, path, Roles::of(names).value(), durable, api);
    ASSERT_TRUE(opened) << opened.error().text;
    server = std::move(*opened);
  }

  // What a process of this user and group is answered.
  std::string ask(uid_t user, gid_t group, std::string_view method, std::string_view target) {
    int out[2];
    EXPECT_EQ(::pipe2(out, O_CLOEXEC), 0);
    const std::string request =
        std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    const pid_t child = ::fork();
    if (child == 0) {
      const bool changes = user != ::geteuid();
      if (changes && (::setgroups(1, &group) != 0 || ::setresgid(group, group, group) != 0 || ::setresuid(user, user, user) != 0))
        ::_exit(2);
      const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      path.native().copy(address.sun_path, sizeof address.sun_path - 1);
      if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) ::_exit(errno == EACCES ? 13 : 3);
      // A refusal may close it before all is written.
      if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) < 0 && errno != EPIPE) ::_exit(4);
      char bytes[4096];
      while (true) {
        const ssize_t size = ::recv(fd, bytes, sizeof bytes, 0);
        if (size <= 0) ::_exit(0);
        if (::write(out[1], bytes, static_cast<std::size_t>(size)) != size) ::_exit(5);
      }
    }
    ::close(out[1]);
    int status = 0;
    for (int looks = 0; ::waitpid(child, &status, WNOHANG) == 0; ++looks) {
      if (looks > 1000) ::kill(child, SIGKILL);
      context.restart();
      context.run_for(std::chrono::milliseconds(10));
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 13) return "EACCES";
    EXPECT_EQ(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
    std::string answer(8192, '\0');
    const ssize_t size = ::read(out[0], answer.data(), answer.size());
    ::close(out[0]);
    answer.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return answer;
  }
};

TEST_F(ApiServer, its_file_is_its_groups_and_nobody_elses) {
  open({});
  struct stat info{};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0660U);
  const auto group = find_group(api_group);
  ASSERT_TRUE(group);
  EXPECT_EQ(info.st_gid, *group ? **group : ::getegid());
  EXPECT_THAT(ask(::geteuid(), ::getegid(), "GET", "/v1/status"), HasSubstr("200 OK"));
  EXPECT_THAT(ask(::geteuid(), ::getegid(), "DELETE", "/v1/bindings/x"), HasSubstr("404 Not Found")) << "our own user is an admin";
}

// Root alone can be somebody else for the length of a test.
TEST_F(ApiServer, who_asks_has_the_role_that_his_user_or_group_is_given) {
  open({{Role::reader, {"@users"}}, {Role::agent, {"daemon"}}});
  if (::geteuid() != 0) {
    EXPECT_THAT(ask(::geteuid(), ::getegid(), "POST", "/v1/poll"), HasSubstr("202"));
    return;
  }
  const uid_t daemon = find_user("daemon").value()->user, stranger = 54321;
  const gid_t users = find_group("users").value().value(), none = 54321;
  EXPECT_EQ(ask(stranger, users, "GET", "/v1/status"), "EACCES") << "the file's mode comes first";
  ASSERT_EQ(::chmod(path.c_str(), 0666), 0) << "as if they were of its group";
  EXPECT_THAT(ask(stranger, users, "GET", "/v1/status"), HasSubstr("200 OK"));
  EXPECT_THAT(ask(stranger, users, "POST", "/v1/poll"), HasSubstr("needs the role operator, and yours is reader"));
  EXPECT_THAT(ask(daemon, none, "POST", "/v1/poll"), HasSubstr("202"));
  EXPECT_THAT(ask(daemon, none, "DELETE", "/v1/bindings/x"), HasSubstr("404 Not Found"));
  const std::string refused = ask(stranger, none, "GET", "/v1/status");
  EXPECT_THAT(refused, HasSubstr("403 Forbidden"));
  EXPECT_THAT(refused, HasSubstr("none of api.readers, api.operators, api.agents and api.admins names this user"));
}

}  // namespace
}  // namespace pushmail::api
