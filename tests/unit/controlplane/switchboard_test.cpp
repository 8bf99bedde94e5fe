// What follows from what: the effects of one part, carried out by others.
#include "tests/unit/controlplane/world.h"

namespace pushmail {
namespace {

struct SwitchboardTest : World {
  Item fetching() {
    new_mail("7");
    const Item item = the_item();
    answer(ann, item.reply_code);
    return again(item);
  }
  std::size_t fetches() { return fetchers.of(mailbox::Kind::fetch).size(); }
};

TEST_F(SwitchboardTest, APhonesStopReachesItsMailboxAndItsItems) {
  const Item item = fetching();
  ASSERT_EQ(item.state, ItemState::fetching);
  const int texts = rest.sms_queued;
  answer(ann, "STOP");
  EXPECT_EQ(rest.changed, std::vector<std::string>{"b1 stopped"}) << "nobody looks at the mailbox";
  EXPECT_EQ(rest.sms_queued, texts + 1) << "the phone is told";
  EXPECT_EQ(again(item).state, ItemState::requested) << "its fetch breaks off";
  EXPECT_EQ(flows.transfers(), 0U);
  answer(ann, "START");
  EXPECT_EQ(rest.changed.back(), "b1 active");
  EXPECT_EQ(again(item).state, ItemState::fetching);
  EXPECT_EQ(fetches(), 2U);
}

TEST_F(SwitchboardTest, TheEndOfOneTransferIsTheBeginningOfTheNext) {
  for (int uid = 0; uid < 17; ++uid) new_mail(std::to_string(uid), "b2", 10);
  EXPECT_EQ(flows.transfers(), 16U);
  const ItemId first = fetchers.of(mailbox::Kind::fetch).front().item;
  chunk(first, 0, 10);
  fetched(first, 10);
  EXPECT_EQ(fetches(), 17U);
  EXPECT_EQ(flows.transfers(), 16U);
}

TEST_F(SwitchboardTest, AMailThatIsGoneEndsEverywhere) {
  const Item item = fetching();
  ASSERT_TRUE(store->withdraw_sms(item.id));
  const int texts = rest.sms_queued;
  fetch_failed(item.id, "gone");
  EXPECT_EQ(again(item).state, ItemState::withdrawn);
  EXPECT_EQ(data_plane.of(handoff::Kind::withdraw).size(), 1U) << "in the data plane";
  EXPECT_EQ(rest.sms_queued, texts + 1) << "and for the phone";
}

}  // namespace
}  // namespace pushmail
