// Mailbox to phone over fakes: the road from 401 to 412, and every way in which it breaks off and goes on.
#include <algorithm>

#include "tests/unit/controlplane/world.h"

namespace pushmail {
namespace {

using handoff::Tag;

struct ToPhoneTest : World {
  /// A mail that was seen, told and asked for; its transfer has begun.
  Item requested(std::uint64_t size = 1000) {
    new_mail("7", "b1", size);
    Item item = the_item();
    answer(ann, item.reply_code);
    return again(item);
  }
  /// The data plane has the whole mail.
  Item handed_over() {
    const Item item = requested();
    chunk(item.id, 0, 1000);
    fetched(item.id, 1000);
    return item;
  }
  void set_state(BindingState state) {
    Binding binding = store->binding("b1").value().value();
    binding.state = state;
    ASSERT_TRUE(store->update_binding(binding));
    flows.on_binding_changed(binding);
  }
  void turn_after_settling() {
    clock.pass(seconds(1));
    flows.tick();
  }
  Item submitted() {
    const Item item = handed_over();
    outcome(item.id, ItemState::submitted, "mm-1");
    return again(item);
  }
};

TEST_F(ToPhoneTest, ANewMailBecomesOneItemAndOneSms) {
  new_mail("7");
  new_mail("7");
  const Item item = the_item();
  EXPECT_EQ(item.state, ItemState::accepted);
  EXPECT_EQ(item.correspondent, "joe@example.com");
  ASSERT_EQ(sms().size(), 1U);
  EXPECT_NE(sms()[0].text.find("Reply " + item.reply_code + " to get it"), std::string::npos);
  EXPECT_EQ(store->mailbox("b1").value().last_uid, "7") << "watermark and item change together";
  EXPECT_EQ(events_of(item), std::vector<std::string>{"mail_seen"});
  EXPECT_EQ(rest.sms_queued, 1);
}

TEST_F(ToPhoneTest, TheWholeRoad) {
  Item item = requested();
  ASSERT_EQ(data_plane.of(handoff::Kind::submission).size(), 1U);
  const SentRecord submission = data_plane.of(handoff::Kind::submission)[0];
  EXPECT_EQ(submission.text(Tag::peer), "mmsc");
  EXPECT_EQ(submission.text(Tag::msisdn), ann.digits());
  EXPECT_EQ(submission.number(Tag::mail_size), 1000U);
  EXPECT_EQ(submission.text(Tag::sender_address), "short:5000" + item.suffix);
  EXPECT_EQ(submission.text(Tag::own_address), "ann@box.example");
  EXPECT_EQ(item.suffix.size(), 4U);
  ASSERT_EQ(fetchers.of(mailbox::Kind::fetch).size(), 1U);
  EXPECT_EQ(again(item).state, ItemState::fetching);

  credit(item.id, 4);
  EXPECT_EQ(fetchers.of(mailbox::Kind::credit).size(), 1U);
  chunk(item.id, 0, 600);
  chunk(item.id, 600, 400);
  EXPECT_EQ(data_plane.of(handoff::Kind::submission_chunk).size(), 1U) << "the last chunk waits for the fetcher's word";
  fetched(item.id, 1000);
  EXPECT_EQ(data_plane.of(handoff::Kind::submission_chunk).size(), 2U);
  EXPECT_EQ(again(item).state, ItemState::converting);
  EXPECT_EQ(flows.transfers(), 0U);

  event(item.id, "converting");
  event(item.id, "submit_req", {"transaction_id=pm1"});
  EXPECT_EQ(again(item).state, ItemState::submitting);
  outcome(item.id, ItemState::submitted, "mm-1");
  event(item.id, "submit_rsp", {"status=1000"});
  EXPECT_EQ(again(item).state, ItemState::submitted);
  report("mm-1", "number:+" + ann.digits(), "short:5000" + item.suffix, "Retrieved");
  item = again(item);
  EXPECT_EQ(item.state, ItemState::delivered);
  EXPECT_EQ(item.mark, MarkProgress::pending);
  EXPECT_EQ(events_of(item), (std::vector<std::string>{"mail_seen", "retrieve_requested", "fetching", "fetched", "converting", "submit_req",
                                                       "submitted", "submit_rsp", "delivered"}));

  flows.tick();
  ASSERT_EQ(fetchers.of(mailbox::Kind::mark).size(), 1U);
  auto marked = make(mailbox::Kind::marked, item.id);
  flows.on_marked(from_fetcher(std::move(marked), mailbox::Kind::marked, item.id).view());
  EXPECT_EQ(again(item).mark, MarkProgress::done);
}

TEST_F(ToPhoneTest, ThePhoneIsShownWhoWroteAndNotWhereAnswersGo) {
  settings.trusted_authserv = {"MX.example.net"};
  auto record = make(mailbox::Kind::new_mail, {});
  record.text(tag(mailbox::Tag::binding), "b1")
      .u64(tag(mailbox::Tag::uid_validity), 3)
      .text(tag(mailbox::Tag::uid), "7")
      .u64(tag(mailbox::Tag::size), 10);
  record.text(tag(mailbox::Tag::sender), "Eve <eve@evil.example>").text(tag(mailbox::Tag::reply_to), "boss@bank.example");
  record.text(tag(mailbox::Tag::authentication), "mx.example.net fail");
  flows.on_new_mail(from_fetcher(std::move(record), mailbox::Kind::new_mail).view());
  EXPECT_EQ(the_item().correspondent, "boss@bank.example") << "where an answer goes (RFC 5322 3.6.2)";
  ASSERT_EQ(sms().size(), 1U);
  EXPECT_NE(sms()[0].text.find("Mail from \"Eve\" <eve@evil.example> (unverified sender): "), std::string::npos) << sms()[0].text;
}

// Whoever had the store before it came out of a backup may have sent it.
TEST_F(ToPhoneTest, AMailThatIsSeenAgainAfterARestoreIsMarkedWhenItIsSent) {
  MailboxState mailbox = store->mailbox("b1").value();
  mailbox.restored = clock.at;
  ASSERT_TRUE(store->set_mailbox("b1", mailbox));
  const Item item = requested();
  EXPECT_TRUE(item.duplicate_possible);
  EXPECT_EQ(store->mailbox("b1").value().restored, clock.at) << "the mailbox was not read to its end yet";
  ASSERT_EQ(data_plane.of(handoff::Kind::submission).size(), 1U);
  EXPECT_EQ(data_plane.of(handoff::Kind::submission)[0].view().u64(handoff::tag(Tag::duplicate_possible)), 1U);
}

TEST_F(ToPhoneTest, PolicyPushAsksNobody) {
  new_mail("7", "b2");
  EXPECT_TRUE(sms().empty());
  EXPECT_EQ(the_item().state, ItemState::fetching);
  EXPECT_EQ(data_plane.of(handoff::Kind::submission).size(), 1U);
}

TEST_F(ToPhoneTest, AMailThatIsTooLargeIsAnnouncedNotFetched) {
  new_mail("7", "b1", 2'000'000);
  EXPECT_EQ(the_item().state, ItemState::rejected);
  ASSERT_EQ(sms().size(), 1U);
  EXPECT_NE(sms()[0].text.find("too large"), std::string::npos);
}

TEST_F(ToPhoneTest, WithoutADataPlaneItWaits) {
  data_plane.ready = false;
  const Item item = requested();
  EXPECT_EQ(item.state, ItemState::requested);
  data_plane.ready = true;
  flows.on_data_plane_ready(handoff::Other::restarted);
  flows.tick();
  EXPECT_TRUE(data_plane.sent.empty()) << "outcomes of before the break come first";
  turn_after_settling();
  EXPECT_EQ(again(item).state, ItemState::fetching);
}

TEST_F(ToPhoneTest, ADataPlaneThatGoesAwayInTheMiddleGetsItAgain) {
  const Item item = requested();
  chunk(item.id, 0, 600);
  data_plane.ready = false;
  flows.on_data_plane_lost();
  EXPECT_EQ(again(item).state, ItemState::requested);
  chunk(item.id, 600, 400);  // the fetcher has not heard of it yet
  data_plane.ready = true;
  flows.on_data_plane_ready(handoff::Other::restarted);
  turn_after_settling();
  EXPECT_EQ(data_plane.of(handoff::Kind::submission).size(), 2U);
  EXPECT_EQ(data_plane.of(handoff::Kind::submission)[1].item, item.id) << "under the same id";
  EXPECT_EQ(fetchers.of(mailbox::Kind::fetch).size(), 2U);
}

TEST_F(ToPhoneTest, ARestartedDataPlaneHasForgottenWhatItConverted) {
  const Item item = handed_over();
  flows.on_data_plane_lost();
  EXPECT_EQ(again(item).state, ItemState::converting);
  flows.on_data_plane_ready(handoff::Other::same);
  EXPECT_EQ(again(item).state, ItemState::converting) << "the same process still has it";
  flows.on_data_plane_ready(handoff::Other::restarted);
  EXPECT_EQ(again(item).state, ItemState::requested);
}

TEST_F(ToPhoneTest, AnOutcomeThatComesAfterTheRestartEndsIt) {
  const Item item = handed_over();
  flows.on_data_plane_lost();
  flows.on_data_plane_ready(handoff::Other::restarted);
  outcome(item.id, ItemState::submitted, "mm-1");
  turn_after_settling();
  EXPECT_EQ(data_plane.of(handoff::Kind::submission).size(), 1U) << "not submitted twice";
  EXPECT_EQ(again(item).state, ItemState::submitted);
}

TEST_F(ToPhoneTest, ALateEventDoesNotTurnASubmittedItemBack) {
  const Item item = submitted();
  event(item.id, "submit_req");
  event(item.id, "converting");
  EXPECT_EQ(again(item).state, ItemState::submitted);
}

TEST_F(ToPhoneTest, ARestartOfTheControlPlaneFetchesAgain) {
  const Item item = requested();
  FakeDataPlane fresh_data;
  FakeFetchers fresh_fetchers;
  Switchboard restarted{{*store, clock, settings, fresh_data, fresh_fetchers, report_times, rest}};
  restarted.resume();
  EXPECT_EQ(again(item).state, ItemState::requested);
  restarted.tick();
  ASSERT_EQ(fresh_data.of(handoff::Kind::submission).size(), 1U);
  EXPECT_EQ(fresh_data.of(handoff::Kind::submission)[0].item, item.id);
  EXPECT_EQ(fresh_data.of(handoff::Kind::submission)[0].text(Tag::sender_address), "short:5000" + item.suffix) << "with the suffix it had";
}

TEST_F(ToPhoneTest, AFetcherThatDiesIsAskedAgain) {
  const Item item = requested();
  fetchers.up = false;
  flows.on_fetcher_lost([](std::string_view) { return true; });
  EXPECT_EQ(again(item).state, ItemState::requested);
  flows.tick();
  EXPECT_EQ(again(item).state, ItemState::requested);
  fetchers.up = true;
  flows.tick();
  EXPECT_EQ(again(item).state, ItemState::fetching);
}

TEST_F(ToPhoneTest, AWrongPasswordWaitsExplainedUntilTheMailboxAnswers) {
  const Item item = requested();
  fetch_failed(item.id, "auth_failed");
  EXPECT_EQ(again(item).state, ItemState::requested);
  EXPECT_NE(again(item).reason.find("refuses user u's password"), std::string::npos);
  flows.tick();
  EXPECT_EQ(fetchers.of(mailbox::Kind::fetch).size(), 1U) << "not at once";
  flows.on_mailbox_ready("b1");
  EXPECT_EQ(fetchers.of(mailbox::Kind::fetch).size(), 2U);
  fetch_failed(item.id, "unreachable");
  clock.pass(seconds(3600));
  flows.tick();
  EXPECT_EQ(fetchers.of(mailbox::Kind::fetch).size(), 3U) << "and by itself after a while";
}

TEST_F(ToPhoneTest, AMailThatIsGoneIsWithdrawnAndSaidSo) {
  const Item item = requested();
  ASSERT_TRUE(store->withdraw_sms(item.id));
  fetch_failed(item.id, "gone");
  EXPECT_EQ(again(item).state, ItemState::withdrawn);
  ASSERT_EQ(sms().size(), 1U);
  EXPECT_NE(sms()[0].text.find("it is gone"), std::string::npos);
}

TEST_F(ToPhoneTest, AWrongSizeIsFoundOutBeforeTheDataPlaneConverts) {
  for (const std::uint64_t real : {700U, 1000U + 500U}) {
    clock.pass(milliseconds(5));  // items are listed by the time in their ids
    const std::string uid = "u" + std::to_string(real);
    new_mail(uid, "b2", 1000);
    const Item item = items().front();
    chunk(item.id, 0, 600);
    if (real > 1000) {
      chunk(item.id, 600, 400);
      chunk(item.id, 1000, real - 1000);
    } else {
      chunk(item.id, 600, real - 600);
    }
    const std::size_t before = data_plane.of(handoff::Kind::submission).size();
    fetched(item.id, real);
    EXPECT_EQ(again(item).size, real);
    EXPECT_EQ(again(item).attempts, 1U) << "a server that never tells the truth is not asked in a circle";
    clock.pass(seconds(6));
    flows.tick();
    ASSERT_EQ(data_plane.of(handoff::Kind::submission).size(), before + 1);
    EXPECT_EQ(data_plane.of(handoff::Kind::submission).back().number(Tag::mail_size), real);
    std::uint64_t passed = 0;
    for (const SentRecord& record : data_plane.of(handoff::Kind::submission_chunk)) {
      if (record.item == item.id) passed += record.view().bytes(handoff::tag(Tag::data))->size();
    }
    EXPECT_LT(passed, 1000U) << "never as many bytes as were announced";
  }
}

TEST_F(ToPhoneTest, AnAnnouncedSizeOfZeroSubmitsNothingEmpty) {
  Item item = requested(0);
  EXPECT_EQ(data_plane.of(handoff::Kind::submission).at(0).number(Tag::mail_size), 1U);
  chunk(item.id, 0, 700);
  fetched(item.id, 700);
  EXPECT_TRUE(data_plane.of(handoff::Kind::submission_chunk).empty());
  clock.pass(seconds(6));
  flows.tick();
  ASSERT_EQ(data_plane.of(handoff::Kind::submission).size(), 2U);
  EXPECT_EQ(data_plane.of(handoff::Kind::submission)[1].number(Tag::mail_size), 700U);
}

TEST_F(ToPhoneTest, AMailThatIsReallyEmptyFailsForGood) {
  const Item item = requested(0);
  fetched(item.id, 0);
  EXPECT_EQ(again(item).state, ItemState::failed);
  EXPECT_EQ(again(item).reason, "the mail is empty");
  EXPECT_EQ(flows.transfers(), 0U);
}

TEST_F(ToPhoneTest, AFetchThatNobodyWaitsForIsCancelled) {
  const Item item = requested();
  chunk(item.id, 7, 10);
  ASSERT_EQ(fetchers.of(mailbox::Kind::cancel).size(), 1U) << "chunks that do not fit";
  EXPECT_EQ(fetchers.of(mailbox::Kind::cancel)[0].item, item.id);
  EXPECT_EQ(again(item).attempts, 1U);
  flows.tick();
  EXPECT_EQ(fetchers.of(mailbox::Kind::fetch).size(), 1U) << "not at once";
  clock.pass(seconds(6));
  flows.tick();
  EXPECT_EQ(fetchers.of(mailbox::Kind::fetch).size(), 2U);
  outcome(item.id, ItemState::failed, "", "no");
  EXPECT_EQ(fetchers.of(mailbox::Kind::cancel).size(), 2U) << "an outcome ends it too";
}

TEST_F(ToPhoneTest, AMailboxThatAnswersInBetweenDoesNotUndoTheBackOff) {
  const Item item = requested();
  for (int i = 0; i < 4; ++i) {
    fetch_failed(item.id, "protocol");
    clock.pass(seconds(100));
    if (i < 3) flows.tick();
  }
  const std::size_t asked = fetchers.of(mailbox::Kind::fetch).size();
  EXPECT_EQ(asked, 4U);
  Item waiting = again(item);
  waiting.retry_at = {clock.at.us + seconds(1000).us()};
  ASSERT_TRUE(store->update_item(waiting));
  flows.on_mailbox_ready("b1");
  EXPECT_EQ(fetchers.of(mailbox::Kind::fetch).size(), asked);
}

TEST_F(ToPhoneTest, APeerThatIsNotConfiguredIsSaidSoAndTriedAgain) {
  auto peer = settings.peers.extract("mmsc");
  const Item item = requested();
  EXPECT_EQ(again(item).state, ItemState::requested);
  EXPECT_NE(again(item).reason.find("[peer.mmsc] is not in the configuration"), std::string::npos);
  EXPECT_GT(again(item).retry_at, clock.at);
  settings.peers.insert(std::move(peer));
  clock.pass(seconds(6));
  flows.tick();
  EXPECT_EQ(again(item).state, ItemState::fetching);
}

TEST_F(ToPhoneTest, AMailThatIsNotAnnouncedIsFoundBehindAThousandOthers) {
  ASSERT_TRUE(store->write([&]() -> Result<void> {
    for (int i = 0; i < 1100; ++i) {
      Item other{.id = new_item_id(clock.at, 1),
                 .binding = "b1",
                 .msisdn = bob,
                 .uid = std::to_string(i),
                 .state = ItemState::notified,
                 .code_expires = {clock.at.us + seconds(86'400).us()}};
      PM_TRY([[maybe_unused]] const bool added, store->add_item(other));
    }
    return {};
  }));
  clock.pass(seconds(10));
  const Item late{.id = new_item_id(clock.at, 1), .source = Source::mailbox, .binding = "b1", .msisdn = ann};
  ASSERT_TRUE(store->add_item(late).value());
  flows.tick();
  EXPECT_FALSE(again(late).reply_code.empty());
  EXPECT_EQ(sms().size(), 1U);
}

TEST_F(ToPhoneTest, MarksAreGivenUpAfterTenTries) {
  Item item = submitted();
  report("mm-1", "number:+" + ann.digits(), "short:5000", "Retrieved");
  for (int i = 0; i < 40 && again(item).mark == MarkProgress::pending; ++i) {
    flows.tick();
    auto marked = make(mailbox::Kind::marked, item.id);
    marked.text(tag(mailbox::Tag::reason), "read-only");
    flows.on_marked(from_fetcher(std::move(marked), mailbox::Kind::marked, item.id).view());
    flows.tick();
    clock.pass(seconds(3600));
  }
  EXPECT_EQ(again(item).mark, MarkProgress::failed);
  EXPECT_EQ(fetchers.of(mailbox::Kind::mark).size(), 10U);
  EXPECT_EQ(again(item).state, ItemState::delivered);
}

TEST_F(ToPhoneTest, MarksOfARemovedBindingAreGivenUp) {
  const Item item = submitted();
  report("mm-1", "number:+" + ann.digits(), "short:5000", "Retrieved");
  Binding binding = *store->binding("b1").value();
  binding.state = BindingState::removed;
  ASSERT_TRUE(store->update_binding(binding));
  flows.tick();
  EXPECT_EQ(again(item).mark, MarkProgress::failed);
  EXPECT_TRUE(fetchers.of(mailbox::Kind::mark).empty());
}

TEST_F(ToPhoneTest, SilenceIsNoticed) {
  const Item item = requested();
  clock.pass(seconds(200));
  flows.tick();
  EXPECT_EQ(again(item).state, ItemState::requested);
  clock.pass(seconds(60));
  flows.tick();
  EXPECT_EQ(again(item).state, ItemState::fetching);
}

TEST_F(ToPhoneTest, APhoneThatNeverAnswersLetsTheCodeExpire) {
  new_mail("7");
  clock.pass(seconds(7 * 86'400 + 1));
  flows.tick();
  EXPECT_EQ(the_item().state, ItemState::expired);
  EXPECT_NE(the_item().reason.find("did not answer"), std::string::npos);
  EXPECT_TRUE(sms().empty()) << "an SMS that is still waiting is not sent any more";
}

TEST_F(ToPhoneTest, NoReportAtAllIsUnconfirmedNeverFailed) {
  const Item item = submitted();
  clock.pass(seconds(3 * 86'400 + 86'400 - 10));
  flows.tick();
  EXPECT_EQ(again(item).state, ItemState::submitted);
  clock.pass(seconds(60));
  flows.tick();
  EXPECT_EQ(again(item).state, ItemState::unconfirmed);
  report("mm-1", "number:" + ann.digits(), "short:5000", "Retrieved");
  EXPECT_EQ(again(item).state, ItemState::delivered) << "only this may still come";
}

TEST_F(ToPhoneTest, ReportsInEveryOrderAndShape) {
  Item item = submitted();
  report("mm-1", "number:+15550109999", "short:5000", "Retrieved");
  EXPECT_EQ(again(item).state, ItemState::submitted) << "another phone's report";
  report("mm-1", "short:5000" + item.suffix, "number:+" + ann.digits(), "Deferred");
  EXPECT_EQ(again(item).state, ItemState::reported) << "Recipient and Sender swapped";
  report("mm-1", "number:" + ann.digits(), "short:5000", "Indeterminate");
  EXPECT_EQ(again(item).state, ItemState::reported);
  report("mm-1", "number:" + ann.digits(), "short:5000", "Expired");
  EXPECT_EQ(again(item).state, ItemState::expired);
  report("mm-1", "number:" + ann.digits(), "short:5000", "Retrieved");
  EXPECT_EQ(again(item).state, ItemState::expired) << "a final state never changes";
}

// Ids and addresses in whatever form the MMSC writes them, and what the item is then.
TEST_F(ToPhoneTest, AReportWhoseIdIsKnownIsTakenInEveryForm) {
  struct Row {
    std::string answered, reported, recipient, sender;
    ItemState state;
  };
  const std::string phone = "number:+" + ann.digits();
  const std::vector<Row> rows{
      {"MM-1", "mm-1", phone, "short:5000", ItemState::delivered},
      {"<mm-2@mmsc>", "mm-2@mmsc", phone, "short:5000", ItemState::delivered},
      {"0001715006", "1715006", phone, "short:5000", ItemState::delivered},
      {"mm-4", "mm-4", "number:5550100002", "short:5000", ItemState::delivered},  // without its country code
      {"mm-5", "mm-5", "number:05550100002", "short:5000", ItemState::delivered},
      {"mm-6", "mm-6", "mail:somebody@mmsc.example", "short:5000", ItemState::delivered},
      {"mm-7", "mm-7", "short:50001742", "short:5000", ItemState::delivered},
      {"mm-11", "MM-11", "number:", "number:", ItemState::delivered},  // without any address
      {"mm-8", "mm-8", "number:+15550109999", "short:5000", ItemState::submitted},
      {"mm-9", "mm-10", phone, "short:5000", ItemState::submitted},
  };
  int uid = 100;
  for (const Row& row : rows) {
    new_mail(std::to_string(++uid), "b1");
    Item item = items().front();
    item.state = ItemState::submitted;
    item.message_id = row.answered;
    item.peer = "mmsc";
    ASSERT_TRUE(store->update_item(item));
    report(row.reported, row.recipient, row.sender, "Retrieved");
    EXPECT_EQ(again(item).state, row.state) << row.reported << " " << row.recipient;
  }
  const auto events = events_of(items().front());
  EXPECT_EQ(std::ranges::count(events, "report_unmatched"), 1) << "the last one names another id: both are shown";
}

// Two messages of one phone whose ids differ in case alone: what is written the same is the one that is meant.
TEST_F(ToPhoneTest, AnIdWrittenTheSameComesFirst) {
  std::vector<Item> both;
  for (const char* id : {"Mm-1A", "mM-1a"}) {
    const std::string uid = std::to_string(200 + both.size());
    new_mail(uid, "b1");
    const std::vector<Item> all = items();
    Item item = *std::ranges::find(all, uid, &Item::uid);
    item.state = ItemState::submitted;
    item.message_id = id;
    item.peer = "mmsc";
    ASSERT_TRUE(store->update_item(item));
    both.push_back(item);
  }
  report("mM-1a", "number:+" + ann.digits(), "short:5000", "Retrieved");
  EXPECT_EQ(again(both[0]).state, ItemState::submitted);
  EXPECT_EQ(again(both[1]).state, ItemState::delivered);
  report("Mm-1A", "number:+" + ann.digits(), "short:5000", "Retrieved");
  EXPECT_EQ(again(both[0]).state, ItemState::delivered);
}

TEST_F(ToPhoneTest, APeerMayWantItsIdsComparedByteForByte) {
  settings.peers.at("mmsc").set_text("message_id", "exact");
  const Item item = submitted();
  report("MM-1", "number:+" + ann.digits(), "short:5000", "Retrieved");
  EXPECT_EQ(again(item).state, ItemState::submitted);
  report("mm-1", "number:+" + ann.digits(), "short:5000", "Retrieved");
  EXPECT_EQ(again(item).state, ItemState::delivered);
}

TEST_F(ToPhoneTest, WhatAPhoneCannotReadHasEnded) {
  const Item item = submitted();
  report("mm-1", "number:+" + ann.digits(), "short:5000", "Unrecognised");
  EXPECT_EQ(again(item).state, ItemState::rejected);
}

TEST_F(ToPhoneTest, AReadReplyIsRecorded) {
  const Item item = submitted();
  report("mm-1", "number:+" + ann.digits(), "short:5000", "Deleted");
  EXPECT_EQ(again(item).state, ItemState::reported);
  report("mm-1", "number:+" + ann.digits(), "short:5000", "Read");
  EXPECT_EQ(again(item).state, ItemState::delivered) << "what was read has been fetched";
  EXPECT_EQ(report_times.of("mmsc").value().count, 0U) << "a reader's time is no report's";
}

TEST_F(ToPhoneTest, AReportThatIsFasterThanTheSubmitRspWaits) {
  const Item item = handed_over();
  report("mm-1", "number:+" + ann.digits(), "short:5000", "Retrieved");
  EXPECT_EQ(again(item).state, ItemState::converting);
  outcome(item.id, ItemState::submitted, "mm-1");
  EXPECT_EQ(again(item).state, ItemState::delivered);
}

TEST_F(ToPhoneTest, ALostSubmitRspIsFoundBySuffix) {
  const Item item = handed_over();
  outcome(item.id, ItemState::submitted, "", "the answer was lost");
  report("mm-9", "number:+" + ann.digits(), "short:5000" + item.suffix, "Retrieved");
  EXPECT_EQ(again(item).state, ItemState::delivered);
  EXPECT_EQ(again(item).message_id, "mm-9");
}

// Only the peer that has the item may say what became of it, whatever it knows of another one's.
TEST_F(ToPhoneTest, AReportOfAnotherPeerHasNoEffect) {
  const Item item = submitted();
  report("mm-1", "number:+" + ann.digits(), "short:5000" + item.suffix, "Retrieved", "elsewhere");
  EXPECT_EQ(again(item).state, ItemState::submitted);
  EXPECT_EQ(store->orphan_reports("elsewhere", "mm-1").value().size(), 1U);
  report("mm-1", "number:+" + ann.digits(), "short:5000" + item.suffix, "Retrieved");
  EXPECT_EQ(again(item).state, ItemState::delivered);
}

TEST_F(ToPhoneTest, AReportOfAnotherPeerDoesNotNameAnItem) {
  const Item item = handed_over();
  report("mm-8", "number:+" + ann.digits(), "short:5000" + item.suffix, "Retrieved", "elsewhere");
  outcome(item.id, ItemState::submitted, "", "the answer was lost");
  report("mm-9", "number:+" + ann.digits(), "short:5000" + item.suffix, "Retrieved", "elsewhere");
  EXPECT_EQ(again(item).state, ItemState::submitted);
  EXPECT_EQ(again(item).message_id, "");
}

TEST_F(ToPhoneTest, AFailedSubmissionIsToldToThePhone) {
  const Item item = requested();
  ASSERT_TRUE(store->withdraw_sms(item.id));
  chunk(item.id, 0, 1000);
  fetched(item.id, 1000);
  event(item.id, "retry", {"reason=3000 Server error"});
  EXPECT_EQ(again(item).reason, "tried again: 3000 Server error");
  outcome(item.id, ItemState::failed, "", "2007 Message format corrupt", 2007);
  outcome(item.id, ItemState::failed, "", "2007 Message format corrupt", 2007);
  EXPECT_EQ(again(item).state, ItemState::failed);
  ASSERT_EQ(sms().size(), 1U) << "once, though the outcome came twice";
  EXPECT_NE(sms()[0].text.find("it could not be handed on. It stays in your mailbox."), std::string::npos) << sms()[0].text;
  EXPECT_EQ(again(item).reason, "2007 Message format corrupt") << "for the operator";
}

TEST_F(ToPhoneTest, ARemovedBindingWithdrawsWhatWaits) {
  data_plane.ready = false;
  const Item item = requested();
  Binding binding = *store->binding("b1").value();
  binding.state = BindingState::removed;
  ASSERT_TRUE(store->update_binding(binding));
  data_plane.ready = true;
  flows.tick();
  EXPECT_EQ(again(item).state, ItemState::withdrawn);
  new_mail("8");
  EXPECT_EQ(items().size(), 1U);
}

TEST_F(ToPhoneTest, ATransferThatBreaksOffIsWithdrawnInTheDataPlaneToo) {
  const Item item = requested();
  fetch_failed(item.id, "gone");
  ASSERT_EQ(data_plane.of(handoff::Kind::withdraw).size(), 1U);
  EXPECT_EQ(data_plane.of(handoff::Kind::withdraw)[0].item, item.id);
}

TEST_F(ToPhoneTest, RemovingABindingTakesBackWhatTheDataPlaneHas) {
  const Item item = handed_over();
  set_state(BindingState::removed);
  ASSERT_EQ(data_plane.of(handoff::Kind::withdraw).size(), 1U);
  EXPECT_EQ(data_plane.of(handoff::Kind::withdraw)[0].text(Tag::state), "withdrawn");
  EXPECT_EQ(again(item).state, ItemState::converting) << "its outcome says whether it was sent";
  outcome(item.id, ItemState::withdrawn);
  EXPECT_EQ(again(item).state, ItemState::withdrawn);
}

// What suspending does to items under way (README).
TEST_F(ToPhoneTest, SuspendingTakesBackTheSmsThatWaitsAndResumingSendsIt) {
  new_mail("7");
  ASSERT_EQ(sms().size(), 1U);
  set_state(BindingState::suspended);
  EXPECT_TRUE(sms().empty());
  EXPECT_EQ(the_item().state, ItemState::accepted);
  EXPECT_NE(the_item().reason.find("suspended"), std::string::npos);
  set_state(BindingState::active);
  ASSERT_EQ(sms().size(), 1U);
  EXPECT_NE(sms()[0].text.find(the_item().reply_code), std::string::npos);
}

// The fetcher tells of a mail that came before it heard of the suspension.
TEST_F(ToPhoneTest, WhatComesWhileTheBindingIsSuspendedIsNewsAfterwards) {
  new_mail("7");
  set_state(BindingState::suspended);
  for (int uid = 8; uid < 48; ++uid) new_mail(std::to_string(uid));
  EXPECT_EQ(store->mailbox("b1").value().last_uid, "7") << "the watermark stays";
  EXPECT_EQ(items().size(), 1U);
  set_state(BindingState::active);
  // The fetcher begins at the watermark that the store has.
  std::size_t told = 0;
  for (int uid = 8; uid < 48; ++uid) new_mail(std::to_string(uid));
  for (int second = 0; second < 60; ++second) {
    static_cast<void>(asking.announce());
    clock.pass(seconds(1));
  }
  told = sms().size();
  EXPECT_EQ(items().size(), 41U);
  EXPECT_EQ(store->mailbox("b1").value().last_uid, "47");
  EXPECT_LE(told, settings.announcements.own.count + 1) << "the newest, and how many more wait";
  EXPECT_NE(sms().back().text.find("more wait"), std::string::npos);
}

TEST_F(ToPhoneTest, SuspendingBreaksAFetchOffAndResumingStartsItAgain) {
  const Item item = requested();
  chunk(item.id, 0, 600);
  set_state(BindingState::suspended);
  EXPECT_EQ(again(item).state, ItemState::requested);
  EXPECT_EQ(fetchers.of(mailbox::Kind::cancel).size(), 1U);
  EXPECT_EQ(data_plane.of(handoff::Kind::withdraw).size(), 1U);
  for (int minute = 0; minute < 30; ++minute) {
    clock.pass(seconds(60));
    flows.tick();
  }
  EXPECT_EQ(fetchers.of(mailbox::Kind::fetch).size(), 1U) << "no fetch starts";
  EXPECT_EQ(again(item).state, ItemState::requested) << "and it is not lost";
  set_state(BindingState::active);
  EXPECT_EQ(again(item).state, ItemState::fetching);
}

TEST_F(ToPhoneTest, WhatTheMmscHasGoesOnWhileTheBindingIsSuspended) {
  const Item with_the_data_plane = handed_over();
  set_state(BindingState::suspended);
  EXPECT_TRUE(data_plane.of(handoff::Kind::withdraw).empty());
  outcome(with_the_data_plane.id, ItemState::submitted, "mm-1");
  report("mm-1", "number:+" + ann.digits(), "short:5000", "Retrieved");
  EXPECT_EQ(again(with_the_data_plane).state, ItemState::delivered);
}

TEST_F(ToPhoneTest, ACodeExpiresWhileTheBindingIsSuspended) {
  new_mail("7");
  set_state(BindingState::suspended);
  clock.pass(seconds(7 * 86'400 + 1));
  flows.tick();
  EXPECT_EQ(the_item().state, ItemState::expired);
}

TEST_F(ToPhoneTest, ASuspendedBindingHoldsUpNobodyElse) {
  ASSERT_TRUE(store->write([&]() -> Result<void> {
    for (int i = 0; i < 250; ++i) {
      const Item other{.id = new_item_id(clock.at, 1),
                       .source = Source::mailbox,
                       .binding = "b1",
                       .msisdn = ann,
                       .uid = std::to_string(i),
                       .state = ItemState::requested,
                       .peer = "mmsc"};
      PM_TRY([[maybe_unused]] const bool added, store->add_item(other));
    }
    return {};
  }));
  set_state(BindingState::suspended);
  clock.pass(seconds(1));
  new_mail("9", "b2");
  flows.tick();
  flows.tick();
  EXPECT_EQ(items().front().state, ItemState::fetching);
}

TEST_F(ToPhoneTest, RemovingABindingEndsWhatWaitsForItsPhone) {
  new_mail("7");
  set_state(BindingState::removed);
  EXPECT_EQ(the_item().state, ItemState::withdrawn);
  EXPECT_TRUE(sms().empty());
}

TEST_F(ToPhoneTest, AnswersOfOneThreadKeepTheirSuffix) {
  new_mail("1", "b2");
  new_mail("2", "b2");
  const auto both = items();
  ASSERT_EQ(both.size(), 2U);
  EXPECT_EQ(both[0].suffix, both[1].suffix) << "same correspondent, same thread";
  EXPECT_EQ(store->suffix(bob, both[0].suffix).value()->message_id, "m2@example.com") << "answers go to the newest mail";
}

}  // namespace
}  // namespace pushmail
