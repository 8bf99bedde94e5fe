#include "core/ids.h"

#include <gtest/gtest.h>

#include "core/errors.h"
#include "core/peer_id.h"

namespace pushmail {
namespace {

TEST(ItemId, PrintsAndReadsBack) {
  const ItemId id = new_item_id(Timestamp{1'700'000'000'000'000}, 0x1234);
  const std::string text = to_string(id);
  EXPECT_EQ(text.size(), 26U);
  EXPECT_EQ(parse_item_id(text).value(), id);
  EXPECT_EQ(item_of_transaction_id(transaction_id_of(id)).value(), id);
}

TEST(ItemId, SortsByTimeInTextAndInBytes) {
  const ItemId early = new_item_id(Timestamp{1'000'000'000'000'000}, 9);
  const ItemId late = new_item_id(Timestamp{1'000'000'000'001'000}, 1);
  EXPECT_LT(early, late);
  EXPECT_LT(to_string(early), to_string(late));
}

TEST(ItemId, KnownText) {
  ItemId id;
  EXPECT_EQ(to_string(id), "00000000000000000000000000");
  id.bytes.fill(0xFF);
  EXPECT_EQ(to_string(id), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
  EXPECT_EQ(parse_item_id("7zzzzzzzzzzzzzzzzzzzzzzzzz").value(), id);
}

TEST(ItemId, RefusesWhatIsNone) {
  for (const std::string_view text : {"", "8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "0000000000000000000000000U", "000000000000000000000000000"}) {
    const auto id = parse_item_id(text);
    ASSERT_FALSE(id.has_value()) << text;
    EXPECT_TRUE(id.error().is(core_bad_item_id));
  }
}

TEST(TraceId, PrintsAndReadsBack) {
  const TraceId id = new_trace_id();
  EXPECT_EQ(to_string(id).size(), 32U);
  EXPECT_EQ(parse_trace_id(to_string(id)).value(), id);
  EXPECT_FALSE(parse_trace_id("00").has_value());
  EXPECT_NE(id, new_trace_id());
}

TEST(PeerId, HasOneFormToBeComparedIn) {
  struct Row {
    std::string_view id, key;
  };
  for (const Row& row : {Row{"<AB-12@mmsc>", "ab-12@mmsc"}, Row{" \"0001715006\"\r\n", "1715006"}, Row{"1a2B", "1a2b"}, Row{"000", ""},
                         Row{"", ""}, Row{"<>", ""}, Row{"100", "100"}}) {
    EXPECT_EQ(peer_id_key(row.id), row.key) << row.id;
  }
}

}  // namespace
}  // namespace pushmail
