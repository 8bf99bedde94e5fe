// Who may run as a fetcher. The change of user itself is tests/e2e/mailbox_dovecot.py's matter: here it would change the test program.
#include "controlplane/fetcher/privileges.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

namespace pushmail::mailbox {
namespace {

// What is_bound_to says in a process of user `user`.
bool is_bound(uid_t user, const std::filesystem::path& store) {
  const pid_t child = fork();
  if (child == 0) {
    if (geteuid() != user && setresuid(user, user, user) != 0) _exit(2);
    _exit(is_bound_to(store).value_or(true) ? 1 : 0);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) != 2);
  return WEXITSTATUS(status) == 1;
}

TEST(Privileges, OwnerOfTheStoreIsNoFetcher) {
  std::string name = (std::filesystem::temp_directory_path() / "pushmail-store-XXXXXX").string();
  ASSERT_NE(mkdtemp(name.data()), nullptr);
  ASSERT_EQ(chmod(name.c_str(), 0755), 0);
  const std::filesystem::path store = name;
  if (geteuid() == 0) {
    constexpr uid_t owner = 54321;
    ASSERT_EQ(chown(name.c_str(), owner, owner), 0);
    EXPECT_TRUE(is_bound(owner, store));
    EXPECT_FALSE(is_bound(owner + 1, store));
    EXPECT_FALSE(is_bound(0, store)) << "root changes its user";
    ASSERT_EQ(chown(name.c_str(), 0, 0), 0);
    EXPECT_FALSE(is_bound(0, store));
    EXPECT_FALSE(is_bound(owner, store));
  } else {
    EXPECT_TRUE(is_bound(geteuid(), store));
  }
  EXPECT_FALSE(is_bound(geteuid(), store / "none"));
  std::filesystem::remove(store);
}

}  // namespace
}  // namespace pushmail::mailbox
