// What a program gives up: tried in children, which have something to give up where root runs this.
#include "core/privileges.h"

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>

#include "tests/unit/core/temporary_folder.h"

namespace pushmail {
namespace {

constexpr std::uint32_t bind_service = 1U << CAP_NET_BIND_SERVICE;

using Held = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

Held held() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  Held found{};
  ::syscall(SYS_capget, &header, found.data());
  return found;
}

bool holds_nothing() {
  for (const auto& part : held()) {
    if ((part.effective | part.permitted | part.inheritable) != 0) return false;
  }
  return ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_NET_BIND_SERVICE, 0, 0) == 0 && ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

// As a unit with AmbientCapabilities starts a program.
bool as_a_unit_starts_it(uid_t user) {
  if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || ::setresuid(user, user, user) != 0) return false;
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  Held given{};
  given[0] = {.effective = bind_service, .permitted = bind_service, .inheritable = bind_service};
  return ::syscall(SYS_capset, &header, given.data()) == 0 &&
         ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0) == 0;
}

// Exit code of a child that does this.
template <class Does>
int in_a_child(Does&& does) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(does());
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Privileges, what_a_unit_gave_is_given_up) {
  EXPECT_EQ(in_a_child([] {
              if (::geteuid() == 0 && !as_a_unit_starts_it(54321)) return 2;
              if (::geteuid() == 54321 && held()[0].effective != bind_service) return 3;
              if (!give_up_capabilities()) return 4;
              return holds_nothing() ? 0 : 5;
            }),
            0);
}

TEST(Privileges, a_change_of_user_is_for_good) {
  if (::geteuid() != 0) {
    EXPECT_EQ(account_to_become("root").value(), std::nullopt) << "who is not root stays who he is";
    return;
  }
  const auto daemon = account_to_become("daemon");
  ASSERT_TRUE(daemon && *daemon) << "of every Debian (base-passwd)";
  const Account account = **daemon;
  EXPECT_EQ(in_a_child([&] {
              if (!become("daemon", account)) return 2;
              if (::geteuid() != account.user || ::getegid() != account.group) return 3;
              if (::setuid(0) == 0 || ::setgid(0) == 0) return 4;
              return give_up_capabilities() && holds_nothing() ? 0 : 5;
            }),
            0);
  EXPECT_EQ(in_a_child([] { return become("root", Account{}) ? 1 : 0; }), 0) << "root by another name is no change";
  const auto none = account_to_become("no-such-user-here");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().exit_code, 67);
  EXPECT_NE(none.error().text.find("there is no account no-such-user-here to change to"), std::string::npos) << none.error().text;
}

TEST(Privileges, a_folder_is_given_with_all_that_is_in_it) {
  const TemporaryFolder folder;
  const auto inner = folder.path / "inner";
  std::filesystem::create_directory(inner);
  std::ofstream(inner / "file") << "x";
  // A link is given itself: what it names may be anybody's.
  const TemporaryFolder others;
  std::filesystem::create_directory_symlink(others.path, inner / "link");
  const uid_t user = ::geteuid() == 0 ? 54321 : ::geteuid();
  const gid_t group = ::geteuid() == 0 ? 54322 : ::getegid();
  ASSERT_TRUE(give_folder(folder.path, {.user = user, .group = group}));
  for (const auto& path : {folder.path, inner, inner / "file", inner / "link"}) {
    struct stat info{};
    ASSERT_EQ(::lstat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_uid, user) << path;
    EXPECT_EQ(info.st_gid, group) << path;
  }
  struct stat info{};
  ASSERT_EQ(::stat(others.path.c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, ::geteuid());
  EXPECT_FALSE(give_folder(folder.path / "none", {.user = user, .group = group}));
}

}  // namespace
}  // namespace pushmail
