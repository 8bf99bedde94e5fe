#include "core/record_inbox.h"

#include <gtest/gtest.h>

namespace pushmail {
namespace {

// Records of any length, read in pieces of any size into rooms that are too small for some of them.
TEST(RecordInbox, CutsTheStreamIntoRecords) {
  Bytes stream;
  constexpr std::size_t lengths[] = {10, 20, 30, 4000, 0, 100'000, 5, 65'000, 65'000, 1, 700, 20};
  for (std::uint64_t n = 0; n < std::size(lengths); ++n)
    append(stream, ByteView(RecordWriter(3, 1, {}).text(1, std::string(lengths[n], static_cast<char>('a' + n))).finish(n)));
  for (const std::size_t piece : {1UL, 7UL, 100UL, 4096UL, 70'000UL, stream.size()}) {
    for (const bool copied : {false, true}) {
      RecordInbox inbox;
      std::uint64_t seen = 0;
      for (std::size_t at = 0; at < stream.size(); at += piece) {
        const ByteView bytes = ByteView(stream).subspan(at, std::min(piece, stream.size() - at));
        if (copied) {
          inbox.feed(bytes);
        } else {
          const MutableBytes room = inbox.room(piece);
          ASSERT_GE(room.size(), piece);
          std::ranges::copy(bytes, room.begin());
          inbox.filled(bytes.size());
        }
        for (auto record = inbox.next(); !record.needs_more(); record = inbox.next()) {
          ASSERT_TRUE(record.is_done()) << piece;
          EXPECT_EQ(record.value().header().sequence, seen);
          EXPECT_EQ(record.value().text(1), std::string(lengths[seen], static_cast<char>('a' + seen))) << piece;
          ++seen;
        }
      }
      EXPECT_EQ(seen, std::size(lengths)) << piece;
      EXPECT_TRUE(inbox.unread().empty());
    }
  }
}

TEST(RecordInbox, WhatIsLeftOfARecordIsKeptAndForgotten) {
  const Bytes record = RecordWriter(3, 1, {}).text(1, "x").finish(9);
  RecordInbox inbox;
  inbox.feed(ByteView(record).first(12));
  EXPECT_TRUE(inbox.next().needs_more());
  EXPECT_EQ(inbox.unread().size(), 12U);
  inbox.clear();
  EXPECT_TRUE(inbox.unread().empty());
  inbox.feed(record);
  ASSERT_TRUE(inbox.next().is_done());
}

}  // namespace
}  // namespace pushmail
