// The accounts of pushmail's programs, for a child of a test that root runs: a program that root starts needs one to change to.
//
// Came from: a test, between fork and exec. Where the machine has the accounts (conf/install, the package) they are used; where not, files
// of ours lie over /etc/passwd and /etc/group in a mount namespace of the child, and nowhere else. The end-to-end tests do the same
// (tests/e2e/harness/accounts.py).
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "core/accounts.h"

namespace pushmail {

namespace detail {

// The file as it is, but for the accounts of ours.
inline std::string without_ours(const char* file) {
  std::ifstream original(file);
  std::string lines, line;
  while (std::getline(original, line)) {
    if (!line.starts_with("pushmail")) lines += line + "\n";
  }
  return lines;
}

// A file with this text over it, in this mount namespace; it has no name of its own afterwards.
inline bool cover(const char* file, const std::string& text) {
  std::string name = (std::filesystem::temp_directory_path() / "pm-accounts-XXXXXX").string();
  const int copy = ::mkostemp(name.data(), O_CLOEXEC);
  if (copy < 0) return false;
  const bool written = ::write(copy, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fchmod(copy, 0644) == 0;
  ::close(copy);
  const bool covered = written && ::mount(name.c_str(), file, nullptr, MS_BIND, nullptr) == 0;
  ::unlink(name.c_str());
  return covered;
}

}  // namespace detail

/// The calling process has a mount namespace of its own afterwards, if it is root's.
inline bool own_mounts() {
  return ::geteuid() != 0 || (::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
}

/// Nothing to do for who is not root: his programs stay who they are. Otherwise in a mount namespace of its own (own_mounts).
inline bool have_accounts() {
  if (::geteuid() != 0) return true;
  const auto there = find_user(fetcher_user);
  if (there && *there) return true;
  return detail::cover("/etc/group", detail::without_ours("/etc/group") +
                                         "pushmail:x:64100:pushmail-dp,pushmail-cp\npushmail-api:x:64101:pushmail-cp\n"
                                         "pushmail-dp:x:64102:\npushmail-cp:x:64103:\npushmail-fetch:x:64104:\n") &&
         detail::cover("/etc/passwd", detail::without_ours("/etc/passwd") +
                                          "pushmail-dp:x:64102:64102::/nonexistent:/usr/sbin/nologin\n"
                                          "pushmail-cp:x:64103:64103::/nonexistent:/usr/sbin/nologin\n"
                                          "pushmail-fetch:x:64104:64104::/nonexistent:/usr/sbin/nologin\n");
}

/// A machine on which nobody has installed anything, for who is root.
inline bool have_no_accounts() {
  return detail::cover("/etc/group", detail::without_ours("/etc/group")) &&
         detail::cover("/etc/passwd", detail::without_ours("/etc/passwd"));
}

}  // namespace pushmail
