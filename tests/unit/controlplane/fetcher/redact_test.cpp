// No password is shown, however a server repeats it.
#include "controlplane/fetcher/redact.h"

#include <gtest/gtest.h>

#include "controlplane/fetcher/sasl.h"
#include "core/base64.h"

namespace pushmail::mailbox {
namespace {

TEST(Redact, HidesEveryFormThatWasSent) {
  const std::string password = "hun\"ter\\2";
  for (const std::string& form :
       {password, std::string("hun\\\"ter\\\\2"), base64_encoded(password), sasl_plain("ann", password), std::string("HUN\"TER\\2")}) {
    EXPECT_EQ(without_password("BAD Unknown command: LOGIN ann " + form + " there", "ann", password),
              "BAD Unknown command: LOGIN ann *** there");
  }
  EXPECT_EQ(without_password("BAD PASS secret1secret1", "ann", "secret1"), "BAD PASS ******");
}
TEST(Redact, HidesTheBeginningWhereTheWordsWereCut) {
  EXPECT_EQ(without_password("BAD LOGIN ann hunter", "ann", "hunter2-long"), "BAD LOGIN ann ***");
  EXPECT_EQ(without_password("BAD LOGIN ann hunter (BAD again)", "ann", "hunter2-long"), "BAD LOGIN ann *** (BAD again)");
}
TEST(Redact, LeavesOtherWords) {
  for (const std::string_view words :
       {"", "NO [UNAVAILABLE] Temporary authentication failure", "NO a mailbox is locked by another session"}) {
    EXPECT_EQ(without_password(words, "ann", "hunter2"), words);
    EXPECT_EQ(without_password(words, "ann", "lo"), words) << "letters of a short one stand in every sentence";
    EXPECT_EQ(without_password(words, "ann", ""), words);
  }
  EXPECT_EQ(without_password("BAD PASS lo", "ann", "lo"), "BAD PASS ***");
}

}  // namespace
}  // namespace pushmail::mailbox
