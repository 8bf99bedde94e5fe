#include "core/thread.h"

#include <gtest/gtest.h>
#include <signal.h>

namespace pushmail {
namespace {

sigset_t mask_of_this_thread() {
  sigset_t mask;
  EXPECT_EQ(pthread_sigmask(SIG_BLOCK, nullptr, &mask), 0);
  return mask;
}

// A real-time signal that the log's thread took made net_tap's receive function wait for ever (dataplane/nic/eal.cpp).
TEST(Thread, TakesNoSignalThatIsMeantForTheProcess) {
  sigset_t inside;
  Thread thread("signals", [&] { inside = mask_of_this_thread(); });
  thread.join();
  for (int number : {SIGTERM, SIGINT, SIGHUP, SIGIO, SIGCHLD}) EXPECT_EQ(sigismember(&inside, number), 1) << number;
  for (int number = SIGRTMIN; number <= SIGRTMAX; ++number) EXPECT_EQ(sigismember(&inside, number), 1) << number;
  for (int number : {SIGSEGV, SIGBUS, SIGABRT}) EXPECT_EQ(sigismember(&inside, number), 0) << number;
}

TEST(Thread, LeavesTheSignalsOfItsMakerAsTheyWere) {
  const sigset_t before = mask_of_this_thread();
  Thread thread("signals", [] {});
  thread.join();
  const sigset_t after = mask_of_this_thread();
  for (int number = 1; number <= SIGRTMAX; ++number) EXPECT_EQ(sigismember(&before, number), sigismember(&after, number)) << number;
}

}  // namespace
}  // namespace pushmail
