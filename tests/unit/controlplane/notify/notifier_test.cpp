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
  std::vector<OutgoingNotice> given;
  [[nodiscard]] bool is_ready() const override { return ready; }
  [[nodiscard]] std::size_t room() const override { return ready && given.size() < window ? window - given.size() : 0; }
  void submit(const OutgoingNotice& notice) override { given.push_back(notice); }
  void start() override {}
  void stop() override {}
  [[nodiscard]] std::string state() const override { return "fake"; }
  [[nodiscard]] std::string address() const override { return "nowhere"; }
  [[nodiscard]] std::string last_error() const override { return {}; }
  OutgoingNotice take() {
    const OutgoingNotice first = given.front();
    given.erase(given.begin());
    return first;
  }
};

// What Notifier owns, while the test keeps the bearer.
class Handle final : public Bearer {
 public:
  explicit Handle(FakeBearer& bearer) : bearer_(bearer) {}
  [[nodiscard]] bool takes(NoticeForm form) const override { return bearer_.takes(form); }
  [[nodiscard]] bool is_ready() const override { return bearer_.is_ready(); }
  [[nodiscard]] std::size_t room() const override { return bearer_.room(); }
  void submit(const OutgoingNotice& notice) override { bearer_.submit(notice); }
  void start() override { bearer_.start(); }
  void stop() override { bearer_.stop(); }
  [[nodiscard]] std::string state() const override { return bearer_.state(); }
  [[nodiscard]] std::string address() const override { return bearer_.address(); }
  [[nodiscard]] std::string last_error() const override { return bearer_.last_error(); }

 private:
  FakeBearer& bearer_;
};

/// Where the bearer's events go.
BearerEvents* add(Notifier& notifier, FakeBearer& bearer, Notifier::Place place = {.name = "smsc"}) {
  BearerEvents* line = nullptr;
  notifier.add(std::move(place), [&](BearerEvents& events) {
    line = &events;
    return std::make_unique<Handle>(bearer);
  });
  return line;
}

struct NotifierTest : ::testing::Test {
  HandClock clock;
  std::unique_ptr<Store> store = open_sqlite_store(":memory:").value();
  FakeBearer bearer;
  Notifier notifier{*store, clock, [](const IncomingSms&) { return Taken::yes; }, {.per_hour_max = 100}};
  Msisdn phone = Msisdn::from_digits("15550100002").value();

  BearerEvents* line = nullptr;
  void SetUp() override { line = add(notifier, bearer); }
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
    line->on_bearer_lost("cut", maybe_sent);
  }
  void come_back() {
    bearer.ready = true;
    line->on_bearer_ready();
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
  line->on_sent(bearer.take().id, {"1a2b"});
  EXPECT_EQ(state(item), ItemState::notified);
  EXPECT_TRUE(store->pending_sms(clock.wall(), 10).value().empty());
  line->on_bearer_ready();
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
  const OutgoingNotice lost = bearer.take();
  break_off({lost.id});
  line->on_sent(lost.id, {"late"});
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
  line->on_sent(bearer.take().id, {"1a2b"});
  EXPECT_EQ(state(item), ItemState::notified);
  const auto rows = store->history(item.id).value();
  EXPECT_EQ(rows.back().details.back().first, "reason");
  EXPECT_TRUE(std::ranges::any_of(rows.back().details, [](const auto& detail) { return detail.first == "duplicate_possible"; }));
}

TEST_F(NotifierTest, WhatNeverLeftGoesAtOnce) {
  const Item item = notify();
  notifier.pump();
  const OutgoingNotice lost = bearer.take();
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
  line->on_sent(bearer.take().id, {"x"});
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
  line->on_sent(bearer.take().id, {"x"});
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
  for (const std::int64_t id : doubtful) line->on_in_doubt(id, "the SMSC answers others and not this one");
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
    line->on_sent(bearer.take().id, {"x"});
    clock.advance(seconds(1));
    notify();
    notifier.pump();
    ASSERT_EQ(bearer.given.size(), 1U);
    EXPECT_NE(bearer.given[0].id, doubtful[1]) << "the others first, for a minute: second " << i;
  }
  line->on_sent(bearer.take().id, {"x"});
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
  line->on_sent(bearer.take().id, {"x"});
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
  add(other, other_bearer)->on_bearer_ready();
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
  line->on_in_doubt(bearer.take().id, "queue full");
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
      const OutgoingNotice sms = bearer.take();
      went[sms.text()].push_back(clock.wall());
      // Put off, refused, lost or taken: it left.
      switch (went[sms.text()].size() % 4) {
        case 0:
          line->on_deferred(sms.id, "full");
          break;
        case 1:
          line->on_sent(sms.id, {"x"});
          break;
        case 2:
          line->on_refused(sms.id, "no");
          break;
        default:
          line->on_in_doubt(sms.id, "cut");
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
  while (!bearer.given.empty()) line->on_sent(bearer.take().id, {"x"});
  Notifier other{*store, clock, [](const IncomingSms&) { return Taken::yes; }, {.per_hour_max = 100}};
  BearerEvents* other_line = add(other, bearer);
  clock.advance(seconds(3599));
  other_line->on_bearer_ready();
  EXPECT_TRUE(bearer.given.empty());
  clock.advance(seconds(1));
  other.pump();
  EXPECT_EQ(bearer.given.size(), 4U);
}

TEST_F(NotifierTest, TheConfiguredCeilingLowersAllOfThem) {
  bearer.window = 1000;
  Notifier strict{*store, clock, [](const IncomingSms&) { return Taken::yes; }, {.per_hour_max = 3}};
  BearerEvents* strict_line = add(strict, bearer);
  for (int i = 0; i < 9; ++i) notify();
  strict_line->on_bearer_ready();
  EXPECT_EQ(bearer.given.size(), 3U);
}

TEST_F(NotifierTest, TheCeilingIsExplainedAndADayIsTheEnd) {
  bearer.window = 1000;
  Notifier strict{*store, clock, [](const IncomingSms&) { return Taken::yes; }, {.per_hour_max = 1}};
  BearerEvents* strict_line = add(strict, bearer);
  notify();
  const Item item = notify();
  strict_line->on_bearer_ready();
  EXPECT_EQ(events(item).back(), "notify_withheld");
  for (int hour = 0; hour < 24; ++hour) {
    EXPECT_EQ(state(item), ItemState::accepted);
    strict_line->on_sent(bearer.take().id, {"x"});
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
  const OutgoingNotice first = bearer.take();
  line->on_sent(first.id, {"x"});
  EXPECT_EQ(bearer.given.size(), 2U);
  EXPECT_NE(bearer.given[1].id, first.id);
}

TEST_F(NotifierTest, ARefusalExplainsTheItem) {
  const Item item = notify();
  notifier.pump();
  line->on_refused(bearer.take().id, "bad destination");
  EXPECT_EQ(state(item), ItemState::failed);
  EXPECT_NE(store->item(item.id).value()->reason.find("bad destination"), std::string::npos);
}

TEST_F(NotifierTest, WhatTheSmscPutsOffIsTriedMuchLater) {
  const Item item = notify();
  notifier.pump();
  line->on_deferred(bearer.take().id, "queue full");
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
      line->on_deferred(bearer.take().id, "throttled");
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
  line->on_deferred(bearer.take().id, "queue full");
  EXPECT_EQ(state(item), ItemState::failed);
}

TEST_F(NotifierTest, ANotificationThatComesLateDoesNotTurnAnItemBack) {
  const Item item = notify(ItemState::requested);
  notifier.pump();
  line->on_sent(bearer.take().id, {"x"});
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
    line->on_sent(bearer.take().id, row.responses);
    line->on_receipt({.source = std::string(row.source),
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
    line->on_receipt({.source = "15550100002", .source_type = wap::NumberType::international, .smsc_id = id, .word = "DELIVRD"});
  };
  const Item refused = notify();
  notifier.pump();
  const std::int64_t id = bearer.take().id;
  line->on_parts(id, {"a1"});
  line->on_refused(id, "no");
  receipt("A1");
  EXPECT_EQ(events(refused).back(), "sms_receipt");
  receipt("a3");
  line->on_parts(id, {"a3"});
  EXPECT_EQ(std::ranges::count(events(refused), "sms_receipt"), 2) << "the answer came after the refusal, and after its receipt";
  const Item doubtful = notify();
  notifier.pump();
  const std::int64_t other = bearer.take().id;
  line->on_parts(other, {"b1"});
  break_off({other});
  receipt("b1");
  EXPECT_EQ(events(doubtful).back(), "sms_receipt");
}

TEST_F(NotifierTest, AConfiguredFormIsTheOnlyOne) {
  Notifier strict{*store, clock, [](const IncomingSms&) { return Taken::yes; }, {.per_hour_max = 100}};
  BearerEvents* strict_line = add(strict, bearer, {.name = "smsc", .receipts = {.form = sms::IdForm::response_hex}});
  const Item item = notify();
  strict.pump();
  strict_line->on_sent(bearer.take().id, {"1001"});
  strict_line->on_receipt({.source = "15550100002", .smsc_id = "1001", .word = "DELIVRD"});
  EXPECT_EQ(events(item).back(), "sms_receipt_unmatched") << "the decimal 1001 is 3e9";
  strict_line->on_receipt({.source = "15550100002", .smsc_id = "4097", .word = "DELIVRD"});
  EXPECT_EQ(events(item).back(), "sms_receipt");
}

// 10 may be the SMS that was answered 10, or the one that was answered a.
TEST_F(NotifierTest, AnIdThatMayBeTwoIsNoneUntilAFormIsProved) {
  const Item first = notify();
  notifier.pump();
  line->on_sent(bearer.take().id, {"10"});
  const Item second = notify();
  notifier.pump();
  line->on_sent(bearer.take().id, {"a"});
  line->on_receipt({.source = "15550100002", .smsc_id = "10", .word = "DELIVRD"});
  EXPECT_EQ(events(first).back(), "notified");
  const Item third = notify();
  notifier.pump();
  line->on_sent(bearer.take().id, {"1a2b"});
  line->on_receipt({.source = "15550100002", .smsc_id = "6699", .word = "DELIVRD"});
  EXPECT_EQ(events(third).back(), "sms_receipt");
  line->on_receipt({.source = "15550100002", .smsc_id = "10", .word = "EXPIRED"});
  EXPECT_EQ(events(second).back(), "sms_receipt") << "this SMSC answers in hex";
}

TEST_F(NotifierTest, AReceiptBeforeTheAnswerWaitsForIt) {
  const Item item = notify();
  notifier.pump();
  line->on_receipt({.source = "15550100002", .smsc_id = "777001", .word = "DELIVRD"});
  EXPECT_TRUE(events(item).empty()) << "its answer may still come";
  clock.advance(seconds(30));
  line->on_sent(bearer.take().id, {"777000", "777001"});
  EXPECT_EQ(events(item).back(), "sms_receipt");
  EXPECT_EQ(notifier.receipts().unmatched, 0U);
}

TEST_F(NotifierTest, AReceiptThatWaitsInVainIsSaidOnce) {
  const Item item = notify();
  notifier.pump();
  line->on_sent(bearer.take().id, {"1"});
  const Item later = notify();
  notifier.pump();
  line->on_receipt({.source = "15550100002", .smsc_id = "99", .word = "DELIVRD"});
  EXPECT_EQ(events(item).back(), "notified");
  clock.advance(seconds(601));
  notifier.pump();
  notifier.pump();
  EXPECT_EQ(events(item).back(), "sms_receipt_unmatched");
  EXPECT_EQ(std::ranges::count(events(item), "sms_receipt_unmatched"), 1);
  for (int i = 0; i < 3000; ++i) line->on_receipt({.source = "15550100002", .smsc_id = "x" + std::to_string(i), .word = "DELIVRD"});
  EXPECT_LE(events(item).size(), 8U) << "one phone's receipts do not fill the history";
}

// ---- several bearers --------------------------------------------------------------------------------------------------------------

struct SeveralBearers : NotifierTest {
  FakeBearer second, spare;
  BearerEvents* second_line = add(notifier, second, {.name = "second"});
  BearerEvents* spare_line = add(notifier, spare, {.name = "spare", .order = 2});
  void answer_all() {
    for (const auto& [one, events] : {std::pair(&bearer, line), std::pair(&second, second_line), std::pair(&spare, spare_line)}) {
      while (!one->given.empty()) events->on_sent(one->take().id, {"id"});
    }
  }
  std::string bearer_of(std::int64_t id) { return store->sms(id).value()->bearer; }
};

TEST_F(SeveralBearers, EqualsShareWhatIsDue) {
  for (int i = 0; i < 4; ++i) notify();
  notifier.pump();
  EXPECT_EQ(bearer.given.size(), 2U);
  EXPECT_EQ(second.given.size(), 2U);
  EXPECT_TRUE(spare.given.empty()) << "as long as one of a lower order works, however full";
  EXPECT_EQ(bearer_of(second.given.at(0).id), "second");
  answer_all();
  std::size_t of_second = 0;
  for (int i = 0; i < 10; ++i) {
    notify();
    notifier.pump();
    of_second += second.given.size();
    answer_all();
  }
  EXPECT_EQ(of_second, 5U) << "one at a time, they take turns";
}

TEST_F(SeveralBearers, TheNextOrderIsForWhenNoneOfTheFirstWorks) {
  bearer.ready = second.ready = false;
  notify();
  notifier.pump();
  ASSERT_EQ(spare.given.size(), 1U);
  spare_line->on_sent(spare.take().id, {"1"});
  second.ready = true;
  notify();
  second_line->on_bearer_ready();
  EXPECT_EQ(second.given.size(), 1U);
  EXPECT_TRUE(spare.given.empty());
}

TEST_F(SeveralBearers, WhatOneLosesIsNobodyElsesDoubt) {
  const Item lost = notify();
  notifier.pump();
  const Item kept = notify();
  notifier.pump();
  ASSERT_EQ(bearer.given.size() + second.given.size(), 2U);
  FakeBearer& other = bearer.given.at(0).id < second.given.at(0).id ? second : bearer;
  BearerEvents* first_line = &other == &second ? line : second_line;
  FakeBearer& first = &other == &second ? bearer : second;
  const std::int64_t doubtful = first.take().id;
  first.ready = false;
  first_line->on_bearer_lost("cut", std::vector<std::int64_t>{doubtful});
  EXPECT_EQ(events(lost).back(), "notify_in_doubt");
  EXPECT_TRUE(events(kept).empty());
  first.ready = true;
  first_line->on_bearer_ready();
  EXPECT_TRUE(events(kept).empty()) << "what flies on another bearer was not left behind";
  clock.advance(seconds(120));
  first.ready = false;
  notifier.pump();
  EXPECT_EQ(other.given.size(), 2U) << "what may be answered no more after two minutes holds nobody up; the doubtful one goes where it can";
}

TEST_F(SeveralBearers, AReceiptCountsForItsOwnBearersSms) {
  const Item one = notify();
  notifier.pump();
  const Item two = notify();
  notifier.pump();
  line->on_sent(bearer.take().id, {"7001"});
  second_line->on_sent(second.take().id, {"7001"});
  const Item& of_second = store->item(one.id).value()->state == ItemState::notified && bearer_of(1) == "second" ? one : two;
  second_line->on_receipt({.source = "15550100002", .smsc_id = "7001", .word = "DELIVRD"});
  EXPECT_EQ(events(of_second).back(), "sms_receipt");
  EXPECT_EQ(events(&of_second == &one ? two : one).back(), "notified");
  EXPECT_EQ(notifier.receipts().matched, 1U);
}

// A bearer that takes pushes alone gets no text, even when no other works.
TEST(Bearers, AFormThatABearerDoesNotTakeIsNotOffered) {
  class PushBearer final : public Bearer {
   public:
    [[nodiscard]] bool takes(NoticeForm form) const override { return form == NoticeForm::push; }
    [[nodiscard]] bool is_ready() const override { return true; }
    [[nodiscard]] std::size_t room() const override { return 10; }
    void submit(const OutgoingNotice&) override { FAIL(); }
    void start() override {}
    void stop() override {}
    [[nodiscard]] std::string state() const override { return "push"; }
    [[nodiscard]] std::string address() const override { return "nowhere"; }
    [[nodiscard]] std::string last_error() const override { return {}; }
  };
  HandClock clock;
  const auto store = open_sqlite_store(":memory:").value();
  Notifier notifier{*store, clock, [](const IncomingSms&) { return Taken::yes; }, {}};
  notifier.add({.name = "ppg"}, [](BearerEvents&) { return std::make_unique<PushBearer>(); });
  ASSERT_TRUE(store->queue_sms({.msisdn = Msisdn::from_digits("15550100002").value(), .text = "x", .created = clock.wall()}));
  notifier.pump();
  EXPECT_EQ(store->pending_sms(clock.wall(), 10).value().size(), 1U);
  EXPECT_EQ((OutgoingNotice{.content = PushContent{}}.form()), NoticeForm::push);
  EXPECT_EQ((OutgoingNotice{.content = "x"}.form()), NoticeForm::text);
}

}  // namespace
}  // namespace pushmail::notify
