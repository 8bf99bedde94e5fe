// What the system refuses: said, paced, told apart from what is not there.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>

#include "core/accounts.h"
#include "core/free_memory.h"
#include "core/log_pace.h"
#include "core/socket_file.h"
#include "core/wait_on.h"
#include "tests/unit/core/temporary_folder.h"

namespace pushmail {
namespace {

TEST(Accounts, an_account_that_is_not_there_is_no_error) {
  const auto root = find_user("root");
  ASSERT_TRUE(root && *root);
  EXPECT_EQ((*root)->user, 0U);
  const auto nobody = find_user("no-such-user-here");
  ASSERT_TRUE(nobody);
  EXPECT_FALSE(nobody->has_value());
  const auto group = find_group("no-such-group-here");
  ASSERT_TRUE(group);
  EXPECT_FALSE(group->has_value());
}

TEST(LogPace, the_first_then_one_a_minute_and_another_error_at_once) {
  LogPace lines;
  const Instant start{1'000'000'000'000};
  EXPECT_EQ(lines.count(start, EMFILE), 1U);
  EXPECT_EQ(lines.count(start + seconds(1), EMFILE), 0U);
  EXPECT_EQ(lines.count(start + seconds(2), EMFILE), 0U);
  EXPECT_EQ(lines.count(start + seconds(3), ENOMEM), 3U);
  EXPECT_EQ(lines.count(start + seconds(62), ENOMEM), 0U);
  EXPECT_EQ(lines.count(start + seconds(63), ENOMEM), 2U);
}

TEST(WaitOn, a_wait_that_fails_leaves_nothing_ready) {
  // More descriptors than the process may have is EINVAL (poll(2)).
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit few{.rlim_cur = 1, .rlim_max = before.rlim_max};
  std::array<pollfd, 2> fds{{{.fd = -1, .events = POLLIN, .revents = POLLIN}, {.fd = -1, .events = POLLIN, .revents = POLLIN}}};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  wait_on(fds, -1);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  for (const pollfd& fd : fds) EXPECT_EQ(fd.revents, 0);
}

TEST(FreeMemory, is_what_the_process_may_still_have) {
  EXPECT_TRUE(has_free_memory(1 << 20));
  EXPECT_FALSE(has_free_memory(std::size_t{1} << 50)) << "beyond the address space";
}

TEST(SocketFile, is_removed_and_need_not_be_there) {
  TemporaryFolder folder;
  const auto name = folder.path / "socket";
  remove_socket_file(name);
  std::ofstream(name) << "x";
  remove_socket_file(name);
  EXPECT_FALSE(std::filesystem::exists(name));
}

}  // namespace
}  // namespace pushmail
