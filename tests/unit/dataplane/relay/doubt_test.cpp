// Attempts: on disk before anything leaves, and what follows when nobody knows what became of one.
#include <gmock/gmock.h>

#include "tests/unit/dataplane/relay/world.h"

namespace pushmail::relay {
namespace {

using handoff::Tag;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr ErrorInfo no_answer{"test.no_answer", "the answer did not come", "", Fault::world, Lasting::temporary};
constexpr ErrorInfo disk_full{"test.disk_full", "the disk is full", "", Fault::world, Lasting::temporary};

HttpResult lost() { return HttpFailure{.outcome = HttpOutcome::unknown, .error = Error{&no_answer}}; }
HttpResult not_sent() { return HttpFailure{.outcome = HttpOutcome::not_sent, .error = Error{&no_answer}}; }
HttpResult http(int status, std::string_view body = {}, std::string_view content_type = "text/html") {
  return HttpAnswer{
      .status = status, .content_type = std::string(content_type), .body = Bytes(body.begin(), body.end()), .retry_after = {}};
}
MailResult no_reply() { return {{.code = 0, .text = "no reply to the mail", .unknown = true}}; }

std::vector<FakeHandoff::Sent> doubts(const World& world) { return world.handoff.all(handoff::Kind::attempt); }
bool is_marked(const FakeHandoff::Sent& outcome) { return outcome.view().u64(handoff::tag(Tag::duplicate_possible)).value_or(0) == 1; }

void offer_marked(World& world, const ItemId& item) {
  RecordWriter submission = handoff::make(handoff::Kind::submission, item);
  submission.trace(handoff::tag(Tag::trace), TraceId{})
      .text(handoff::tag(Tag::peer), "mmsc1")
      .text(handoff::tag(Tag::msisdn), "15550100002");
  submission.text(handoff::tag(Tag::sender_address), "short:50001742")
      .u64(handoff::tag(Tag::mail_size), 4)
      .u64(handoff::tag(Tag::mm_size_max), 300'000);
  submission.u64(handoff::tag(Tag::duplicate_possible), 1);
  world.tell(handoff::Kind::submission, std::move(submission));
}

TEST(AttemptPhases, a_phase_has_a_way_out_and_nothing_begins_twice) {
  for (const AttemptPhase phase : {AttemptPhase::none, AttemptPhase::answered, AttemptPhase::refused, AttemptPhase::unknown}) {
    EXPECT_EQ(next_phase(phase, AttemptEvent::begin), AttemptPhase::begun) << to_string(phase);
    EXPECT_FALSE(next_phase(phase, AttemptEvent::loss)) << "nothing is under way";
  }
  EXPECT_FALSE(next_phase(AttemptPhase::begun, AttemptEvent::begin));
  EXPECT_EQ(next_phase(AttemptPhase::begun, AttemptEvent::restart), AttemptPhase::unknown);
}

TEST(AttemptPhases, the_record_says_all_of_it) {
  Attempt attempt{.peer = "mmsc1", .done = {"a@example.com", "b@example.com"}, .rejected = {"b@example.com: 550 no"}};
  attempt.apply(AttemptEvent::begin);
  attempt.apply(AttemptEvent::loss);
  attempt.apply(AttemptEvent::begin);
  attempt.apply(AttemptEvent::success);
  const Bytes bytes = to_record(attempt, ItemId{}, TraceId{}).finish(1);
  const Attempt read = attempt_of(parse_record(bytes).value());
  EXPECT_EQ(read.phase, AttemptPhase::answered);
  EXPECT_EQ(read.number, 2u);
  EXPECT_EQ(read.doubts, 1u);
  EXPECT_EQ(read.done, attempt.done);
  EXPECT_EQ(read.rejected, attempt.rejected);
  EXPECT_EQ(read.peer, "mmsc1");
}

// ---- before the first byte --------------------------------------------------------------------------------------------------------

TEST(RelayAttempt, nothing_leaves_before_its_attempt_is_durable) {
  World world;
  world.attempts_wait = true;
  const ItemId item = world.submit_until_sent();
  EXPECT_TRUE(world.outgoing.submits.empty());
  ASSERT_EQ(world.journal.waiting.size(), 1u);
  EXPECT_EQ(world.journal.waiting[0].kind, journal::Kind::attempt);
  world.commit();
  ASSERT_EQ(world.outgoing.submits.size(), 1u);
  EXPECT_EQ(world.outgoing.submits[0].item, item);

  World mail;
  mail.attempts_wait = true;
  (void)mail.deliver_until_sent();
  EXPECT_TRUE(mail.outgoing.mails.empty());
  mail.commit();
  EXPECT_EQ(mail.outgoing.mails.size(), 1u);
}

TEST(RelayAttempt, several_items_share_a_sync) {
  World world;
  world.attempts_wait = true;
  for (std::uint8_t n = 1; n <= 5; ++n) (void)world.submit_until_sent(n);
  EXPECT_EQ(world.journal.waiting.size(), 5u) << "nobody waits for the other's commit";
  world.commit();
  EXPECT_EQ(world.outgoing.submits.size(), 5u);
}

TEST(RelayAttempt, one_that_the_disk_refuses_sends_nothing_and_is_tried_again) {
  World world;
  world.attempts_wait = true;
  (void)world.submit_until_sent();
  world.fail_commit(disk_full);
  EXPECT_TRUE(world.outgoing.submits.empty());
  world.tick(seconds(1));
  world.commit();
  EXPECT_EQ(world.outgoing.submits.size(), 1u);
}

TEST(RelayAttempt, is_settled_with_the_outcome) {
  World world;
  const ItemId item = world.submit_until_sent();
  world.answer_submit(item, 4000);
  world.tick(seconds(10));
  world.answer_submit(item, 1000, "m-1");
  EXPECT_THAT(world.journal.settled, ::testing::Not(Contains(std::pair(journal::Kind::attempt, item))));
  world.commit();
  EXPECT_THAT(world.journal.settled, Contains(std::pair(journal::Kind::attempt, item)));
}

// ---- the data plane dies ----------------------------------------------------------------------------------------------------------

// The control plane is away while the mail is converted and posted, so its store has nothing of it; then the data plane dies.
TEST(RelayDoubt, a_submission_that_nobody_remembers_is_remembered_by_the_journal) {
  for (const bool deduplicates : {false, true}) {
    World world;
    ItemId item;
    item.bytes[15] = 9;
    world.offer(item, 4);
    world.chunk(item, 0, "mail");
    world.handoff.ready = false;
    world.relay->on_handoff_lost();
    world.convert_all();
    ASSERT_EQ(world.outgoing.submits.size(), 1u);

    world.handoff.sent.clear();
    world.restart();
    if (deduplicates) world.give_peers(true);
    world.replay();
    world.tick();
    world.handoff.ready = true;
    world.relay->on_handoff_ready(handoff::Other::restarted);
    ASSERT_EQ(doubts(world).size(), 1u);
    EXPECT_EQ(doubts(world)[0].item, item);
    EXPECT_EQ(doubts(world)[0].view().u64(handoff::tag(handoff::peer_tag("deduplicates"))).value_or(0), deduplicates ? 1u : 0u);

    world.offer(item, 4);
    world.chunk(item, 0, "mail");
    world.convert_all();
    EXPECT_EQ(world.outgoing.submits.size(), 1u) << "no offer before the doubt is acknowledged";
    EXPECT_EQ(world.relay->item_count(), 0u);

    world.relay->on_handoff_acknowledged(handoff::Kind::attempt, item);
    EXPECT_THAT(world.journal.settled, Contains(std::pair(journal::Kind::attempt, item)));
    offer_marked(world, item);
    world.chunk(item, 0, "mail");
    world.convert_all();
    ASSERT_EQ(world.outgoing.submits.size(), 2u);
    world.answer_submit(item, 1000, "m-1");
    world.commit();
    ASSERT_EQ(world.outcomes().size(), 1u);
    EXPECT_TRUE(is_marked(world.outcomes()[0]));
  }
}

TEST(RelayDoubt, what_was_refused_or_never_sent_is_no_doubt_after_a_restart) {
  for (const bool refused : {false, true}) {
    World world;
    const ItemId item = world.submit_until_sent();
    refused ? world.answer_submit(item, 4000) : world.relay->on_submit_result(item, not_sent());
    world.commit();
    world.restart();
    world.replay();
    world.tick();
    EXPECT_TRUE(doubts(world).empty());
    EXPECT_THAT(world.journal.settled, Contains(std::pair(journal::Kind::attempt, item))) << "the journal does not grow";
    world.offer(item, 4);
    world.chunk(item, 0, "mail");
    world.convert_all();
    world.answer_submit(item, 1000, "m-1");
    world.commit();
    EXPECT_FALSE(is_marked(world.outcomes().at(0)));
  }
}

TEST(RelayDoubt, an_outcome_behind_the_attempt_is_no_doubt) {
  World world;
  const ItemId item = world.submit_until_sent();
  world.answer_submit(item, 1000, "m-1");
  world.commit();
  world.journal.settled.clear();  // the settle records were lost with the crash
  world.journal.settled_after.clear();
  world.handoff.sent.clear();
  world.restart();
  world.replay();
  world.tick();
  EXPECT_TRUE(doubts(world).empty());
  EXPECT_EQ(world.outcomes().size(), 1u);
  EXPECT_THAT(world.journal.settled, Contains(std::pair(journal::Kind::attempt, item)));
}

TEST(RelayDoubt, a_mail_whose_data_had_left_waits_half_an_hour_and_is_marked) {
  World world;
  const ItemId item = world.deliver_until_sent();
  world.tick(seconds(60));
  world.restart();
  world.replay();
  world.tick();
  world.convert_all();
  world.answer_route_mail(item);
  world.convert_all();
  EXPECT_EQ(world.outgoing.mails.size(), 1u) << "not at once";
  EXPECT_TRUE(doubts(world).empty()) << "it is the journal's, and stays there";
  world.tick(seconds(1700));
  EXPECT_EQ(world.outgoing.mails.size(), 1u);
  world.tick(seconds(60));
  ASSERT_EQ(world.outgoing.mails.size(), 2u) << "the minute before the restart counts";
  world.relay->on_mail_result(item, {{.code = 250, .text = "ok"}});
  world.commit();
  EXPECT_EQ(world.outcomes().at(0).text(Tag::state), "delivered");
  EXPECT_TRUE(is_marked(world.outcomes()[0]));
}

TEST(RelayDoubt, recipients_that_have_the_mail_do_not_get_it_again_after_a_restart) {
  World world;
  const ItemId item = world.deliver_until_sent({"a@example.com", "b@example.com", "c@example.com"});
  world.relay->on_mail_result(item, {{.code = 250, .text = "ok"}, {.code = 550, .text = "no"}, {.code = 451, .text = "later"}});
  world.commit();
  world.restart();
  world.replay();
  world.tick();
  world.convert_all();
  world.answer_route_mail(item, {"a@example.com", "b@example.com", "c@example.com"});
  world.convert_all();
  ASSERT_EQ(world.outgoing.mails.size(), 2u);
  EXPECT_THAT(world.outgoing.mails[1].order.recipients, ElementsAre("c@example.com"));
  world.relay->on_mail_result(item, {{.code = 250, .text = "ok"}});
  world.commit();
  EXPECT_EQ(world.outcomes().at(0).text(Tag::state), "delivered");
  EXPECT_THAT(world.outcomes()[0].text(Tag::reason), HasSubstr("b@example.com: 550 no"));
  EXPECT_FALSE(is_marked(world.outcomes()[0]));
}

// ---- no answer --------------------------------------------------------------------------------------------------------------------

TEST(RelayDoubt, answers_that_say_nothing_are_handed_over_and_never_tried_again) {
  const std::string foreign =
      "<?xml version=\"1.0\"?><env:Envelope "
      "xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\"><env:Header><TransactionID>other</TransactionID></env:Header>"
      "<env:Body><SubmitRsp><MM7Version>6.8.0</MM7Version><Status><StatusCode>1000</StatusCode></Status><MessageID>m</MessageID></"
      "SubmitRsp></env:Body></env:Envelope>";
  const auto coded = [](std::string_view code) {
    return http(200,
                "<?xml version=\"1.0\"?><env:Envelope "
                "xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\"><env:Body><SubmitRsp><MM7Version>6.8.0"
                "</MM7Version><Status><StatusCode>" +
                    std::string(code) + "</StatusCode></Status><MessageID>m</MessageID></SubmitRsp></env:Body></env:Envelope>",
                "text/xml");
  };
  const auto foreign_fault = [](int http_status, std::string_view code) {
    return http(
        http_status,
        "<?xml version=\"1.0\"?><env:Envelope "
        "xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\"><env:Header><TransactionID>other</TransactionID></env:Header><env:Body>"
        "<env:Fault><faultcode>env:Server</faultcode><detail><RSErrorRsp><Status><StatusCode>" +
            std::string(code) + "</StatusCode></Status></RSErrorRsp></detail></env:Fault></env:Body></env:Envelope>",
        "text/xml");
  };
  const std::vector<HttpResult> answers{
      foreign_fault(500, "4004"),
      foreign_fault(200, "4006"),
      coded("-1000"),
      coded("1000;2002"),
      lost(),
      http(200),
      http(204),
      http(200, "<html>OK</html>"),
      http(202, "accepted", "text/plain"),
      http(200, foreign, "text/xml"),
      http(200,
           "<?xml version=\"1.0\"?><env:Envelope "
           "xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\"><env:Body><DeliverRsp><MM7Version>6.8.0"
           "</MM7Version><Status><StatusCode>1000</StatusCode></Status></DeliverRsp></env:Body></env:Envelope>",
           "text/xml"),
      coded("0"),
      coded("999"),
      coded("5000"),
      coded("9999"),
      coded("10000")};
  for (const HttpResult& answer : answers) {
    World world;
    const ItemId item = world.submit_until_sent();
    world.relay->on_submit_result(item, answer);
    ASSERT_EQ(doubts(world).size(), 1u);
    EXPECT_EQ(world.relay->memory_used(), 0u) << "the mailbox has the mail";
    for (int minute = 0; minute < 60; ++minute) world.tick(seconds(60));
    EXPECT_EQ(world.outgoing.submits.size(), 1u);
    EXPECT_TRUE(world.outcomes().empty()) << "it is not submitted";
    EXPECT_EQ(world.counters->get(Counter::submits_unknown), 1u);
  }
}

TEST(RelayDoubt, an_answer_with_two_statuses_says_nothing_whatever_its_http_status) {
  for (const int status : {200, 500}) {
    World world;
    const ItemId item = world.submit_until_sent();
    world.relay->on_submit_result(
        item, http(status,
                   "<?xml version=\"1.0\"?><env:Envelope xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\"><env:Body><SubmitRsp>"
                   "<Status><StatusCode>4006</StatusCode></Status><Status><StatusCode>1000</StatusCode></Status><MessageID>m</MessageID>"
                   "</SubmitRsp></env:Body></env:Envelope>",
                   "text/xml"));
    ASSERT_EQ(doubts(world).size(), 1u);
    world.tick(seconds(3600));
    EXPECT_EQ(world.outgoing.submits.size(), 1u);
    EXPECT_EQ(world.counters->get(Counter::submit_answers_unreadable), 1u);
  }
}

TEST(RelayDoubt, another_transaction_id_is_an_answer_where_the_profile_tolerates_it) {
  World world;
  PeerProfile peer = World::mmsc("mmsc1");
  peer.set_text("answer_transaction_id", "ignored");
  world.give_peers({peer});
  const ItemId item = world.submit_until_sent();
  ItemId other;
  other.bytes[0] = 1;
  World answering;  // an answer to another item, read as this one's
  const std::string xml =
      "<?xml version=\"1.0\"?><env:Envelope xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\"><env:Header><TransactionID>" +
      transaction_id_of(other) +
      "</TransactionID></env:Header><env:Body><SubmitRsp><MM7Version>6.8.0</MM7Version><Status><StatusCode>1000</StatusCode></"
      "Status><MessageID>m-1</MessageID>"
      "</SubmitRsp></env:Body></env:Envelope>";
  world.relay->on_submit_result(item, http(200, xml, "text/xml"));
  world.commit();
  EXPECT_EQ(world.outcomes().at(0).text(Tag::state), "submitted");
  EXPECT_EQ(world.counters->get(Counter::submit_answers_foreign), 1u);
}

TEST(RelayDoubt, a_success_without_message_id_is_submitted_and_said_so) {
  World world;
  const ItemId item = world.submit_until_sent();
  world.answer_submit(item, 1000);
  world.commit();
  EXPECT_EQ(world.outcomes().at(0).text(Tag::state), "submitted");
  EXPECT_THAT(world.outcomes()[0].text(Tag::reason), HasSubstr("no MessageID"));
  EXPECT_EQ(world.counters->get(Counter::submitted_nameless), 1u);
}

TEST(RelayDoubt, a_gateway_that_speaks_for_the_mmsc_gets_it_once_more_and_then_it_is_in_doubt) {
  for (const int status : {502, 504}) {
    World world;
    const ItemId item = world.submit_until_sent();
    world.relay->on_submit_result(item, http(status));
    EXPECT_TRUE(doubts(world).empty());
    world.tick(seconds(10));
    ASSERT_EQ(world.outgoing.submits.size(), 2u);
    world.relay->on_submit_result(item, http(status));
    EXPECT_EQ(doubts(world).size(), 1u);
  }
}

TEST(RelayDoubt, what_the_client_sent_twice_itself_is_marked) {
  World world;
  const ItemId item = world.submit_until_sent();
  world.relay->on_submit_result(item,
                                HttpFailure{.outcome = HttpOutcome::not_sent, .error = Error{&no_answer}, .duplicate_possible = true});
  EXPECT_EQ(doubts(world).size(), 1u) << "the try before it may have been seen";
}

TEST(RelayDoubt, a_run_of_them_pauses_the_peer_and_an_answer_ends_the_run) {
  World world;
  for (std::uint8_t n = 1; n <= 4; ++n) {
    const ItemId item = world.submit_until_sent(n);
    world.relay->on_submit_result(item, lost());
  }
  const ItemId answered = world.submit_until_sent(5);
  world.answer_submit(answered, 1000, "m-5");
  world.commit();
  for (std::uint8_t n = 6; n <= 10; ++n) {
    EXPECT_EQ(world.counters->get(Counter::peers_paused), 0u);
    const ItemId item = world.submit_until_sent(n);
    world.relay->on_submit_result(item, lost());
  }
  EXPECT_EQ(world.counters->get(Counter::peers_paused), 1u);
  const auto states = world.handoff.all(handoff::Kind::peer_state);
  ASSERT_EQ(states.size(), 1u);
  EXPECT_EQ(states[0].text(Tag::peer), "mmsc1");
  EXPECT_GT(states[0].view().i64(handoff::tag(Tag::retry_at)).value_or(0), world.clock.wall().us);
  const std::size_t sent = world.outgoing.submits.size();
  (void)world.submit_until_sent(11);
  EXPECT_EQ(world.outgoing.submits.size(), sent) << "the next one waits";
  world.tick(seconds(10));
  EXPECT_EQ(world.outgoing.submits.size(), sent + 1);
}

TEST(RelayDoubt, a_forwarded_mail_in_doubt_waits_for_the_next_word) {
  World world;
  const std::string_view mail = "Subject: x\r\n\r\nhello\r\n";
  world.relay->on_mail({.slot = 1, .generation = 1}, {.source = {},
                                                      .helo = "mx",
                                                      .mail_from = "joe@example.com",
                                                      .recipients = {{.address = "15550100002@mms.example.net"}},
                                                      .mail = std::make_unique<Bytes>(mail.begin(), mail.end())});
  const ItemId item = world.journal.waiting[0].item;
  world.commit();
  world.tick();
  world.convert_all();
  world.answer_route(item, "submit");
  world.convert_all();
  world.relay->on_submit_result(item, lost());
  ASSERT_EQ(doubts(world).size(), 1u);
  const std::size_t asked = world.handoff.all(handoff::Kind::route_query).size();
  world.relay->on_handoff_ready(handoff::Other::same);
  EXPECT_EQ(world.handoff.all(handoff::Kind::route_query).size(), asked) << "the control plane must have the doubt first";
  world.relay->on_handoff_acknowledged(handoff::Kind::attempt, item);
  EXPECT_EQ(world.handoff.all(handoff::Kind::route_query).size(), asked + 1);
  world.answer_route(item, "wait");
  EXPECT_TRUE(world.journal.settled_messages().empty()) << "the mail is ours until its end";
  world.answer_route(item, "submit");
  world.commit_attempts();
  ASSERT_EQ(world.outgoing.submits.size(), 2u);
  world.answer_submit(item, 1000, "m-1");
  world.commit();
  EXPECT_TRUE(is_marked(world.outcomes().at(0)));
}

TEST(RelayDoubt, a_forwarded_mail_that_was_begun_before_a_restart_is_handed_over_before_its_route_is_asked_for) {
  World world;
  const std::string_view mail = "Subject: x\r\n\r\nhello\r\n";
  world.relay->on_mail({.slot = 1, .generation = 1}, {.source = {},
                                                      .helo = "mx",
                                                      .mail_from = "joe@example.com",
                                                      .recipients = {{.address = "15550100002@mms.example.net"}},
                                                      .mail = std::make_unique<Bytes>(mail.begin(), mail.end())});
  const ItemId item = world.journal.waiting[0].item;
  world.commit();
  world.tick();
  world.convert_all();
  world.answer_route(item, "submit");
  world.convert_all();
  ASSERT_EQ(world.outgoing.submits.size(), 1u);
  world.handoff.sent.clear();
  world.restart();
  world.replay();
  world.tick();
  world.convert_all();
  EXPECT_EQ(doubts(world).size(), 1u);
  EXPECT_TRUE(world.handoff.all(handoff::Kind::route_query).empty());
  world.relay->on_handoff_acknowledged(handoff::Kind::attempt, item);
  EXPECT_EQ(world.handoff.all(handoff::Kind::route_query).size(), 1u);
  world.answer_route(item, "submit");
  world.convert_all();
  world.answer_submit(item, 1000, "m-1");
  world.commit();
  EXPECT_TRUE(is_marked(world.outcomes().at(0)));
}

// RFC 5321 §4.5.4.1.
TEST(RelayDoubt, a_mail_without_a_reply_goes_again_after_half_an_hour_and_three_times_at_most) {
  World world;
  world.settings.smtp_expire = seconds(5 * 86'400);
  world.restart();
  const ItemId item = world.deliver_until_sent();
  for (std::size_t sent = 1; sent <= 4; ++sent) {
    ASSERT_EQ(world.outgoing.mails.size(), sent);
    world.relay->on_mail_result(item, no_reply());
    world.commit();
    world.tick(seconds(1790));
    EXPECT_EQ(world.outgoing.mails.size(), sent);
    world.tick(seconds(20));
  }
  EXPECT_EQ(world.outgoing.mails.size(), 4u);
  for (const auto& mail : world.outgoing.mails) EXPECT_EQ(mail.content, world.outgoing.mails[0].content) << "the same Message-ID";
  ASSERT_EQ(world.outcomes().size(), 1u);
  EXPECT_EQ(world.outcomes()[0].text(Tag::state), "unconfirmed");
  EXPECT_TRUE(is_marked(world.outcomes()[0]));
}

TEST(RelayDoubt, doubts_of_a_mail_are_counted_over_restarts) {
  World world;
  world.settings.smtp_expire = seconds(5 * 86'400);
  world.restart();
  ItemId item = world.deliver_until_sent();
  for (int restarts = 0; restarts < 3; ++restarts) {
    world.restart();
    world.replay();
    world.tick();
    world.convert_all();
    world.answer_route_mail(item);
    world.convert_all();
    world.tick(seconds(1801));
  }
  ASSERT_EQ(world.outgoing.mails.size(), 4u);
  world.relay->on_mail_result(item, no_reply());
  world.commit();
  EXPECT_EQ(world.outcomes().at(0).text(Tag::state), "unconfirmed");
}

// ---- withdrawn --------------------------------------------------------------------------------------------------------------------

void withdraw(World& world, const ItemId& item, std::string_view state = {}) {
  RecordWriter record = handoff::make(handoff::Kind::withdraw, item);
  if (!state.empty()) record.text(handoff::tag(Tag::state), state);
  world.tell(handoff::Kind::withdraw, std::move(record));
}

TEST(RelayWithdraw, gives_the_memory_back_wherever_the_submission_stands) {
  World receiving;
  ItemId item;
  item.bytes[15] = 9;
  receiving.offer(item, 1000);
  receiving.chunk(item, 0, "01234");
  EXPECT_GE(receiving.relay->memory_used(), 1000u);
  withdraw(receiving, item);
  EXPECT_EQ(receiving.relay->memory_used(), 0u);
  EXPECT_EQ(receiving.relay->item_count(), 0u);

  World converting;
  converting.offer(item, 4);
  converting.chunk(item, 0, "mail");
  withdraw(converting, item);
  converting.convert_all();
  EXPECT_EQ(converting.relay->memory_used(), 0u);
  EXPECT_TRUE(converting.outgoing.submits.empty());

  World attempting;
  attempting.attempts_wait = true;
  (void)attempting.submit_until_sent();
  withdraw(attempting, item);
  attempting.commit();
  EXPECT_EQ(attempting.relay->memory_used(), 0u);
  EXPECT_TRUE(attempting.outgoing.submits.empty());
  EXPECT_THAT(attempting.journal.settled, Contains(std::pair(journal::Kind::attempt, item)));

  World backing_off;
  (void)backing_off.submit_until_sent();
  backing_off.relay->on_submit_result(item, not_sent());
  withdraw(backing_off, item);
  backing_off.commit();
  backing_off.tick(seconds(60));
  EXPECT_EQ(backing_off.relay->memory_used(), 0u);
  EXPECT_EQ(backing_off.outgoing.submits.size(), 1u);
  EXPECT_TRUE(backing_off.outcomes().empty());
}

// The record of the withdrawn try becomes durable when its item is there again: it is no leave to send that one.
TEST(RelayWithdraw, a_commit_of_before_says_nothing_of_what_is_offered_again) {
  World world;
  world.attempts_wait = true;
  const ItemId item = world.submit_until_sent();
  withdraw(world, item);
  world.offer(item, 4);
  world.chunk(item, 0, "mail");
  world.convert_all();
  world.commit(1);
  EXPECT_TRUE(world.outgoing.submits.empty()) << "its own record is not on disk";
  world.commit();
  EXPECT_EQ(world.outgoing.submits.size(), 1U);

  // Where it has begun no try of its own, nothing is left of the old one.
  World early;
  early.attempts_wait = true;
  (void)early.submit_until_sent();
  withdraw(early, item);
  early.offer(item, 4);
  early.journal.settled.clear();
  early.commit();
  EXPECT_TRUE(early.outgoing.submits.empty());
  EXPECT_THAT(early.journal.settled, Contains(std::pair(journal::Kind::attempt, item)));
}

TEST(RelayWithdraw, for_good_says_so_and_what_is_being_sent_goes_on) {
  World world;
  const ItemId item = world.submit_until_sent();
  withdraw(world, item, "withdrawn");
  world.answer_submit(item, 1000, "m-1");
  world.commit();
  EXPECT_EQ(world.outcomes().at(0).text(Tag::state), "submitted");

  const ItemId other = world.submit_until_sent(10);
  world.relay->on_submit_result(other, not_sent());
  withdraw(world, other, "withdrawn");
  world.commit();
  ASSERT_EQ(world.outcomes().size(), 2u);
  EXPECT_EQ(world.outcomes()[1].text(Tag::state), "withdrawn");
  EXPECT_EQ(world.relay->memory_used(), 0u);
}

}  // namespace
}  // namespace pushmail::relay
