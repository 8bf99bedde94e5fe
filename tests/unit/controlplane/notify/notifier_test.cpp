// The outgoing SMS of the store: what goes when, what is written down before it, and how many may go.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "controlplane/notify/notifier.h"
#include "controlplane/notify/sms_kinds.h"
#include "controlplane/store/ledger.h"
#include "controlplane/store/sqlite_store.h"
#include "tests/unit/controlplane/notify/hand_clock.h"

namespace pushmail::notify {
namespace {

// A bearer that keeps what it is given.
class FakeBearer final : public Bearer {
 public:
  bool ready = true;
  std::size_t window = 2;
  std::vector<OutgoingSms> given;
  [[nodiscard]] bool is_ready() const override { return ready; }
  [[nodiscard]] std::size_t room() const override { return ready && given.size() < window ? window - given.size() : 0; }
  void submit(const OutgoingSms& sms) override { given.push_back(sms); }
  [[nodiscard]] std::string state() const override { return "fake"; }
  OutgoingSms take() {
    const OutgoingSms first = given.front();
    given.erase(given.begin());
    return first;
  }
};

struct NotifierTest : ::testing::Test {
  HandClock clock;
  std::unique_ptr<Store> store = open_sqlite_store(":memory:").value();
  FakeBearer bearer;
  Notifier notifier{*store, clock, [](const IncomingSms&) { return Taken::yes; }, {.per_hour_max = 100}};
  Msisdn phone = Msisdn::from_digits("15550100002").value();

  void SetUp() override { notifier.use(bearer); }
  int next_code_ = 17;  // a code has one holder
  Timestamp created = clock.wall();
  Item notify(ItemState state = ItemState::accepted) {
    Item item{.id = new_item_id(clock.wall(), 1),
              .trace = new_trace_id(),
              .source = Source::mailbox,
              .msisdn = phone,
              .state = state,
              .reply_code = std::to_string(next_code_++)};
    EXPECT_TRUE(store->add_item(item).value());
    EXPECT_TRUE(
        store->queue_sms({.msisdn = phone, .text = "Reply 17 to get it", .kind = SmsKind::notify, .item = item.id, .created = created}));
    return item;
  }
  void break_off(std::vector<std::int64_t> maybe_sent) {
    bearer.ready = false;
    bearer.given.clear();
    notifier.on_bearer_lost("cut", maybe_sent);
  }
  void come_back() {
    bearer.ready = true;
    notifier.on_bearer_ready();
  }
  std::vector<std::string> events(const Item& item) {
    std::vector<std::string> names;
    const auto rows = store->history(item.id).value();
    for (const HistoryRow& row : rows) names.push_back(row.event);
    return names;
  }
  ItemState state(const Item& item) { return store->item(item.id).value()->state; }
};

TEST_F(NotifierTest, AnItemIsNotifiedWhenTheSmscHasTheSms) {
  const Item item = notify();
  notifier.pump();
  notifier.pump();
  ASSERT_EQ(bearer.given.size(), 1U) << "offered once";
  EXPECT_EQ(state(item), ItemState::accepted);
  notifier.on_sms_sent(bearer.take().id, {"1a2b"});
  EXPECT_EQ(state(item), ItemState::notified);
  EXPECT_TRUE(store->pending_sms(clock.wall(), 10).value().empty());
  notifier.on_bearer_ready();
  EXPECT_TRUE(bearer.given.empty()) << "what was answered is not sent again";
  EXPECT_EQ(store->history(item.id).value().at(0).event, "notified");
}

TEST_F(NotifierTest, ItIsWrittenDownBeforeItLeaves) {
  notify();
  notifier.pump();
  ASSERT_EQ(bearer.given.size(), 1U);
  const auto left = store->submitting_sms().value();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].submits, 1U);
  EXPECT_EQ(left[0].submitted_at, clock.wall());
}

TEST_F(NotifierTest, WhatMayHaveBeenSentIsSentOnceMoreMinutesLater) {
  const Item item = notify();
  notifier.pump();
  const OutgoingSms lost = bearer.take();
  break_off({lost.id});
  notifier.on_sms_sent(lost.id, {"late"});
  EXPECT_EQ(state(item), ItemState::accepted) << "an answer of the old connection counts no more";
  come_back();
  EXPECT_TRUE(bearer.given.empty()) << "not in the burst after the rebind";
  EXPECT_EQ(events(item).back(), "notify_in_doubt");
  clock.advance(seconds(119));
  notifier.pump();
  EXPECT_TRUE(bearer.given.empty());
  clock.advance(seconds(1));
  notifier.pump();
  ASSERT_EQ(bearer.given.size(), 1U);
  EXPECT_EQ(bearer.given[0].id, lost.id);
  notifier.on_sms_sent(bearer.take().id, {"1a2b"});
  EXPECT_EQ(state(item), ItemState::notified);
  const auto rows = store->history(item.id).value();
  EXPECT_EQ(rows.back().details.back().first, "reason");
  EXPECT_TRUE(std::ranges::any_of(rows.back().details, [](const auto& detail) { return detail.first == "duplicate_possible"; }));
}

TEST_F(NotifierTest, WhatNeverLeftGoesAtOnce) {
  const Item item = notify();
  notifier.pump();
  const OutgoingSms lost = bearer.take();
  break_off({});
  come_back();
  ASSERT_EQ(bearer.given.size(), 1U);
  EXPECT_EQ(bearer.given[0].id, lost.id);
  EXPECT_TRUE(events(item).empty());
}

TEST_F(NotifierTest, TwiceInDoubtIsSetAsideAndTheItemLivesOn) {
  const Item item = notify();
  notifier.pump();
  break_off({bearer.take().id});
  clock.advance(seconds(120));
  come_back();
  break_off({bearer.take().id});
  clock.advance(seconds(86'400));
  come_back();
  EXPECT_TRUE(bearer.given.empty()) << "never a third time";
  EXPECT_EQ(events(item).back(), "notify_set_aside");
  EXPECT_EQ(state(item), ItemState::accepted) << "the phone may have it and answer, else its code expires";
  EXPECT_NE(store->item(item.id).value()->reason.find("cut"), std::string::npos);
  EXPECT_EQ(notifier.counts().set_aside, 1U);
}

TEST_F(NotifierTest, ADoubtfulOneGoesAlone) {
  notify();
  notifier.pump();
  const std::int64_t doubtful = bearer.take().id;
  break_off({doubtful});
  clock.advance(seconds(120));
  notify();
  come_back();
  ASSERT_EQ(bearer.given.size(), 1U);
  EXPECT_EQ(bearer.given[0].id, doubtful);
  notify();
  notifier.pump();
  EXPECT_EQ(bearer.given.size(), 1U) << "nothing beside it";
  notifier.on_sms_sent(bearer.take().id, {"x"});
  EXPECT_EQ(bearer.given.size(), 2U);
}

TEST_F(NotifierTest, ADoubtfulOneWaitsForWhatIsInFlight) {
  notify();
  notifier.pump();
  const std::int64_t doubtful = bearer.take().id;
  break_off({doubtful});
  come_back();
  clock.advance(seconds(118));
  notify();
  notifier.pump();
  ASSERT_EQ(bearer.given.size(), 1U);
  clock.advance(seconds(2));
  notify();
  notifier.pump();
  EXPECT_EQ(bearer.given.size(), 1U) << "nothing new begins before it either";
  notifier.on_sms_sent(bearer.take().id, {"x"});
  ASSERT_EQ(bearer.given.size(), 1U);
  EXPECT_EQ(bearer.given[0].id, doubtful);
}

// The SMSC answers neither of them, and everybody else.
TEST_F(NotifierTest, ADoubtfulOneHoldsNobodyUpForLong) {
  bearer.window = 4;
  notify();
  notify();
  notifier.pump();
  const std::vector<std::int64_t> doubtful{bearer.take().id, bearer.take().id};
  for (const std::int64_t id : doubtful) notifier.on_sms_in_doubt(id, "the SMSC answers others and not this one");
  clock.advance(seconds(120));
  notifier.pump();
  ASSERT_EQ(bearer.given.size(), 1U);
  EXPECT_EQ(bearer.take().id, doubtful[0]);
  notify();
  clock.advance(milliseconds(4999));
  notifier.pump();
  EXPECT_TRUE(bearer.given.empty());
  clock.advance(milliseconds(1));
  notifier.pump();
  ASSERT_EQ(bearer.given.size(), 1U) << "five seconds are enough for an answer";
  for (int i = 0; i < 59; ++i) {
    notifier.on_sms_sent(bearer.take().id, {"x"});
    clock.advance(seconds(1));
    notify();
    notifier.pump();
    ASSERT_EQ(bearer.given.size(), 1U);
    EXPECT_NE(bearer.given[0].id, doubtful[1]) << "the others first, for a minute: second " << i;
  }
  notifier.on_sms_sent(bearer.take().id, {"x"});
  clock.advance(seconds(1));
  notifier.pump();
  ASSERT_EQ(bearer.given.size(), 1U);
  EXPECT_EQ(bearer.given[0].id, doubtful[1]);
}

TEST_F(NotifierTest, AfterABreakOneFliesAndOneMoreWithEachAnswer) {
  for (int i = 0; i < 6; ++i) notify();
  bearer.window = 3;
  notifier.pump();
  ASSERT_EQ(bearer.given.size(), 3U);
  std::vector<std::int64_t> ids;
  while (!bearer.given.empty()) ids.push_back(bearer.take().id);
  break_off(ids);
  come_back();
  EXPECT_EQ(bearer.given.size(), 1U);
  notifier.on_sms_sent(bearer.take().id, {"x"});
  EXPECT_EQ(bearer.given.size(), 2U);
}

TEST_F(NotifierTest, AfterABreakAtADoubtfulOneTheOthersGoFirst) {
  notify();
  notify();
  notifier.pump();
  break_off({bearer.take().id, bearer.take().id});
  clock.advance(seconds(120));
  come_back();
  break_off({bearer.take().id});
  notify();
  come_back();
  ASSERT_EQ(bearer.given.size(), 1U);
  const Sms fresh = store->submitting_sms().value().at(0);
  EXPECT_EQ(fresh.doubts, 0U);
}

TEST_F(NotifierTest, ARestartFindsWhatWasSubmitted) {
  const Item item = notify();
  notifier.pump();
  const std::int64_t id = bearer.take().id;
  FakeBearer other_bearer;
  Notifier other{*store, clock, [](const IncomingSms&) { return Taken::yes; }, {.per_hour_max = 100}};
  other.use(other_bearer);
  other.on_bearer_ready();
  EXPECT_TRUE(other_bearer.given.empty());
  EXPECT_EQ(events(item).back(), "notify_in_doubt");
  clock.advance(seconds(120));
  other.pump();
  ASSERT_EQ(other_bearer.given.size(), 1U);
  EXPECT_EQ(other_bearer.given[0].id, id);
}

TEST_F(NotifierTest, WhoAnsweredIsNotToldAgain) {
  Item item = notify();
  notifier.pump();
  break_off({bearer.take().id});
  item.state = ItemState::requested;
  ASSERT_TRUE(store->update_item(item));
  clock.advance(seconds(120));
  come_back();
  EXPECT_TRUE(bearer.given.empty());
  EXPECT_EQ(state(item), ItemState::requested);
}

TEST_F(NotifierTest, APartlyTakenTextIsInDoubt) {
  const Item item = notify();
  notifier.pump();
  notifier.on_sms_in_doubt(bearer.take().id, "queue full");
  EXPECT_EQ(events(item).back(), "notify_in_doubt");
  EXPECT_TRUE(bearer.given.empty());
}

// Whatever queued it and whatever its reason: a text that nobody limited meets the ceiling of its kind.
TEST_F(NotifierTest, NoKindPassesItsCeiling) {
  bearer.window = 1000;
  const Item item{
      .id = new_item_id(clock.wall(), 1), .trace = new_trace_id(), .msisdn = phone, .state = ItemState::accepted, .reply_code = "17"};
  ASSERT_TRUE(store->add_item(item).value());
  for (const SmsCeiling& row : sms_ceilings) {
    for (int i = 0; i < 150; ++i) {
      ASSERT_TRUE(store->queue_sms({.msisdn = phone,
                                    .text = std::string(to_string(row.kind)),
                                    .kind = row.kind,
                                    .item = row.kind == SmsKind::notify ? item.id : ItemId(),
                                    .created = clock.wall()}));
    }
  }
  std::map<std::string, std::vector<Timestamp>> went;
  for (int minute = 0; minute < 180; ++minute) {
    notifier.pump();
    while (!bearer.given.empty()) {
      const OutgoingSms sms = bearer.take();
      went[sms.text].push_back(clock.wall());
      // Put off, refused, lost or taken: it left.
      switch (went[sms.text].size() % 4) {
        case 0:
          notifier.on_sms_deferred(sms.id, "full");
          break;
        case 1:
          notifier.on_sms_sent(sms.id, {"x"});
          break;
        case 2:
          notifier.on_sms_refused(sms.id, "no");
          break;
        default:
          notifier.on_sms_in_doubt(sms.id, "cut");
          break;
      }
    }
    clock.advance(seconds(60));
  }
  for (const SmsCeiling& row : sms_ceilings) {
    const auto& times = went.at(std::string(to_string(row.kind)));
    for (const Timestamp end : times) {
      const auto within = std::ranges::count_if(times, [&](Timestamp at) { return at <= end && end.us - at.us < 3'600'000'000; });
      EXPECT_LE(static_cast<std::uint64_t>(within), row.per_hour_max) << to_string(row.kind);
    }
    EXPECT_GE(times.size(), std::min<std::size_t>(150, 2 * row.per_hour_max))
        << to_string(row.kind) << ": what is withheld goes in a later hour";
  }
  EXPECT_GT(notifier.counts().withheld, 0U);
}

TEST_F(NotifierTest, TheCeilingHoldsAcrossARestartAndForEachPhoneAlone) {
  bearer.window = 1000;
  const Msisdn other_phone = Msisdn::from_digits("15550100003").value();
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(store->queue_sms({.msisdn = phone, .text = "a", .kind = SmsKind::subscribe, .created = clock.wall()}));
    ASSERT_TRUE(store->queue_sms({.msisdn = other_phone, .text = "b", .kind = SmsKind::subscribe, .created = clock.wall()}));
  }
  notifier.pump();
  EXPECT_EQ(bearer.given.size(), 4U);
  while (!bearer.given.empty()) notifier.on_sms_sent(bearer.take().id, {"x"});
  Notifier other{*store, clock, [](const IncomingSms&) { return Taken::yes; }, {.per_hour_max = 100}};
  other.use(bearer);
  clock.advance(seconds(3599));
  other.on_bearer_ready();
  EXPECT_TRUE(bearer.given.empty());
  clock.advance(seconds(1));
  other.pump();
  EXPECT_EQ(bearer.given.size(), 4U);
}

TEST_F(NotifierTest, TheConfiguredCeilingLowersAllOfThem) {
  bearer.window = 1000;
  Notifier strict{*store, clock, [](const IncomingSms&) { return Taken::yes; }, {.per_hour_max = 3}};
  strict.use(bearer);
  for (int i = 0; i < 9; ++i) notify();
  strict.on_bearer_ready();
  EXPECT_EQ(bearer.given.size(), 3U);
}

TEST_F(NotifierTest, TheCeilingIsExplainedAndADayIsTheEnd) {
  bearer.window = 1000;
  Notifier strict{*store, clock, [](const IncomingSms&) { return Taken::yes; }, {.per_hour_max = 1}};
  strict.use(bearer);
  notify();
  const Item item = notify();
  strict.on_bearer_ready();
  EXPECT_EQ(events(item).back(), "notify_withheld");
  for (int hour = 0; hour < 24; ++hour) {
    EXPECT_EQ(state(item), ItemState::accepted);
    strict.on_sms_sent(bearer.take().id, {"x"});
    clock.advance(seconds(3600));
    // Another one is before it all day long.
    ASSERT_TRUE(store->queue_sms({.msisdn = phone, .text = "x", .kind = SmsKind::notify, .item = {}, .created = clock.wall()}));
    strict.pump();
    ASSERT_EQ(bearer.given.size(), 1U);
  }
  EXPECT_EQ(state(item), ItemState::failed);
  EXPECT_NE(store->item(item.id).value()->reason.find("within an hour"), std::string::npos);
}

TEST_F(NotifierTest, TheWindowBoundsWhatIsOffered) {
  for (int i = 0; i < 5; ++i) notify();
  notifier.pump();
  EXPECT_EQ(bearer.given.size(), 2U);
  const OutgoingSms first = bearer.take();
  notifier.on_sms_sent(first.id, {"x"});
  EXPECT_EQ(bearer.given.size(), 2U);
  EXPECT_NE(bearer.given[1].id, first.id);
}

TEST_F(NotifierTest, ARefusalExplainsTheItem) {
  const Item item = notify();
  notifier.pump();
  notifier.on_sms_refused(bearer.take().id, "bad destination");
  EXPECT_EQ(state(item), ItemState::failed);
  EXPECT_NE(store->item(item.id).value()->reason.find("bad destination"), std::string::npos);
}

TEST_F(NotifierTest, WhatTheSmscPutsOffIsTriedMuchLater) {
  const Item item = notify();
  notifier.pump();
  notifier.on_sms_deferred(bearer.take().id, "queue full");
  EXPECT_TRUE(bearer.given.empty()) << "not at once";
  EXPECT_EQ(state(item), ItemState::accepted);
  EXPECT_NE(store->item(item.id).value()->reason.find("queue full"), std::string::npos);
  const auto later = store->pending_sms({clock.wall().us + 31'000'000}, 10).value();
  ASSERT_EQ(later.size(), 1U);
  EXPECT_EQ(later[0].attempts, 1U);
}

// An SMSC that puts off for ever: few submits a minute, all of them counted, and an end after a day.
TEST_F(NotifierTest, PutOffForEverLeavesFewSubmits) {
  const Item item = notify();
  std::vector<Timestamp> times;
  for (int i = 0; i < 2 * 86'400 && state(item) == ItemState::accepted; ++i) {
    notifier.pump();
    while (!bearer.given.empty()) {
      times.push_back(clock.wall());
      notifier.on_sms_deferred(bearer.take().id, "throttled");
    }
    clock.advance(seconds(1));
  }
  EXPECT_EQ(state(item), ItemState::failed);
  const auto within = [&](std::int64_t seconds) {
    return std::ranges::count_if(times, [&](Timestamp at) { return at.us - times.front().us < seconds * 1'000'000; });
  };
  EXPECT_LE(within(60), 4);
  EXPECT_LE(within(3600), 10);
  EXPECT_LE(times.size(), 36U);
  EXPECT_GE(times.back().us - times.front().us, 86'000'000'000);
}

TEST_F(NotifierTest, WhatTheSmscPutsOffForADayIsRefused) {
  created.us -= 86'400'000'000;
  const Item item = notify();
  notifier.pump();
  notifier.on_sms_deferred(bearer.take().id, "queue full");
  EXPECT_EQ(state(item), ItemState::failed);
}

TEST_F(NotifierTest, ANotificationThatComesLateDoesNotTurnAnItemBack) {
  const Item item = notify(ItemState::requested);
  notifier.pump();
  notifier.on_sms_sent(bearer.take().id, {"x"});
  EXPECT_EQ(state(item), ItemState::requested);
}

// What submit_sm_resp and a receipt say of one message, and what becomes of it.
struct ReceiptRow {
  std::string_view name;
  std::vector<std::string> responses;  // of each part
  std::string_view receipt_id;
  std::string_view source;
  wap::NumberType type;
  std::string_view destination;
  std::string_view event;  // the last one of the history
};
const std::vector<ReceiptRow>& receipt_rows() {
  constexpr auto whole = wap::NumberType::international;
  static const std::vector<ReceiptRow> rows{
      {"as it is", {"1a2b"}, "1a2b", "15550100002", whole, "5000", "sms_receipt"},
      {"other case", {"ab12-cd34"}, "AB12-CD34", "15550100002", whole, "5000", "sms_receipt"},
      {"zeros lost", {"0001715006"}, "1715006", "15550100002", whole, "5000", "sms_receipt"},
      {"response hex", {"1A2B3C"}, "1715004", "15550100002", whole, "5000", "sms_receipt"},
      {"receipt hex", {"1715005"}, "1A2B3D", "15550100002", whole, "5000", "sms_receipt"},
      {"of the second part", {"880001", "880002"}, "880002", "15550100002", whole, "5000", "sms_receipt"},
      {"with plus", {"7"}, "7", "+15550100002", whole, "5000", "sms_receipt"},
      {"swapped", {"8"}, "8", "5000", wap::NumberType::unknown, "15550100002", "sms_receipt"},
      {"without country code", {"9"}, "9", "05550100002", wap::NumberType::national, "5000", "sms_receipt"},
      {"nobody's address", {"10"}, "10", "Mail", wap::NumberType::unknown, "5000", "sms_receipt"},
      {"another phone", {"11"}, "11", "15550100009", whole, "5000", "notified"},
      {"another id", {"12"}, "13", "15550100002", whole, "5000", "sms_receipt_unmatched"},
      {"no id", {""}, "0", "15550100002", whole, "5000", "sms_receipt_unmatched"},
  };
  return rows;
}

TEST_F(NotifierTest, ReceiptsAreFoundInWhateverForm) {
  for (const ReceiptRow& row : receipt_rows()) {
    const Item item = notify();
    notifier.pump();
    notifier.on_sms_sent(bearer.take().id, row.responses);
    notifier.on_sms_receipt({.source = std::string(row.source),
                             .source_type = row.type,
                             .destination = std::string(row.destination),
                             .smsc_id = std::string(row.receipt_id),
                             .word = "DELIVRD"});
    EXPECT_EQ(events(item).back(), row.event) << row.name;
    clock.advance(seconds(3600));
  }
}

TEST_F(NotifierTest, ReceiptsOfPartsAreFoundThoughTheTextWasNotSent) {
  const auto receipt = [&](const std::string& id) {
    notifier.on_sms_receipt({.source = "15550100002", .source_type = wap::NumberType::international, .smsc_id = id, .word = "DELIVRD"});
  };
  const Item refused = notify();
  notifier.pump();
  const std::int64_t id = bearer.take().id;
  notifier.on_sms_parts(id, {"a1"});
  notifier.on_sms_refused(id, "no");
  receipt("A1");
  EXPECT_EQ(events(refused).back(), "sms_receipt");
  receipt("a3");
  notifier.on_sms_parts(id, {"a3"});
  EXPECT_EQ(std::ranges::count(events(refused), "sms_receipt"), 2) << "the answer came after the refusal, and after its receipt";
  const Item doubtful = notify();
  notifier.pump();
  const std::int64_t other = bearer.take().id;
  notifier.on_sms_parts(other, {"b1"});
  break_off({other});
  receipt("b1");
  EXPECT_EQ(events(doubtful).back(), "sms_receipt");
}

TEST_F(NotifierTest, AConfiguredFormIsTheOnlyOne) {
  Notifier strict{*store, clock, [](const IncomingSms&) { return Taken::yes; }, {.per_hour_max = 100}, {.form = sms::IdForm::response_hex}};
  strict.use(bearer);
  const Item item = notify();
  strict.pump();
  strict.on_sms_sent(bearer.take().id, {"1001"});
  strict.on_sms_receipt({.source = "15550100002", .smsc_id = "1001", .word = "DELIVRD"});
  EXPECT_EQ(events(item).back(), "sms_receipt_unmatched") << "the decimal 1001 is 3e9";
  strict.on_sms_receipt({.source = "15550100002", .smsc_id = "4097", .word = "DELIVRD"});
  EXPECT_EQ(events(item).back(), "sms_receipt");
}

// 10 may be the SMS that was answered 10, or the one that was answered a.
TEST_F(NotifierTest, AnIdThatMayBeTwoIsNoneUntilAFormIsProved) {
  const Item first = notify();
  notifier.pump();
  notifier.on_sms_sent(bearer.take().id, {"10"});
  const Item second = notify();
  notifier.pump();
  notifier.on_sms_sent(bearer.take().id, {"a"});
  notifier.on_sms_receipt({.source = "15550100002", .smsc_id = "10", .word = "DELIVRD"});
  EXPECT_EQ(events(first).back(), "notified");
  const Item third = notify();
  notifier.pump();
  notifier.on_sms_sent(bearer.take().id, {"1a2b"});
  notifier.on_sms_receipt({.source = "15550100002", .smsc_id = "6699", .word = "DELIVRD"});
  EXPECT_EQ(events(third).back(), "sms_receipt");
  notifier.on_sms_receipt({.source = "15550100002", .smsc_id = "10", .word = "EXPIRED"});
  EXPECT_EQ(events(second).back(), "sms_receipt") << "this SMSC answers in hex";
}

TEST_F(NotifierTest, AReceiptBeforeTheAnswerWaitsForIt) {
  const Item item = notify();
  notifier.pump();
  notifier.on_sms_receipt({.source = "15550100002", .smsc_id = "777001", .word = "DELIVRD"});
  EXPECT_TRUE(events(item).empty()) << "its answer may still come";
  clock.advance(seconds(30));
  notifier.on_sms_sent(bearer.take().id, {"777000", "777001"});
  EXPECT_EQ(events(item).back(), "sms_receipt");
  EXPECT_EQ(notifier.receipts().unmatched, 0U);
}

TEST_F(NotifierTest, AReceiptThatWaitsInVainIsSaidOnce) {
  const Item item = notify();
  notifier.pump();
  notifier.on_sms_sent(bearer.take().id, {"1"});
  const Item later = notify();
  notifier.pump();
  notifier.on_sms_receipt({.source = "15550100002", .smsc_id = "99", .word = "DELIVRD"});
  EXPECT_EQ(events(item).back(), "notified");
  clock.advance(seconds(601));
  notifier.pump();
  notifier.pump();
  EXPECT_EQ(events(item).back(), "sms_receipt_unmatched");
  EXPECT_EQ(std::ranges::count(events(item), "sms_receipt_unmatched"), 1);
  for (int i = 0; i < 3000; ++i) notifier.on_sms_receipt({.source = "15550100002", .smsc_id = "x" + std::to_string(i), .word = "DELIVRD"});
  EXPECT_LE(events(item).size(), 8U) << "one phone's receipts do not fill the history";
}

}  // namespace
}  // namespace pushmail::notify
