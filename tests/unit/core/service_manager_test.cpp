#include "core/service_manager.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <string>

#include "temporary_folder.h"

namespace pushmail {
namespace {

// The end of a service manager; `name` as in $NOTIFY_SOCKET.
class Manager {
 public:
  explicit Manager(const std::string& name) : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(name, address.sun_path);
    if (name.front() == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), size), 0);
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  ~Manager() {
    ::close(fd_);
    ::unsetenv("NOTIFY_SOCKET");
  }
  [[nodiscard]] std::string read() const {
    char bytes[128];
    const ssize_t size = ::recv(fd_, bytes, sizeof bytes, 0);
    return size < 0 ? std::string() : std::string(bytes, static_cast<std::size_t>(size));
  }

 private:
  int fd_;
};

TEST(ServiceManager, IsToldByPathAndByAbstractAddress) {
  const TemporaryFolder folder;
  for (const std::string& name : {(folder.path / "notify").string(), "@pushmail-test-" + std::to_string(::getpid())}) {
    const Manager manager(name);
    EXPECT_TRUE(notify_service_manager(service::ready).has_value()) << name;
    EXPECT_TRUE(notify_service_manager(service::alive).has_value()) << name;
    EXPECT_EQ(manager.read(), "READY=1");
    EXPECT_EQ(manager.read(), "WATCHDOG=1");
  }
}

TEST(ServiceManager, NoneIsNoError) {
  ::unsetenv("NOTIFY_SOCKET");
  EXPECT_TRUE(notify_service_manager(service::ready).has_value());
}

TEST(ServiceManager, WhatCannotBeSentIsAnError) {
  ::setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1);
  EXPECT_EQ(notify_service_manager(service::ready).error().os, ENOENT);
  ::setenv("NOTIFY_SOCKET", std::string(200, 'x').c_str(), 1);
  EXPECT_EQ(notify_service_manager(service::ready).error().os, ENAMETOOLONG);
  ::unsetenv("NOTIFY_SOCKET");
}

}  // namespace
}  // namespace pushmail
