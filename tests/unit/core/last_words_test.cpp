#include "core/last_words.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <exception>
#include <new>
#include <stdexcept>
#include <system_error>

#include "core/result.h"
#include "core/thread.h"

namespace pushmail {
namespace {

template <class Thrown>
[[noreturn]] void end_by(const Thrown& thrown) {
  keep_last_words();
  try {
    throw thrown;
  } catch (...) {
    std::terminate();  // as where exceptions are not allowed
  }
}

TEST(LastWordsDeathTest, what_the_system_refuses_ends_with_words_and_71) {
  EXPECT_EXIT(end_by(std::bad_alloc()), testing::ExitedWithCode(71), "\"event\":\"out_of_memory\"");
  EXPECT_EXIT(end_by(std::system_error(EAGAIN, std::generic_category())), testing::ExitedWithCode(71),
              "\"event\":\"system_failed\".*temporarily");
  EXPECT_EXIT(system_failed("an eventfd", EMFILE), testing::ExitedWithCode(71), "\"what\":\"an eventfd\",\"errno\":\"EMFILE\"");
}

TEST(LastWordsDeathTest, a_fault_of_ours_leaves_a_core) {
  EXPECT_EXIT(end_by(std::logic_error("our own")), testing::KilledBySignal(SIGABRT), "\"reason\":\"our own\"");
}

TEST(Thread, runs_and_is_joined) {
  int seen = 0;
  Thread thread("counted", [&] { ++seen; });
  EXPECT_TRUE(thread.joinable());
  Thread moved = std::move(thread);
  EXPECT_FALSE(thread.joinable());  // NOLINT(bugprone-use-after-move)
  moved.join();
  EXPECT_EQ(seen, 1);
}

}  // namespace
}  // namespace pushmail
