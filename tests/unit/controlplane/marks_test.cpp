// Marks in mailboxes: which mail gets one, how often the mailbox is asked, and when it is given up.
#include "controlplane/marks.h"

#include <functional>

#include "tests/unit/controlplane/world.h"

namespace pushmail {
namespace {

using mailbox::Tag;

struct MarksTest : World {
  Marks marks{{*store, clock, fetchers}};

  Item stored(Source source = Source::mailbox, MarkProgress progress = MarkProgress::none) {
    clock.pass(milliseconds(5));
    Item item{.id = new_item_id(clock.at, 1),
              .source = source,
              .binding = "b1",
              .msisdn = ann,
              .uid_validity = 3,
              .uid = "u" + std::to_string(clock.at.us),
              .state = ItemState::delivered,
              .attempts = 4,
              .mark = progress};
    EXPECT_TRUE(store->add_item(item).value());
    return item;
  }
  Item begun() {
    Item item = stored();
    EXPECT_TRUE(store->write([&]() -> Result<void> {
      PM_TRY_VOID(marks.begin(item));
      return store->update_item(item);
    }));
    return item;
  }
  MarkProgress progress_of(Item item) {
    EXPECT_TRUE(marks.begin(item));
    return item.mark;
  }
  void change(const std::function<void(Binding&)>& what) {
    Binding binding = store->binding("b1").value().value();
    what(binding);
    ASSERT_TRUE(store->update_binding(binding));
  }
  void answer_of_mailbox(const Item& item, const std::string& reason) {
    auto record = make(mailbox::Kind::marked, item.id);
    record.text(tag(Tag::mark), "seen");
    if (!reason.empty()) record.text(tag(Tag::reason), reason);
    marks.on_marked(from_fetcher(std::move(record), mailbox::Kind::marked, item.id).view());
  }
  std::size_t asked() { return fetchers.of(mailbox::Kind::mark).size(); }
};

TEST_F(MarksTest, AMailOfAMailboxIsMarkedOnceAsItsBindingWants) {
  EXPECT_EQ(progress_of(stored()), MarkProgress::pending);
  EXPECT_EQ(progress_of(stored(Source::smtp)), MarkProgress::none) << "no mailbox has it";
  for (const MarkProgress before : {MarkProgress::pending, MarkProgress::done, MarkProgress::failed})
    EXPECT_EQ(progress_of(stored(Source::mailbox, before)), before);
  change([](Binding& binding) { binding.mark = MarkPolicy::none; });
  EXPECT_EQ(progress_of(stored()), MarkProgress::none);
}

TEST_F(MarksTest, TheFetcherIsAskedAndItsWordIsTheEnd) {
  const Item item = begun();
  EXPECT_EQ(again(item).attempts, 4U) << "those are the item's own";
  marks.tick();
  ASSERT_EQ(asked(), 1U);
  const SentRecord mark = fetchers.of(mailbox::Kind::mark)[0];
  EXPECT_EQ(mark.item, item.id);
  EXPECT_EQ(mark.view().text(tag(Tag::uid)), item.uid);
  EXPECT_EQ(mark.view().u64(tag(Tag::uid_validity)), 3U);
  EXPECT_EQ(mark.view().text(tag(Tag::mark)), to_string(store->binding("b1").value()->mark));
  marks.tick();
  EXPECT_EQ(asked(), 1U) << "not again at once";
  answer_of_mailbox(item, "");
  EXPECT_EQ(again(item).mark, MarkProgress::done);
  answer_of_mailbox(item, "");
  EXPECT_EQ(events_of(item), std::vector<std::string>{"marked"}) << "a repeat has no second effect";
  clock.pass(seconds(86'400));
  marks.tick();
  EXPECT_EQ(asked(), 1U);
}

TEST_F(MarksTest, ARefusalOrSilenceIsAskedAgainLaterAndLater) {
  const Item item = begun();
  marks.tick();
  EXPECT_EQ(again(item).mark_at.us - clock.at.us, seconds(30).us());
  answer_of_mailbox(item, "read-only");
  EXPECT_EQ(again(item).mark, MarkProgress::pending);
  clock.pass(seconds(30));
  marks.tick();
  EXPECT_EQ(asked(), 2U);
  EXPECT_EQ(again(item).mark_at.us - clock.at.us, seconds(60).us()) << "no word came, and it counts too";
}

TEST_F(MarksTest, TenTriesAreTheMost) {
  const Item silent = begun();
  for (int i = 0; i < 40; ++i) {
    marks.tick();
    clock.pass(seconds(6 * 3600));
  }
  EXPECT_EQ(asked(), 10U);
  EXPECT_EQ(again(silent).mark, MarkProgress::failed);
  EXPECT_EQ(events_of(silent), std::vector<std::string>{"mark_given_up"});

  const Item refused = begun();
  for (int i = 0; i < 10; ++i) {
    marks.tick();
    answer_of_mailbox(refused, "read-only");
    EXPECT_EQ(again(refused).mark, i < 9 ? MarkProgress::pending : MarkProgress::failed) << i;
    clock.pass(seconds(6 * 3600));
  }
}

TEST_F(MarksTest, WhatNobodyWantsIsGivenUpUnasked) {
  const Item unwanted = begun();
  change([](Binding& binding) { binding.mark = MarkPolicy::none; });
  marks.tick();
  EXPECT_EQ(again(unwanted).mark, MarkProgress::failed);
  change([](Binding& binding) { binding.mark = MarkPolicy::seen; });
  const Item orphan = begun();
  change([](Binding& binding) { binding.state = BindingState::removed; });
  marks.tick();
  EXPECT_EQ(again(orphan).mark, MarkProgress::failed);
  EXPECT_EQ(asked(), 0U);
}

TEST_F(MarksTest, WhatCannotBeAskedNowWaitsWithoutBeingCounted) {
  const Item item = begun();
  fetchers.up = false;
  marks.tick();
  EXPECT_EQ(again(item).mark_attempts, 0U);
  EXPECT_GT(again(item).mark_at, clock.at) << "it makes room for others";
  fetchers.up = true;
  change([](Binding& binding) { binding.state = BindingState::suspended; });
  clock.pass(seconds(30));
  marks.tick();
  EXPECT_EQ(again(item).mark_attempts, 0U);
  EXPECT_EQ(asked(), 0U);
  change([](Binding& binding) { binding.state = BindingState::active; });
  clock.pass(seconds(30));
  marks.tick();
  EXPECT_EQ(asked(), 1U);
  EXPECT_EQ(again(item).mark_attempts, 1U);
}

}  // namespace
}  // namespace pushmail
