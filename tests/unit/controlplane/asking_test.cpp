// Which mails are announced when: floods of strangers, the mailbox's own mail behind them, and weeks of mails, answers and ends by chance.
#include <algorithm>
#include <random>
#include <set>

#include "controlplane/store/ledger.h"
#include "core/timers.h"
#include "tests/unit/controlplane/world.h"

namespace pushmail {
namespace {

using handoff::Tag;

struct AskingTest : World {
  int uid = 0;
  std::vector<std::string> told;  // every notification that the SMSC took, in order

  ItemId forward() {
    const ItemId id = new_item_id(clock.at, 1);
    auto query = handoff::make(handoff::Kind::route_query, id);
    query.trace(handoff::tag(Tag::trace), new_trace_id())
        .text(handoff::tag(Tag::source), "smtp")
        .text(handoff::tag(Tag::recipient), "mail:15550100002@mms.example.net");
    query.text(handoff::tag(Tag::mail_from), "a@b.example")
        .text(handoff::tag(Tag::header_from), "spam@x.example")
        .text(handoff::tag(Tag::subject), "flood");
    flows.on_route_query(from_data(handoff::Kind::route_query, id, std::move(query)).view());
    return id;
  }
  void own_mail() { new_mail(std::to_string(++uid)); }
  void wait(Duration d) {
    clock.pass(d);
    flows.tick();
    smsc();
  }
  /// The SMSC takes what waits.
  void smsc() {
    const auto waiting = store->pending_sms(clock.at, 1000).value();
    for (const Sms& sms : waiting) {
      if (sms.kind != SmsKind::notify) continue;
      told.push_back(sms.text);
      ASSERT_TRUE(store->write([&]() -> Result<void> {
        PM_TRY(auto item, store->item(sms.item));
        if (item->state == ItemState::accepted) {
          PM_TRY([[maybe_unused]] const bool moved,
                 move_item(*store, *item, {.event = ItemEvent::notified, .reason = "x", .time = clock.at}));
        }
        return store->withdraw_sms(sms.item);
      }));
    }
    // Those about no mail are of no interest here.
    ASSERT_TRUE(store->write([&] { return store->withdraw_sms(ItemId{}); }));
  }
  static std::string code_in(const std::string& text) { return text.substr(text.rfind("Reply ") + 6, 2); }
  std::vector<CodeHolder> waiting_with_code() {
    auto holders = store->code_holders(ann).value();
    std::erase_if(holders, [](const CodeHolder& one) { return one.state > ItemState::notified; });
    return holders;
  }
};

TEST_F(AskingTest, AFloodIsThreeSmsAndOneThatCountsTheRest) {
  for (int i = 0; i < 40; ++i) {
    forward();
    clock.pass(milliseconds(19));
  }
  wait(seconds(5));
  EXPECT_EQ(told.size(), 3U) << "the burst is not over";
  for (int i = 0; i < 60; ++i) wait(seconds(60));
  ASSERT_EQ(told.size(), 4U) << "in an hour";
  EXPECT_NE(told[3].find("36 more wait. Reply "), std::string::npos) << told[3];

  own_mail();
  smsc();
  ASSERT_EQ(told.size(), 5U) << "the mailbox's own mail is announced at once";
  EXPECT_NE(told[4].find("joe@example.com"), std::string::npos);

  // Every answer brings the next; the phone gets every mail, and no SMS beside them.
  std::set<ItemId> asked;
  for (std::size_t i = 0; i < told.size(); ++i) {
    const auto item = store->item_of_code(ann, code_in(told[i])).value();
    ASSERT_TRUE(item);
    asked.insert(item->id);
    answer(ann, code_in(told[i]));
    EXPECT_EQ(again(*item).state == ItemState::requested || again(*item).state == ItemState::fetching, true);
    smsc();
  }
  EXPECT_EQ(asked.size(), 41U);
  EXPECT_EQ(told.size(), 41U);
}

TEST_F(AskingTest, AMailboxThatIsFloodedIsCountedToo) {
  for (int i = 0; i < 300; ++i) own_mail();
  wait(seconds(11));
  ASSERT_EQ(told.size(), 11U);
  EXPECT_NE(told.back().find("289 more wait"), std::string::npos) << told.back();
}

TEST_F(AskingTest, WhoAnswersIsNotMadeToWait) {
  for (int i = 0; i < 50; ++i) {
    own_mail();
    smsc();
    ASSERT_EQ(told.size(), static_cast<std::size_t>(i) + 1);
    answer(ann, code_in(told.back()));
    clock.pass(seconds(1));
  }
}

TEST_F(AskingTest, MailsThatLostTheirCodeComeBackByAnswers) {
  settings.announcements.strangers = {.count = 80, .window = seconds(60)};
  settings.announcements.strangers_codes_max = 5;
  for (int i = 0; i < 12; ++i) {
    forward();
    wait(seconds(700));
  }
  EXPECT_EQ(told.size(), 12U) << "each was announced";
  EXPECT_EQ(waiting_with_code().size(), 5U);
  wait(seconds(86'400));
  EXPECT_EQ(told.size(), 12U) << "nobody is reminded of mails he did not want";
  std::set<ItemId> asked;
  for (int i = 0; i < 12; ++i) {
    const auto holders = waiting_with_code();
    ASSERT_FALSE(holders.empty());
    asked.insert(holders.front().item);
    answer(ann, holders.front().code);
    smsc();
  }
  EXPECT_EQ(asked.size(), 12U);
}

TEST_F(AskingTest, WhatWasNeverAskedForEnds) {
  for (int i = 0; i < 40; ++i) forward();
  for (int day = 0; day < 15; ++day) wait(seconds(86'400));
  const auto all = items();
  EXPECT_TRUE(std::ranges::all_of(all, [](const Item& one) { return one.state == ItemState::expired; }));
  EXPECT_EQ(data_plane.of(handoff::Kind::route_answer).back().text(Tag::decision), "refuse");
}

TEST_F(AskingTest, TheMailsOfASuspendedMailboxAreNotAnnounced) {
  forward();
  for (int i = 0; i < 5; ++i) forward();
  smsc();
  Binding binding = *store->binding("b1").value();
  binding.state = BindingState::suspended;
  ASSERT_TRUE(store->update_binding(binding));
  wait(seconds(60));
  EXPECT_EQ(told.size(), 3U);
}

// Weeks of one phone, drawn at random. What holds at every step: no two mails that wait share a code (the store's index); an answer within
// ten minutes fetches the mail that the SMS named; the mailbox's own mail is never without a code when its turn has come; unanswered SMS
// stay within the limits.
struct CodesByChance : AskingTest, ::testing::WithParamInterface<std::uint32_t> {};

TEST_P(CodesByChance, HoldWhatTheyPromise) {
  std::mt19937 random(GetParam());
  const auto draw = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
  struct Announced {
    ItemId item;
    std::string code;
    Timestamp at;
  };
  std::vector<Announced> announced;
  const Timestamp end{clock.at.us + 14LL * 86'400'000'000};
  while (clock.at.us < end.us) {
    switch (draw(8)) {
      case 0:
      case 1: {
        const std::uint32_t count = draw(6) == 0 ? draw(60) : 1;
        for (std::uint32_t i = 0; i < count; ++i) own_mail();
        break;
      }
      case 2: {
        const std::uint32_t count = draw(6) == 0 ? draw(60) : 1;
        for (std::uint32_t i = 0; i < count; ++i) forward();
        break;
      }
      case 3: {
        if (announced.empty()) break;
        const Announced one =
            announced[announced.size() - 1 - draw(static_cast<std::uint32_t>(std::min<std::size_t>(announced.size(), 20)))];
        const ItemState before = store->item(one.item).value()->state;
        answer(ann, one.code);
        if (clock.at.us - one.at.us < timers::code_fresh.us() && before <= ItemState::notified) {
          EXPECT_GE(store->item(one.item).value()->state, ItemState::requested) << "the SMS named another mail than the answer brought";
        }
        break;
      }
      case 4: {
        // One that is under way gets through, or fails.
        const auto under_way = store->items({.states = {ItemState::requested, ItemState::fetching}, .count_max = 20}).value();
        for (const Item& one : under_way) {
          if (draw(2) == 0)
            outcome(one.id, draw(4) == 0 ? ItemState::failed : ItemState::submitted, draw(4) == 0 ? "" : "mm-" + to_string(one.id));
        }
        break;
      }
      default:
        break;
    }
    wait(milliseconds(1000 + static_cast<std::int64_t>(draw(draw(10) == 0 ? 20'000'000 : 600'000))));
    const auto holders = store->code_holders(ann).value();
    for (const CodeHolder& holder : holders) {
      const bool known =
          std::ranges::any_of(announced, [&](const Announced& one) { return one.item == holder.item && one.code == holder.code; });
      if (!known && holder.announced.us != 0) announced.push_back({holder.item, holder.code, holder.announced});
    }
    for (const Origin origin : {Origin::own, Origin::stranger}) {
      const AnnouncementLimit& limit = origin == Origin::own ? settings.announcements.own : settings.announcements.strangers;
      const Unanswered unanswered = store->unanswered(ann, origin, {clock.at.us - limit.window.us()}).value();
      const bool its_turn = unanswered.count <= limit.count && clock.at.us - unanswered.last.us >= 10'000'000;
      if (origin == Origin::own && its_turn) {
        EXPECT_EQ(store->count_waiting(ann, origin).value() == 0 || asking.announce(), true) << "exhausted";
      }
    }
    if (HasFailure()) return;
  }
  EXPECT_GT(told.size(), 100U);
  std::set<std::string> codes;
  const auto holders = store->code_holders(ann).value();
  for (const CodeHolder& holder : holders) EXPECT_TRUE(codes.insert(holder.code).second);
}
INSTANTIATE_TEST_SUITE_P(Seeds, CodesByChance, ::testing::Range(1U, 5U));

}  // namespace
}  // namespace pushmail
