// Mailbox to phone (submissions) and mail forwarded by SMTP.
#include <gmock/gmock.h>

#include "core/errors.h"
#include "core/record_fields.h"
#include "tests/unit/dataplane/relay/world.h"

namespace pushmail::relay {
namespace {

using handoff::Tag;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr Ticket first{.slot = 1, .generation = 1};
constexpr ErrorInfo no_connection{"test.no_connection", "the peer cannot be reached", "", Fault::world, Lasting::temporary};
constexpr ErrorInfo disk_full{"test.disk_full", "the disk is full", "", Fault::world, Lasting::temporary};

HttpResult failure(HttpOutcome outcome) { return HttpFailure{.outcome = outcome, .error = Error{&no_connection}}; }

std::uint64_t credit_of(const World& world) {
  std::uint64_t sum = 0;
  for (const auto& grant : world.handoff.all(handoff::Kind::submission_credit)) sum += *grant.view().u64(handoff::tag(Tag::credit));
  return sum;
}

TEST(RelaySubmission, chunks_come_by_credit_and_the_outcome_is_durable_before_it_is_told) {
  World world;
  ItemId item;
  item.bytes[15] = 9;
  world.offer(item, 10);
  EXPECT_EQ(credit_of(world), 4u);
  world.chunk(item, 0, "01234");
  EXPECT_EQ(credit_of(world), 5u);
  world.chunk(item, 0, "01234");
  EXPECT_EQ(credit_of(world), 5u) << "a chunk out of place is passed over";
  world.chunk(item, 5, "56789");
  world.convert_all();
  ASSERT_EQ(world.outgoing.submits.size(), 1u);
  EXPECT_EQ(text_of(world.outgoing.submits[0].body), "MM:0123456789");
  EXPECT_EQ(world.outgoing.submits[0].peer, "mmsc1");
  world.answer_submit(item, 1000, "m-1");
  EXPECT_TRUE(world.outcomes().empty());
  world.commit();
  ASSERT_EQ(world.outcomes().size(), 1u);
  EXPECT_EQ(world.outcomes()[0].text(Tag::state), "submitted");
  EXPECT_EQ(world.outcomes()[0].text(Tag::message_id), "m-1");
  EXPECT_THAT(world.handoff.events(), ElementsAre("converting", "submit_req", "submit_rsp"));
  EXPECT_EQ(world.relay->memory_used(), 0u);
}

TEST(RelaySubmission, an_empty_mail_is_refused_and_nothing_is_sent) {
  World world;
  ItemId item;
  item.bytes[15] = 9;
  world.offer(item, 0);
  world.convert_all();
  world.commit();
  EXPECT_EQ(credit_of(world), 0u);
  EXPECT_TRUE(world.outgoing.submits.empty());
  ASSERT_EQ(world.outcomes().size(), 1u);
  EXPECT_EQ(world.outcomes()[0].text(Tag::state), "failed");
  EXPECT_EQ(world.outcomes()[0].text(Tag::reason), "the submission announces an empty mail");
}

TEST(RelaySubmission, offered_again_after_its_outcome_it_is_not_sent_again) {
  World world;
  const ItemId item = world.submit_until_sent();
  world.answer_submit(item, 1000, "m-1");
  world.commit();
  const auto kept = world.journal.durable;
  world.offer(item, 4);
  EXPECT_EQ(world.outcomes().size(), 2u);
  world.restart();
  for (const auto& record : kept) world.relay->remember(parse_record(record.record).value());
  world.offer(item, 4);
  EXPECT_EQ(world.outcomes().size(), 3u);
  EXPECT_EQ(world.outgoing.submits.size(), 1u);
}

TEST(RelaySubmission, offered_again_while_it_is_being_sent_changes_nothing) {
  World world;
  const ItemId item = world.submit_until_sent();
  const std::uint64_t credit = credit_of(world);
  world.offer(item, 4);
  world.chunk(item, 0, "mail");
  EXPECT_EQ(credit_of(world), credit);
  EXPECT_EQ(world.outgoing.submits.size(), 1u);
}

TEST(RelaySubmission, a_cut_in_the_middle_of_the_chunks_starts_over) {
  World world;
  ItemId item;
  item.bytes[15] = 9;
  world.offer(item, 8);
  world.chunk(item, 0, "0123");
  world.relay->on_handoff_lost();
  EXPECT_EQ(world.relay->item_count(), 0u);
  EXPECT_EQ(world.relay->memory_used(), 0u);
  world.offer(item, 8);
  world.chunk(item, 0, "abcdefgh");
  world.convert_all();
  EXPECT_EQ(text_of(world.outgoing.submits[0].body), "MM:abcdefgh");
}

TEST(RelaySubmission, status_codes) {
  struct Row {
    int code;
    int http_status;
    std::string_view state;  // empty: it is tried again
  };
  const std::vector<Row> rows{
      {1000, 200, "submitted"}, {1100, 200, "submitted"}, {1000, 500, "submitted"}, {2000, 200, "failed"}, {2002, 200, "failed"},
      {2004, 200, "failed"},    {2999, 200, "failed"},    {3001, 200, "failed"},    {3002, 200, "failed"}, {3003, 200, "failed"},
      {4004, 500, "failed"},    {4005, 200, "failed"},    {4008, 200, "failed"},    {3000, 200, ""},       {3999, 200, ""},
      {4000, 200, ""},          {4006, 200, ""},          {4001, 200, ""},          {4007, 200, ""},       {2001, 200, ""},
      {4009, 200, ""},          {4500, 200, ""},          {4999, 200, ""},          {0, 200, ""},          {999, 200, ""},
      {5000, 200, ""},          {10000, 200, ""},
  };
  for (const Row& row : rows) {
    World world;
    const ItemId item = world.submit_until_sent();
    world.answer_submit(item, row.code, row.code / 1000 == 1 ? "m-1" : "", row.http_status);
    world.commit();
    if (row.state.empty()) {
      EXPECT_TRUE(world.outcomes().empty()) << row.code;
      world.tick(seconds(10));
      ASSERT_EQ(world.outgoing.submits.size(), 2u) << row.code;
      EXPECT_EQ(world.outgoing.submits[1].item, item);
    } else {
      ASSERT_EQ(world.outcomes().size(), 1u) << row.code;
      EXPECT_EQ(world.outcomes()[0].text(Tag::state), row.state) << row.code;
      EXPECT_EQ(world.outcomes()[0].view().u64(handoff::tag(Tag::status_code)), static_cast<std::uint64_t>(row.code));
    }
  }
}

TEST(RelaySubmission, a_busy_peer_gets_fewer_requests_at_a_time) {
  World world;
  world.answer_submit(world.submit_until_sent(), 4006);
  ASSERT_EQ(world.outgoing.overloaded.size(), 1u);
  EXPECT_EQ(world.outgoing.overloaded[0], world.outgoing.submits[0].peer);
}

TEST(RelaySubmission, http_statuses_without_soap) {
  for (const int status : {500, 503, 429, 401, 403, 404}) {
    World world;
    const ItemId item = world.submit_until_sent();
    world.relay->on_submit_result(item, HttpAnswer{.status = status, .content_type = "text/html", .body = {}, .retry_after = {}});
    world.commit();
    EXPECT_TRUE(world.outcomes().empty()) << status;
    world.tick(seconds(10));
    EXPECT_EQ(world.outgoing.submits.size(), 2u) << status;
  }
  World world;
  const ItemId item = world.submit_until_sent();
  world.relay->on_submit_result(item, HttpAnswer{.status = 413, .content_type = "text/html", .body = {}, .retry_after = {}});
  world.commit();
  EXPECT_EQ(world.outcomes().at(0).text(Tag::state), "failed");
}

TEST(RelaySubmission, trouble_with_the_peer_pauses_it_for_all_items) {
  World world;
  const ItemId item = world.submit_until_sent(9);
  world.answer_submit(item, 4001);
  world.submit_until_sent(10);
  EXPECT_EQ(world.outgoing.submits.size(), 1u) << "the second item is not tried while the peer is paused";
  world.tick(seconds(10));
  EXPECT_EQ(world.outgoing.submits.size(), 3u);
  // A new table of peers may bring the right password: no pause is left.
  world.answer_submit(item, 4001);
  world.give_peers(false);
  world.submit_until_sent(11);
  EXPECT_EQ(world.outgoing.submits.size(), 4u);
}

TEST(RelaySubmission, a_peer_that_tls_does_not_connect_us_to_is_paused_with_the_reason) {
  World world;
  const ItemId item = world.submit_until_sent(9);
  world.relay->on_submit_result(item, HttpFailure{.outcome = HttpOutcome::not_sent, .error = Error{&core_tls_expired}});
  EXPECT_EQ(world.counters->get(Counter::peers_paused), 1u);
  world.submit_until_sent(10);
  EXPECT_EQ(world.outgoing.submits.size(), 1u) << "the second item is not tried while the peer is paused";
  world.tick(seconds(10));
  EXPECT_EQ(world.outgoing.submits.size(), 3u);
}

TEST(RelaySubmission, an_mmsc_that_is_down_gets_all_of_them_later_and_none_twice) {
  World world;
  std::vector<ItemId> items;
  for (std::uint8_t n = 1; n <= 10; ++n) items.push_back(world.submit_until_sent(n));
  std::size_t told = 0;
  for (int second = 0; second < 60; ++second) {
    for (; told < world.outgoing.submits.size(); ++told)
      world.relay->on_submit_result(world.outgoing.submits[told].item, failure(HttpOutcome::not_sent));
    world.tick(seconds(1));
  }
  EXPECT_TRUE(world.outcomes().empty());
  for (int second = 0; second < 120; ++second) {
    for (; told < world.outgoing.submits.size(); ++told)
      world.answer_submit(world.outgoing.submits[told].item, 1000, "m-" + std::to_string(told));
    world.commit();
    world.tick(seconds(1));
  }
  ASSERT_EQ(world.outcomes().size(), 10u);
  std::set<ItemId> once;
  for (const auto& outcome : world.outcomes()) {
    EXPECT_TRUE(once.insert(outcome.item).second);
    EXPECT_FALSE(outcome.view().u64(handoff::tag(Tag::duplicate_possible)).has_value());
  }
}

TEST(RelaySubmission, a_lost_answer_is_sent_again_at_once_only_to_a_peer_that_deduplicates) {
  for (const bool deduplicates : {false, true}) {
    World world;
    world.give_peers(deduplicates);
    const ItemId item = world.submit_until_sent();
    world.relay->on_submit_result(item, failure(HttpOutcome::unknown));
    world.tick(seconds(10));
    EXPECT_EQ(world.handoff.all(handoff::Kind::attempt).size(), deduplicates ? 0u : 1u);
    ASSERT_EQ(world.outgoing.submits.size(), deduplicates ? 2u : 1u);
    if (!deduplicates) continue;
    EXPECT_EQ(text_of(world.outgoing.submits[1].body), "MM:mail");
    world.answer_submit(item, 1000, "m-1");
    world.commit();
    ASSERT_EQ(world.outcomes().size(), 1u);
    EXPECT_EQ(world.outcomes()[0].text(Tag::state), "submitted");
    EXPECT_EQ(world.outcomes()[0].view().u64(handoff::tag(Tag::duplicate_possible)), 1u);
  }
}

TEST(RelaySubmission, a_peer_that_deduplicates_and_never_answers_is_not_asked_without_end) {
  World world;
  world.give_peers(true);
  const ItemId item = world.submit_until_sent();
  std::size_t answered = 0;
  for (int minute = 0; minute < 24 * 60 && world.handoff.all(handoff::Kind::attempt).empty(); ++minute) {
    // One at a time: a run of them would pause the peer, too, and its question ends the pause.
    for (; answered < world.outgoing.submits.size(); ++answered) world.relay->on_submit_result(item, failure(HttpOutcome::unknown));
    world.tick(seconds(60));
    world.commit();
  }
  EXPECT_EQ(world.outgoing.submits.size(), 8u);
  ASSERT_EQ(world.handoff.all(handoff::Kind::attempt).size(), 1u) << "the control plane waits for a report now";
  EXPECT_TRUE(world.outcomes().empty());
}

TEST(RelaySubmission, expires) {
  World world;
  const ItemId item = world.submit_until_sent();
  std::size_t told = 0;
  for (int minute = 0; minute < 180 && world.outcomes().empty(); ++minute) {
    for (; told < world.outgoing.submits.size(); ++told) world.relay->on_submit_result(item, failure(HttpOutcome::not_sent));
    world.commit();
    world.tick(seconds(60));
  }
  ASSERT_EQ(world.outcomes().size(), 1u);
  EXPECT_EQ(world.outcomes()[0].text(Tag::state), "expired");
  EXPECT_THAT(world.outcomes()[0].text(Tag::reason), HasSubstr("the peer cannot be reached"));
}

TEST(RelaySubmission, a_mail_too_large_fails_with_a_reason) {
  World world;
  ItemId item;
  item.bytes[15] = 3;
  world.offer(item, 26 * limits::MiB);
  world.commit();
  ASSERT_EQ(world.outcomes().size(), 1u);
  EXPECT_EQ(world.outcomes()[0].text(Tag::state), "failed");
  EXPECT_EQ(credit_of(world), 0u);
}

TEST(RelaySubmission, to_an_unknown_peer_is_dropped_without_an_outcome_and_taken_when_offered_again) {
  World world;
  ItemId item;
  item.bytes[15] = 4;
  world.tell(handoff::Kind::peers, handoff::make(handoff::Kind::peers, {}));
  world.offer(item, 4);
  world.commit();
  EXPECT_TRUE(world.outcomes().empty());
  EXPECT_EQ(world.relay->item_count(), 0u);
  EXPECT_EQ(world.relay->memory_used(), 0u);
  world.give_peers(false);
  world.offer(item, 4);
  EXPECT_GT(credit_of(world), 0u);
}

TEST(RelaySubmission, waits_for_memory) {
  World world;
  world.settings.memory_max = 100;
  world.restart();
  ItemId large, other;
  large.bytes[15] = 1;
  other.bytes[15] = 2;
  world.offer(large, 80);
  const std::uint64_t credit = credit_of(world);
  world.offer(other, 80);
  EXPECT_EQ(credit_of(world), credit);
  world.chunk(large, 0, std::string(80, 'x'));
  world.convert_all();
  world.answer_submit(large, 1000, "m-1");
  world.commit();
  world.tick(seconds(1));
  EXPECT_GT(credit_of(world), credit);
}

// ---- SMTP in ----------------------------------------------------------------------------------------------------------------------

TEST(RelayForwarded, recipients) {
  struct Row {
    std::string_view address;
    std::string_view verdict;  // empty: not asked
    int code;
    std::string_view enhanced;
  };
  const std::vector<Row> rows{
      {"15550100002@mms.example.net", "accepted", 250, "2.1.5"},
      {"15550100002@MMS.Example.NET", "accepted", 250, "2.1.5"},
      {"15550100009@mms.example.net", "not_bound", 550, "5.1.1"},
      {"15550100009@mms.example.net", "suspended", 550, "5.1.1"},
      {"nonsense@mms.example.net", "bad_address", 553, "5.1.3"},
      {"15550100002@mms.example.net", "unavailable", 451, "4.3.0"},
      {"15550100002@mms.example.net", "recipient_busy", 452, "4.2.2"},
      {"15550100002@mms.example.net", "sender_busy", 451, "4.7.1"},
      {"joe@example.com", "", 550, "5.7.1"},
  };
  for (const Row& row : rows) {
    World world;
    world.relay->on_recipient(first, {.address = row.address});
    if (!row.verdict.empty()) world.answer_admission({row.verdict});
    ASSERT_TRUE(world.answers.recipients.contains(1)) << row.address;
    EXPECT_EQ(world.answers.recipients.at(1).code, row.code) << row.address;
    EXPECT_EQ(world.answers.recipients.at(1).enhanced, row.enhanced);
  }
}

std::vector<MailRecipient> without_wishes(const std::vector<std::string>& addresses) {
  std::vector<MailRecipient> recipients;
  for (const std::string& address : addresses) recipients.push_back({.address = address});
  return recipients;
}

MailInbound mail_to(const std::vector<std::string>& recipients) {
  constexpr std::string_view text = "Subject: s\r\n\r\nhello\r\n";
  return {.source = *parse_endpoint("192.0.2.9:4000"),
          .helo = "h",
          .mail_from = "joe@example.com",
          .recipients = without_wishes(recipients),
          .mail = std::make_unique<Bytes>(text.begin(), text.end())};
}

// RFC 5321 §4.5.1.
TEST(RelayForwarded, postmaster_is_always_there) {
  World world;
  world.handoff.ready = false;
  std::uint32_t slot = 0;
  for (const char* address : {"postmaster", "Postmaster", "POSTMASTER@mms.example.net", "postmaster@MMS.example.net"}) {
    world.relay->on_recipient({.slot = ++slot, .generation = 1}, {.address = address});
    EXPECT_EQ(world.answers.recipients.at(slot).code, 250) << address;
  }
  for (const char* address : {"postmaster@elsewhere.example", "postmasters@mms.example.net", "postmaster@mms.example.net.evil.example"}) {
    world.relay->on_recipient({.slot = ++slot, .generation = 1}, {.address = address});
    EXPECT_NE(world.answers.recipients.at(slot).code, 250) << address;
  }
  // Without an address to send it to, the log is where it ends.
  world.relay->on_mail({.slot = 20, .generation = 1}, mail_to({"postmaster"}));
  EXPECT_EQ(world.answers.mails.at(20).code, 250);
  EXPECT_TRUE(world.journal.waiting.empty());
  EXPECT_EQ(world.counters->get(Counter::postmaster_mails), 1U);
  world.relay->on_mail({.slot = 21, .generation = 1}, mail_to({"postmaster@mms.example.net", "15550100002@mms.example.net"}));
  EXPECT_EQ(world.journal.waiting.size(), 1U) << "the other recipient's";
}

TEST(RelayForwarded, mail_for_postmaster_goes_where_the_configuration_says) {
  World world;
  world.settings.postmaster = "ann@ops.example";
  world.settings.smart_host = "192.0.2.25:25";
  world.restart();
  world.relay->on_mail({.slot = 1, .generation = 1}, mail_to({"postmaster"}));
  world.commit();
  EXPECT_EQ(world.answers.mails.at(1).code, 250);
  world.tick();
  ASSERT_EQ(world.outgoing.mails.size(), 1U);
  EXPECT_EQ(to_string(world.outgoing.mails[0].order.next_hop), "192.0.2.25:25");
  EXPECT_EQ(world.outgoing.mails[0].order.mail_from, "joe@example.com");
  EXPECT_EQ(world.outgoing.mails[0].content, "Subject: s\r\n\r\nhello\r\n");
  EXPECT_TRUE(world.handoff.all(handoff::Kind::route_query).empty());
  world.relay->on_mail_result(world.outgoing.mails[0].order.item, {{.code = 250, .text = "queued"}});
  world.commit();
  world.tick();
  EXPECT_TRUE(world.outcomes().empty()) << "the control plane never knew it";
  world.restart();
  world.tick(seconds(600));
  EXPECT_EQ(world.outgoing.mails.size(), 1U) << "its records are settled";
}

TEST(RelayForwarded, a_verdict_is_kept_for_as_many_mails_as_it_grants) {
  World world;
  world.relay->on_recipient(first, {.address = "15550100002@mms.example.net"});
  world.answer_admission({"accepted"}, 60, {3});
  for (int i = 0; i < 2; ++i) {
    world.answers.recipients.clear();
    world.relay->on_recipient(first, {.address = "15550100002@mms.example.net"});
    EXPECT_EQ(world.answers.recipients.at(1).code, 250);
  }
  EXPECT_EQ(world.handoff.all(handoff::Kind::admission_query).size(), 1u);
  world.answers.recipients.clear();
  world.relay->on_recipient(first, {.address = "15550100002@mms.example.net"});
  EXPECT_EQ(world.handoff.all(handoff::Kind::admission_query).size(), 2u) << "three are spent";
  world.answer_admission({"recipient_busy"}, 2, {0});
  EXPECT_EQ(world.answers.recipients.at(1).code, 452);
}

TEST(RelayForwarded, another_sender_or_source_is_asked_for) {
  World world;
  const RecipientInbound one{.address = "15550100002@mms.example.net", .mail_from = "a@b.example", .source = parse_ip("192.0.2.1").value()};
  world.relay->on_recipient(first, one);
  world.answer_admission({"accepted"});
  const auto query = world.handoff.all(handoff::Kind::admission_query)[0];
  EXPECT_EQ(query.view().text(handoff::tag(handoff::Tag::mail_from)), "a@b.example");
  EXPECT_EQ(query.view().text(handoff::tag(handoff::Tag::source_address)), "192.0.2.1");
  RecipientInbound other = one;
  other.mail_from = "c@b.example";
  world.relay->on_recipient(first, other);
  EXPECT_EQ(world.handoff.all(handoff::Kind::admission_query).size(), 1u) << "the same domain";
  other.mail_from = "a@c.example";
  world.relay->on_recipient(first, other);
  EXPECT_EQ(world.handoff.all(handoff::Kind::admission_query).size(), 2u);
  other = one;
  other.source = parse_ip("192.0.2.2").value();
  world.relay->on_recipient(first, other);
  EXPECT_EQ(world.handoff.all(handoff::Kind::admission_query).size(), 3u);
}

TEST(RelayForwarded, nobody_to_ask_is_451_never_550) {
  World world;
  world.handoff.ready = false;
  world.relay->on_recipient(first, {.address = "15550100002@mms.example.net"});
  EXPECT_EQ(world.answers.recipients.at(1).code, 451);
}

MailInbound mail_for(const std::vector<std::string>& recipients) {
  const std::string_view mail = "Subject: x\r\n\r\nhello\r\n";
  return {.source = {},
          .helo = "mx",
          .mail_from = "joe@example.com",
          .recipients = without_wishes(recipients),
          .mail = std::make_unique<Bytes>(mail.begin(), mail.end())};
}

TEST(RelayForwarded, one_item_a_recipient_one_trace_and_250_when_all_are_durable) {
  World world;
  world.relay->on_mail(first, mail_for({"15550100002@mms.example.net", "15550100003@mms.example.net"}));
  ASSERT_EQ(world.journal.waiting.size(), 2u);
  const auto trace = [](const FakeJournal::Appended& a) { return parse_record(a.record).value().trace(journal::tag(journal::Tag::trace)); };
  EXPECT_EQ(trace(world.journal.waiting[0]), trace(world.journal.waiting[1]));
  EXPECT_NE(world.journal.waiting[0].item, world.journal.waiting[1].item);
  world.commit(1);
  EXPECT_TRUE(world.answers.mails.empty());
  world.commit(1);
  EXPECT_EQ(world.answers.mails.at(1).code, 250);
  world.tick();
  world.convert_all();
  EXPECT_EQ(world.handoff.all(handoff::Kind::route_query).size(), 2u);
}

TEST(RelayForwarded, what_the_sender_wants_to_be_told_is_kept_with_each_item) {
  World world;
  MailInbound mail = mail_for({"15550100002@mms.example.net", "15550100003@mms.example.net"});
  mail.ret = "HDRS";
  mail.envelope_id = "QQ 1";
  mail.recipients[0].notify = "SUCCESS,FAILURE";
  mail.recipients[0].original = "rfc822;joe@example.com";
  world.relay->on_mail(first, std::move(mail));
  ASSERT_EQ(world.journal.waiting.size(), 2u);
  const auto text = [&](std::size_t at, journal::Tag tag) {
    return text_or_empty(parse_record(world.journal.waiting[at].record).value(), tag);
  };
  EXPECT_EQ(text(0, journal::Tag::notify), "SUCCESS,FAILURE");
  EXPECT_EQ(text(0, journal::Tag::original_recipient), "rfc822;joe@example.com");
  EXPECT_EQ(text(1, journal::Tag::notify), "");
  for (const std::size_t at : {0u, 1u}) {
    EXPECT_EQ(text(at, journal::Tag::ret), "HDRS");
    EXPECT_EQ(text(at, journal::Tag::envelope_id), "QQ 1");
  }
}

TEST(RelayRules, a_mail_handed_in_that_a_rule_rejects_ends_before_anybody_is_asked) {
  World world;
  world.rules = {{.id = "spam-1", .action = scan::Action::reject, .tag = {}}, {.id = "t-2", .action = scan::Action::tag, .tag = "finance"}};
  world.relay->on_mail(first, mail_for({"15550100002@mms.example.net"}));
  world.commit();
  world.tick();
  world.convert_all();
  world.commit();
  EXPECT_TRUE(world.handoff.all(handoff::Kind::route_query).empty());
  const auto outcomes = world.outcomes();
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].view().text(handoff::tag(handoff::Tag::state)), "rejected");
  const std::string_view reason = outcomes[0].view().text(handoff::tag(handoff::Tag::reason)).value_or("");
  EXPECT_TRUE(reason.starts_with("refused by the operator's policy, reference ")) << reason;
  EXPECT_EQ(reason.find("spam-1"), std::string_view::npos) << "a rule's name is for the operator";
  EXPECT_EQ(world.relay->item_count(), 0u);
  EXPECT_EQ(world.relay->memory_used(), 0u);
}

TEST(RelayRules, other_actions_are_told_and_the_mail_goes_on) {
  World world;
  world.rules = {{.id = "h-1", .action = scan::Action::hold, .tag = {}}, {.id = "t-2", .action = scan::Action::tag, .tag = "finance"}};
  world.relay->on_mail(first, mail_for({"15550100002@mms.example.net"}));
  const ItemId item = world.journal.waiting[0].item;
  world.commit();
  world.tick();
  world.convert_all();
  std::vector<std::string> told;
  for (const auto& event : world.handoff.all(handoff::Kind::event)) {
    if (event.view().text(handoff::tag(handoff::Tag::name)) != "content_rule") continue;
    std::string details;
    event.view().for_each([&](std::uint16_t field, ByteView value) {
      if (field == handoff::tag(handoff::Tag::detail)) details += std::string(text_of(value)) + " ";
    });
    told.push_back(details);
  }
  EXPECT_EQ(told, (std::vector<std::string>{"rule=h-1 action=hold ", "rule=t-2 action=tag tag=finance "}));
  world.answer_route(item, "submit");
  EXPECT_FALSE(world.codec.waiting.front().under_rules) << "looked at once";
  world.convert_all();
  EXPECT_EQ(world.outgoing.submits.size(), 1u);
}

TEST(RelayForwarded, a_route_to_an_unknown_peer_is_asked_for_again) {
  World world;
  world.relay->on_mail(first, mail_for({"15550100002@mms.example.net"}));
  const ItemId item = world.journal.waiting[0].item;
  world.commit();
  world.tick();
  world.convert_all();
  world.tell(handoff::Kind::peers, handoff::make(handoff::Kind::peers, {}));
  world.answer_route(item, "submit");
  world.commit();
  EXPECT_TRUE(world.outcomes().empty());
  EXPECT_TRUE(world.journal.settled_messages().empty());
  world.give_peers(false);
  world.tick(seconds(31));
  EXPECT_EQ(world.handoff.all(handoff::Kind::route_query).size(), 2u);
  world.answer_route(item, "submit");
  world.convert_all();
  EXPECT_EQ(world.outgoing.submits.size(), 1u);
}

TEST(RelayForwarded, holds_at_most_half_of_the_memory_and_a_share_for_each_recipient) {
  World world;
  const std::uint64_t size = mail_for({"a"}).mail->size();
  const std::string ann = "15550100002@mms.example.net", joe = "15550100003@mms.example.net", eve = "15550100004@mms.example.net";
  world.settings.memory_max = 6 * size;
  world.settings.recipient_memory_max = 2 * size;
  world.restart();
  const auto code_of = [&](std::uint32_t slot, const std::string& recipient) {
    world.relay->on_mail({.slot = slot, .generation = 1}, mail_for({recipient}));
    world.commit();
    return std::to_string(world.answers.mails.at(slot).code) + " " + std::string(world.answers.mails.at(slot).enhanced);
  };
  EXPECT_EQ(code_of(1, ann), "250 2.0.0");
  EXPECT_EQ(code_of(2, ann), "250 2.0.0");
  EXPECT_EQ(code_of(3, ann), "452 4.2.2");
  EXPECT_EQ(code_of(8, "\"15550100002\"@MMS.Example.net"), "452 4.2.2") << "the same mailbox, written in another way";
  world.relay->on_recipient({.slot = 4, .generation = 1}, {.address = ann});
  world.answer_admission({"accepted"});
  EXPECT_EQ(world.answers.recipients.at(4).code, 452);
  EXPECT_EQ(code_of(5, joe), "250 2.0.0");
  EXPECT_EQ(code_of(6, eve), "452 4.3.1") << "half of the memory is full";
  world.relay->on_mm7({.slot = 7, .generation = 1}, world.deliver("t1", "x"));
  EXPECT_TRUE(world.answers.refused_mm7.empty()) << "the other half is the MMSC's";
  // What ends gives its room back.
  world.tick();
  world.convert_all();
  world.answer_route(world.journal.durable.at(0).item, "refuse", "no");
  world.commit();
  EXPECT_EQ(code_of(8, ann), "250 2.0.0");
}

TEST(RelayForwarded, all_or_nothing) {
  World world;
  world.relay->on_mail(first, mail_for({"15550100002@mms.example.net", "15550100003@mms.example.net"}));
  const ItemId durable = world.journal.waiting[0].item;
  world.commit(1);
  world.fail_commit(disk_full);
  EXPECT_EQ(world.answers.mails.at(1).code, 452);
  EXPECT_THAT(world.journal.settled, ::testing::Contains(std::pair(journal::Kind::accepted_mail, durable)));
  EXPECT_EQ(world.relay->item_count(), 0u);
  EXPECT_EQ(world.relay->memory_used(), 0u);
}

TEST(RelayForwarded, waits_until_the_phone_asks_also_over_a_restart_of_the_control_plane) {
  World world;
  world.relay->on_mail(first, mail_for({"15550100002@mms.example.net"}));
  const ItemId item = world.journal.waiting[0].item;
  world.commit();
  world.tick();
  world.convert_all();
  world.answer_route(item, "wait");
  world.tick(seconds(300));
  EXPECT_EQ(world.handoff.all(handoff::Kind::route_query).size(), 1u) << "waiting asks nothing";
  world.relay->on_handoff_lost();
  world.relay->on_handoff_ready(handoff::Other::restarted);
  EXPECT_EQ(world.handoff.all(handoff::Kind::route_query).size(), 2u);
  world.answer_route(item, "submit");
  world.convert_all();
  ASSERT_EQ(world.outgoing.submits.size(), 1u);
  world.answer_submit(item, 1000, "m-1");
  world.commit();
  EXPECT_EQ(world.outcomes().at(0).text(Tag::state), "submitted");
  EXPECT_THAT(world.journal.settled_messages(), ElementsAre(std::pair(journal::Kind::accepted_mail, item)));
}

// ---- the end of the process -------------------------------------------------------------------------------------------------------

TEST(RelayStop, a_try_that_was_written_down_and_not_begun_leaves_no_doubt) {
  World world;
  world.attempts_wait = true;
  const ItemId item = world.submit_until_sent();
  ASSERT_EQ(world.journal.waiting.size(), 1u);
  world.relay->stop_sending();
  EXPECT_TRUE(world.relay->waits_for_disk());
  world.commit();
  EXPECT_FALSE(world.relay->waits_for_disk());
  EXPECT_TRUE(world.outgoing.submits.empty());
  EXPECT_EQ(world.journal.durable_count(journal::Kind::attempt), 2u) << "that it began, and that nothing of it left";
  world.restart();
  world.replay();
  world.tick();
  EXPECT_TRUE(world.handoff.all(handoff::Kind::attempt).empty());
  world.attempts_wait = false;
  EXPECT_EQ(world.submit_until_sent(), item);
  ASSERT_EQ(world.outgoing.submits.size(), 1u) << "offered again, it goes out";
}

TEST(RelayStop, nothing_leaves_and_what_comes_in_is_kept) {
  World world;
  world.relay->stop_sending();
  (void)world.deliver_until_sent();
  EXPECT_EQ(world.answers.mm7.at(1).code, 1000);
  ItemId item;
  item.bytes[15] = 9;
  world.offer(item, 4);
  EXPECT_EQ(credit_of(world), 0u) << "the next process is offered it";
  for (int i = 0; i < 5; ++i) world.tick(seconds(30));
  EXPECT_TRUE(world.outgoing.mails.empty());
  EXPECT_EQ(world.journal.durable_count(journal::Kind::attempt), 0u);
  world.restart();
  world.replay();
  world.tick();
  world.convert_all();
  EXPECT_EQ(world.handoff.all(handoff::Kind::route_query).size(), 2u) << "asked before the end, and after it";
}

}  // namespace
}  // namespace pushmail::relay
