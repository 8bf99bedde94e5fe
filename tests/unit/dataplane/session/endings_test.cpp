// The table of endings: no row is missing, and what it says of each kind.
#include "dataplane/session/endings.h"

#include <gtest/gtest.h>

namespace pushmail {
namespace {

TEST(Endings, EveryCombinationHasItsRow) {
  for (const Exchange exchange : {Exchange::submit_req, Exchange::mail}) {
    for (const Ending ending : {Ending::unread, Ending::silent, Ending::cut}) {
      for (const Use use : {Use::fresh, Use::reused}) (void)next_after(exchange, ending, use);
    }
  }
}

TEST(Endings, NothingThatMayHaveBeenSeenIsSentAgainUnmarkedOrCalledNotSent) {
  for (const EndingRow& row : ending_rows) {
    const bool safe = row.next == Next::again || row.next == Next::not_sent;
    EXPECT_EQ(safe, row.ending == Ending::unread);
  }
}

TEST(Endings, OneAnswerThatBeganIsNeverAskedForAgain) {
  for (const EndingRow& row : ending_rows) {
    const bool given_up = row.next == Next::unknown;
    EXPECT_TRUE(row.ending != Ending::cut || given_up);
  }
}

TEST(Endings, UnreadIsProvenByTheLastWordAndABoundBelowTheByte) {
  EXPECT_TRUE(proves_unread({.size = 100, .is_last = true}, 100));
  EXPECT_FALSE(proves_unread({.size = 101, .is_last = true}, 100)) << "one byte of it is acknowledged";
  EXPECT_FALSE(proves_unread({.size = 100, .is_last = false}, 100)) << "more may be under way";
}

}  // namespace
}  // namespace pushmail
