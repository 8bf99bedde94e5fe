// Submissions of which nobody knows whether the MMSC took them, over fakes.
#include "tests/unit/controlplane/world.h"

namespace pushmail {
namespace {

using handoff::Tag;

struct InDoubtTest : World {
  Item handed_over(const std::string& binding) {
    clock.pass(milliseconds(5));
    new_mail("u" + std::to_string(clock.at.us), binding);
    Item item = items().front();
    if (binding == "b1") {
      EXPECT_TRUE(store->withdraw_sms(item.id));
      answer(ann, item.reply_code);
    }
    hand_over(item.id);
    return again(item);
  }
  void hand_over(const ItemId& id) {
    chunk(id, 0, 1000);
    fetched(id, 1000);
    event(id, "submit_req");
  }
  Item in_doubt_item(const std::string& binding = "b1") {
    const Item item = handed_over(binding);
    clock.pass(milliseconds(20));
    attempt(item.id);
    return again(item);
  }
  void pass(Duration time) {
    clock.pass(time);
    flows.tick();
  }
  std::size_t submissions(const Item& item) {
    std::size_t count = 0;
    for (const SentRecord& record : data_plane.of(handoff::Kind::submission)) count += record.item == item.id ? 1 : 0;
    return count;
  }
  void report_of(const Item& item, const std::string& status = "Retrieved", std::optional<Duration> behind = std::nullopt) {
    report("mm-x", "number:+" + item.msisdn.digits(), "short:5000" + item.suffix, status, "mmsc", behind);
  }
};

TEST_F(InDoubtTest, WaitsForTheReportAndSaysUntilWhen) {
  const Item item = in_doubt_item();
  EXPECT_EQ(item.state, ItemState::submitting);
  EXPECT_TRUE(item.is_unknown());
  EXPECT_EQ(item.unknown_until.us, clock.at.us + seconds(600).us());
  EXPECT_NE(item.reason.find("not known whether the MMSC took the message"), std::string::npos);
  EXPECT_FALSE(item.duplicate_possible) << "sent once so far";
  pass(seconds(500));
  EXPECT_EQ(submissions(item), 1U);
  report_of(item);
  EXPECT_EQ(again(item).state, ItemState::delivered);
  EXPECT_EQ(again(item).message_id, "mm-x");
  pass(seconds(600));
  EXPECT_EQ(again(item).state, ItemState::delivered);
  EXPECT_TRUE(sms().empty());
}

TEST_F(InDoubtTest, ARepeatOfTheRecordHasNoSecondEffect) {
  const Item item = handed_over("b1");
  const Timestamp began = clock.at;
  attempt(item.id);
  clock.pass(seconds(60));
  const Timestamp later = std::exchange(clock.at, began);
  attempt(item.id);
  clock.at = later;
  EXPECT_EQ(again(item).doubts, 1U);
  EXPECT_EQ(again(item).unknown_until.us, began.us + seconds(600).us());
}

TEST_F(InDoubtTest, AnOutcomeOrAReportBeforeItIsTheTruth) {
  const Item item = handed_over("b1");
  outcome(item.id, ItemState::submitted, "mm-1");
  attempt(item.id);
  EXPECT_EQ(again(item).state, ItemState::submitted);
  EXPECT_EQ(again(item).doubts, 0U);

  const Item early = handed_over("b2");
  report_of(early);
  attempt(early.id);
  EXPECT_EQ(again(early).state, ItemState::delivered) << "the report was faster";
}

TEST_F(InDoubtTest, RestartsOfEitherSideLeaveItAlone) {
  const Item item = in_doubt_item();
  flows.on_data_plane_lost();
  flows.on_data_plane_ready(handoff::Other::restarted);
  flows.resume();
  pass(seconds(60));
  EXPECT_TRUE(again(item).is_unknown());
  EXPECT_EQ(submissions(item), 1U);
}

TEST_F(InDoubtTest, AnOfferThatTheDataPlaneDidNotTakeEnds) {
  const Item item = handed_over("b1");
  flows.on_data_plane_lost();
  flows.on_data_plane_ready(handoff::Other::restarted);
  pass(seconds(1));
  ASSERT_EQ(flows.transfers(), 1U) << "offered before the data plane had said that it is in doubt";
  attempt(item.id);
  EXPECT_EQ(flows.transfers(), 0U);
  EXPECT_TRUE(again(item).is_unknown());
}

TEST_F(InDoubtTest, ThePhoneGetsItWhenItAsksAfterwardsMarked) {
  const Item item = in_doubt_item();
  pass(seconds(601));
  EXPECT_EQ(again(item).state, ItemState::notified);
  EXPECT_TRUE(sms().empty()) << "its code is still valid";
  EXPECT_EQ(submissions(item), 1U) << "not by itself";
  answer(ann, item.reply_code);
  ASSERT_EQ(submissions(item), 2U);
  EXPECT_EQ(data_plane.of(handoff::Kind::submission).back().number(Tag::duplicate_possible), 1U);
}

TEST_F(InDoubtTest, APhoneThatAsksMeanwhileIsToldOnceAndGetsItWithoutAskingAgain) {
  const Item item = in_doubt_item();
  clock.pass(seconds(200));
  answer(ann, item.reply_code);
  answer(ann, item.reply_code);
  ASSERT_EQ(sms().size(), 1U);
  EXPECT_NE(sms()[0].text.find("not known yet"), std::string::npos);
  EXPECT_NE(sms()[0].text.find("7 minutes"), std::string::npos) << sms()[0].text;
  EXPECT_EQ(sms()[0].text.find("already"), std::string::npos);
  pass(seconds(401));
  EXPECT_EQ(again(item).state, ItemState::fetching);
  EXPECT_EQ(submissions(item), 2U);
}

TEST_F(InDoubtTest, WithoutAValidCodeThePhoneIsToldAnew) {
  settings.code_lifetime = seconds(300);
  const Item item = in_doubt_item();
  pass(seconds(601));
  EXPECT_EQ(again(item).state, ItemState::accepted);
  ASSERT_EQ(sms().size(), 1U);
  EXPECT_NE(sms()[0].text.find("Reply " + again(item).reply_code), std::string::npos);
}

TEST_F(InDoubtTest, PolicyPushSendsOnceMoreByItselfAndNotAThirdTime) {
  const Item item = in_doubt_item("b2");
  pass(seconds(601));
  ASSERT_EQ(submissions(item), 2U);
  hand_over(item.id);
  attempt(item.id, 2);
  EXPECT_TRUE(again(item).is_unknown());
  EXPECT_TRUE(again(item).duplicate_possible);
  pass(seconds(601));
  pass(seconds(601));
  EXPECT_EQ(submissions(item), 2U);
  EXPECT_EQ(again(item).state, ItemState::unconfirmed);
  report_of(item);
  EXPECT_EQ(again(item).state, ItemState::delivered);
}

TEST_F(InDoubtTest, AReportThatComesLateStopsTheSecondTry) {
  const Item item = in_doubt_item("b2");
  pass(seconds(601));
  ASSERT_EQ(again(item).state, ItemState::fetching);
  report_of(item);
  EXPECT_EQ(again(item).state, ItemState::delivered);
  EXPECT_EQ(flows.transfers(), 0U);
  ASSERT_EQ(data_plane.of(handoff::Kind::withdraw).size(), 1U);
  EXPECT_EQ(data_plane.of(handoff::Kind::withdraw)[0].item, item.id);
}

TEST_F(InDoubtTest, AnOlderReportOfTheThreadIsNotAboutIt) {
  const Item first = handed_over("b1");
  outcome(first.id, ItemState::submitted, "mm-1");
  report("mm-unknown", "number:+" + ann.digits(), "short:5000" + first.suffix, "Retrieved");
  clock.pass(seconds(600));
  const Item second = in_doubt_item();
  ASSERT_EQ(second.suffix, first.suffix) << "one thread, one suffix";
  EXPECT_TRUE(second.is_unknown());
}

TEST_F(InDoubtTest, AnMmscWhoseClockIsBehindIsUnderstood) {
  for (const std::int64_t behind_s : {0, 59, 300, 599}) {
    const Item item = in_doubt_item("b2");
    clock.pass(seconds(1));
    report("mm-" + std::to_string(behind_s), "number:+" + bob.digits(), "short:5000" + item.suffix, "Retrieved", "mmsc", seconds(behind_s));
    EXPECT_EQ(again(item).state, ItemState::delivered) << behind_s;
    clock.pass(seconds(3600));
  }
  const Item item = in_doubt_item("b2");
  report_of(item, "Retrieved", seconds(602));
  EXPECT_TRUE(again(item).is_unknown()) << "farther than any clock that somebody looks after";
}

TEST_F(InDoubtTest, AReportThatMayBeAboutAnotherMessageOfTheThreadIsNotTaken) {
  const Item first = handed_over("b2");
  outcome(first.id, ItemState::submitted, "mm-1");
  clock.pass(seconds(300));
  const Item second = in_doubt_item("b2");
  ASSERT_EQ(second.suffix, first.suffix);
  report_of(second, "Retrieved", seconds(200));
  EXPECT_TRUE(again(second).is_unknown()) << "the first was on its way then";
  report_of(second, "Retrieved", seconds(0));
  EXPECT_EQ(again(second).state, ItemState::delivered);
}

TEST_F(InDoubtTest, APeerThatRecognisesItGetsItAgainAtOnceMarked) {
  const Item item = handed_over("b1");
  flows.on_data_plane_ready(handoff::Other::restarted);
  auto record = handoff::make(handoff::Kind::attempt, item.id);
  record.trace(handoff::tag(Tag::trace), TraceId{})
      .u64(handoff::tag(Tag::attempt), 1)
      .i64(handoff::tag(Tag::time), clock.at.us)
      .u64(handoff::tag(handoff::peer_tag("deduplicates")), 1);
  ASSERT_TRUE(flows.take_attempt(from_data(handoff::Kind::attempt, item.id, std::move(record)).view()));
  pass(seconds(1));
  ASSERT_EQ(submissions(item), 2U);
  EXPECT_EQ(data_plane.of(handoff::Kind::submission).back().number(Tag::duplicate_possible), 1U);
}

TEST_F(InDoubtTest, OutlivesTheBinding) {
  const Item item = in_doubt_item();
  Binding binding = store->binding("b1").value().value();
  binding.state = BindingState::removed;
  ASSERT_TRUE(store->update_binding(binding));
  flows.on_binding_changed(binding);
  EXPECT_TRUE(again(item).is_unknown());
  pass(seconds(601));
  EXPECT_EQ(again(item).state, ItemState::unconfirmed);
  report_of(item);
  EXPECT_EQ(again(item).state, ItemState::delivered);
}

TEST_F(InDoubtTest, AMailThatIsGoneAfterADoubtIsUnconfirmedNotUnsent) {
  const Item item = in_doubt_item("b2");
  pass(seconds(601));
  fetch_failed(item.id, "gone");
  EXPECT_EQ(again(item).state, ItemState::unconfirmed);
  ASSERT_EQ(sms().size(), 1U);
  EXPECT_NE(sms()[0].text.find("not known"), std::string::npos);
}

TEST_F(InDoubtTest, ThePeersReportTimesSayHowLong) {
  const auto wait = [&] { return report_times.of("mmsc").value().wait; };
  const auto learn = [&](int count, Duration took) {
    for (int i = 0; i < count; ++i) ASSERT_TRUE(store->write([&] { return report_times.add("mmsc", took); }));
  };
  learn(19, seconds(1000));
  EXPECT_EQ(wait(), seconds(600)) << "nothing is known of 19";
  learn(1, seconds(1000));
  EXPECT_EQ(wait(), seconds(2000));
  learn(181, seconds(300));
  EXPECT_EQ(wait(), seconds(2000)) << "19 of 200 are more than a twentieth";
  learn(10, seconds(300));
  EXPECT_EQ(report_times.of("mmsc").value().count, 200U);
  EXPECT_EQ(wait(), seconds(600));
  learn(200, seconds(5));
  EXPECT_EQ(wait(), seconds(120)) << "not less than two minutes";
  learn(200, seconds(86'400));
  EXPECT_EQ(wait(), seconds(6 * 3600)) << "nor more than six hours";
  EXPECT_EQ(report_times.of("other").value().count, 0U);
}

TEST_F(InDoubtTest, TheFirstReportOfASubmissionIsLearnt) {
  const Item item = handed_over("b1");
  outcome(item.id, ItemState::submitted, "mm-1");
  clock.pass(seconds(40));
  report("mm-1", "number:+" + ann.digits(), "short:5000", "Deferred");
  clock.pass(seconds(4000));
  report("mm-1", "number:+" + ann.digits(), "short:5000", "Retrieved");
  const auto known = report_times.of("mmsc").value();
  EXPECT_EQ(known.count, 1U);
  EXPECT_EQ(known.p95.ms(), 40'000);
}

}  // namespace
}  // namespace pushmail
