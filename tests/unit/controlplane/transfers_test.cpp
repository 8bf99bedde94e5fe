// Mails on their way from a fetcher to the data plane, chunk by chunk, and every way in which one ends.
#include "controlplane/transfers.h"

#include "controlplane/submission.h"
#include "tests/unit/controlplane/world.h"

namespace pushmail {
namespace {

using handoff::Tag;

struct TransfersTest : World {
  Transfers transfers{{*store, clock, data_plane, fetchers}};

  Item begun(std::uint64_t size, const std::string& binding = "b1") {
    clock.pass(milliseconds(5));
    Item item{.id = new_item_id(clock.at, 1),
              .trace = new_trace_id(),
              .source = Source::mailbox,
              .binding = binding,
              .msisdn = ann,
              .uid_validity = 3,
              .uid = "u" + std::to_string(clock.at.us),
              .state = ItemState::fetching,
              .peer = "mmsc",
              .size = size};
    EXPECT_TRUE(store->add_item(item).value());
    transfers.begin(item, submission_of(item));
    return item;
  }
  /// As far as the fake data plane wants it.
  RecordWriter submission_of(const Item& item) {
    RecordWriter record = handoff::make(handoff::Kind::submission, item.id);
    const auto described =
        store->write([&, copy = item]() mutable { return describe_submission(*store, settings, clock.at, copy, record); });
    EXPECT_TRUE(described);
    return record;
  }
  void give(const Item& item, std::uint64_t offset, std::size_t size) {
    auto record = make(mailbox::Kind::chunk, item.id);
    record.u64(tag(mailbox::Tag::offset), offset).bytes(tag(mailbox::Tag::data), Bytes(size, 'x'));
    transfers.on_chunk(from_fetcher(std::move(record), mailbox::Kind::chunk, item.id).view());
  }
  Effects end(const Item& item, std::uint64_t size) {
    auto record = make(mailbox::Kind::fetched, item.id);
    record.u64(tag(mailbox::Tag::size), size);
    return transfers.on_fetched(from_fetcher(std::move(record), mailbox::Kind::fetched, item.id).view());
  }
  Effects fail(const Item& item, const std::string& word) {
    auto record = make(mailbox::Kind::fetch_failed, item.id);
    record.text(tag(mailbox::Tag::reason), word);
    return transfers.on_fetch_failed(from_fetcher(std::move(record), mailbox::Kind::fetch_failed, item.id).view());
  }
  void grant(const Item& item, std::uint64_t chunks) {
    auto record = handoff::make(handoff::Kind::submission_credit, item.id);
    record.u64(handoff::tag(Tag::credit), chunks);
    transfers.on_credit(from_data(handoff::Kind::submission_credit, item.id, std::move(record)).view());
  }
  /// Credits that the fetcher has for this mail.
  std::uint64_t credit_of(const Item& item) {
    std::uint64_t sum = 0;
    for (const SentRecord& record : fetchers.of(mailbox::Kind::credit)) {
      if (record.item == item.id) sum += record.view().u64(tag(mailbox::Tag::credit)).value();
    }
    return sum;
  }
  std::uint64_t passed(const Item& item) {
    std::uint64_t sum = 0;
    for (const SentRecord& record : data_plane.of(handoff::Kind::submission_chunk)) {
      if (record.item == item.id) sum += record.view().bytes(handoff::tag(Tag::data))->size();
    }
    return sum;
  }
  std::size_t cancelled() { return fetchers.of(mailbox::Kind::cancel).size(); }
  std::size_t withdrawn() { return data_plane.of(handoff::Kind::withdraw).size(); }
};

TEST_F(TransfersTest, ChunksPassAsTheDataPlaneGrantsThem) {
  const Item item = begun(1000);
  ASSERT_EQ(fetchers.of(mailbox::Kind::fetch).size(), 1U);
  EXPECT_EQ(data_plane.of(handoff::Kind::submission).at(0).number(Tag::mail_size), 1000U);
  EXPECT_EQ(credit_of(item), 0U) << "nothing is fetched before the data plane has room";
  grant(item, 4);
  EXPECT_EQ(credit_of(item), 4U);
  give(item, 0, 600);
  EXPECT_EQ(passed(item), 600U);
  EXPECT_EQ(credit_of(item), 4U) << "what passed is the data plane's to grant again";
  give(item, 600, 400);
  EXPECT_EQ(passed(item), 600U) << "the last chunk waits for the fetcher's word";
  EXPECT_EQ(credit_of(item), 5U) << "and the fetcher may go on, in case the server sends more";
  const Effects after = end(item, 1000);
  EXPECT_TRUE(after.fetch) << "there is room for another mail";
  EXPECT_TRUE(after.not_fetched.empty());
  EXPECT_EQ(passed(item), 1000U);
  EXPECT_EQ(again(item).state, ItemState::converting);
  EXPECT_EQ(transfers.count(), 0U);
  EXPECT_EQ(cancelled() + withdrawn(), 0U);
}

TEST_F(TransfersTest, ThereIsRoomForSixteen) {
  for (int i = 0; i < 16; ++i) {
    EXPECT_TRUE(transfers.has_room());
    begun(10);
  }
  EXPECT_FALSE(transfers.has_room());
  EXPECT_EQ(transfers.count(), 16U);
}

TEST_F(TransfersTest, ADataPlaneThatTakesNothingGetsItLater) {
  data_plane.full = true;
  const Item item = begun(1000);
  EXPECT_FALSE(transfers.contains(item.id));
  EXPECT_TRUE(fetchers.of(mailbox::Kind::fetch).empty());
  EXPECT_EQ(again(item).state, ItemState::requested);
  EXPECT_EQ(again(item).attempts, 1U);
  EXPECT_GT(again(item).retry_at, clock.at);

  data_plane.full = false;
  const Item other = begun(1000);
  data_plane.full = true;
  give(other, 0, 600);
  EXPECT_FALSE(transfers.contains(other.id)) << "in the middle too";
  EXPECT_EQ(cancelled(), 1U);

  data_plane.full = false;
  const Item last = begun(1000);
  give(last, 0, 1000);
  data_plane.full = true;
  EXPECT_FALSE(end(last, 1000).fetch) << "and at the end";
  EXPECT_FALSE(transfers.contains(last.id));
  EXPECT_EQ(again(last).state, ItemState::requested);
}

TEST_F(TransfersTest, BothSidesAreToldWhatBreaksOff) {
  const Item item = begun(1000);
  give(item, 7, 10);
  EXPECT_EQ(cancelled(), 1U) << "chunks that do not fit together";
  EXPECT_EQ(withdrawn(), 1U);
  EXPECT_EQ(again(item).state, ItemState::requested);
  give(item, 0, 10);
  transfers.break_off(item.id, "again", Transfers::Retry::at_once);
  EXPECT_EQ(cancelled(), 1U) << "what is over is nobody's any more";
  EXPECT_EQ(withdrawn(), 1U);
  EXPECT_EQ(passed(item), 0U);
}

TEST_F(TransfersTest, HowSoonItBeginsAgain) {
  const Item item = begun(1000);
  const auto waits_us = [&] { return again(item).retry_at.us == 0 ? 0 : again(item).retry_at.us - clock.at.us; };
  transfers.break_off(item.id, "nobody's fault", Transfers::Retry::at_once);
  EXPECT_EQ(waits_us(), 0);
  EXPECT_EQ(again(item).attempts, 0U);
  transfers.break_off(item.id, "a fault", Transfers::Retry::backing_off);
  EXPECT_EQ(waits_us(), seconds(5).us());
  transfers.break_off(item.id, "a fault", Transfers::Retry::backing_off);
  EXPECT_EQ(waits_us(), seconds(10).us());
  transfers.break_off(item.id, "no suffix is free", Transfers::Retry::late);
  EXPECT_EQ(waits_us(), seconds(3600).us());
  EXPECT_EQ(again(item).attempts, 3U);
}

TEST_F(TransfersTest, WhatTheMmscHasIsNotTurnedBack) {
  for (const ItemState state : {ItemState::submitted, ItemState::reported, ItemState::delivered, ItemState::failed}) {
    Item item = begun(1000);
    item.state = state;
    ASSERT_TRUE(store->update_item(item));
    transfers.break_off(item.id, "too late", Transfers::Retry::backing_off);
    EXPECT_EQ(again(item).state, state);
    EXPECT_EQ(again(item).attempts, 0U);
    EXPECT_FALSE(transfers.contains(item.id));
  }
}

TEST_F(TransfersTest, WhatStandsStillBreaksOff) {
  const Item still = begun(1000);
  clock.pass(seconds(100));
  const Item moves = begun(1000);
  give(moves, 0, 600);
  clock.pass(seconds(90));
  transfers.tick();
  EXPECT_FALSE(transfers.contains(still.id));
  EXPECT_TRUE(transfers.contains(moves.id));
  clock.pass(seconds(80));
  grant(moves, 1);  // whatever comes is progress
  clock.pass(seconds(150));
  transfers.tick();
  EXPECT_TRUE(transfers.contains(moves.id));
  clock.pass(seconds(40));
  transfers.tick();
  EXPECT_FALSE(transfers.contains(moves.id));
}

TEST_F(TransfersTest, OnlyThoseThatAreMeantBreakOff) {
  const Item one = begun(1000, "b1");
  const Item other = begun(1000, "b2");
  transfers.break_off_all([](std::string_view binding) { return binding == "b1"; }, "the fetcher went away");
  EXPECT_FALSE(transfers.contains(one.id));
  EXPECT_TRUE(transfers.contains(other.id));
  EXPECT_EQ(again(one).reason, "the fetcher went away");
  EXPECT_EQ(again(one).retry_at.us, 0) << "at once";
}

TEST_F(TransfersTest, AWrongSizeIsFetchedAgainWithTheRealOne) {
  const Item item = begun(1000);
  give(item, 0, 600);
  give(item, 600, 400);
  give(item, 1000, 500);
  EXPECT_FALSE(end(item, 1500).fetch);
  EXPECT_EQ(again(item).size, 1500U);
  EXPECT_EQ(again(item).state, ItemState::requested);
  EXPECT_LT(passed(item), 1000U) << "the data plane would convert what is not whole";
}

TEST_F(TransfersTest, WhatTheMailboxDoesNotGiveIsLeftToTheFlow) {
  struct Row {
    std::string word;
    std::optional<ItemEvent> event;  // nothing: it is tried again
  };
  for (const Row& row :
       {Row{"gone", ItemEvent::fetch_gone}, Row{"too_large", ItemEvent::fetch_refused}, Row{"unreadable", ItemEvent::fetch_refused},
        Row{"auth_failed", {}}, Row{"unreachable", {}}, Row{"protocol", {}}}) {
    const Item item = begun(1000);
    const Effects effects = fail(item, row.word);
    EXPECT_FALSE(transfers.contains(item.id));
    EXPECT_EQ(again(item).state, row.event ? ItemState::fetching : ItemState::requested) << row.word;
    ASSERT_EQ(effects.not_fetched.size(), row.event ? 1U : 0U) << row.word;
    if (!row.event) continue;
    EXPECT_EQ(effects.not_fetched[0].event, *row.event) << row.word;
    EXPECT_EQ(effects.not_fetched[0].item.id, item.id);
  }
  EXPECT_EQ(cancelled(), 0U) << "the fetcher has stopped by itself";
  const Item item = begun(0);
  const Effects effects = end(item, 0);
  ASSERT_EQ(effects.not_fetched.size(), 1U);
  EXPECT_EQ(effects.not_fetched[0].event, ItemEvent::fetch_failed);
  EXPECT_EQ(effects.not_fetched[0].reason, "the mail is empty");
}

TEST_F(TransfersTest, ForgettingTellsTheFetcherAndWithdrawingBoth) {
  const Item forgotten = begun(1000);
  transfers.forget(forgotten.id);
  EXPECT_EQ(cancelled(), 1U);
  EXPECT_EQ(withdrawn(), 0U);
  EXPECT_EQ(again(forgotten).state, ItemState::fetching) << "its outcome says what it is";
  const Item dropped = begun(1000);
  transfers.withdraw(dropped.id);
  EXPECT_EQ(cancelled(), 2U);
  ASSERT_EQ(withdrawn(), 1U);
  EXPECT_EQ(data_plane.of(handoff::Kind::withdraw)[0].text(Tag::state), "") << "it gives its memory back and says nothing";
  transfers.take_back(dropped.id);
  ASSERT_EQ(withdrawn(), 2U);
  EXPECT_EQ(data_plane.of(handoff::Kind::withdraw)[1].text(Tag::state), "withdrawn") << "it ends the item and says so";
  EXPECT_EQ(transfers.count(), 0U);
}

TEST_F(TransfersTest, LateWordsAboutWhatIsOverHaveNoEffect) {
  const Item item = begun(1000);
  transfers.forget(item.id);
  const std::size_t credits = fetchers.of(mailbox::Kind::credit).size();
  grant(item, 4);
  give(item, 0, 600);
  EXPECT_FALSE(end(item, 1000).fetch);
  EXPECT_TRUE(fail(item, "gone").not_fetched.empty());
  EXPECT_EQ(fetchers.of(mailbox::Kind::credit).size(), credits);
  EXPECT_EQ(passed(item), 0U);
  EXPECT_EQ(again(item).state, ItemState::fetching);
}

}  // namespace
}  // namespace pushmail
