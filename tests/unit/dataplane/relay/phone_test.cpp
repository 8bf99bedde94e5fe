// Phone to mail: admission, journal before answer, repeats, reports, the mail's way out.
#include <gmock/gmock.h>

#include "tests/unit/dataplane/relay/world.h"

namespace pushmail::relay {
namespace {

using handoff::Tag;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr Ticket first{.slot = 1, .generation = 1};
constexpr Ticket second{.slot = 2, .generation = 1};
constexpr ErrorInfo disk_full{"test.disk_full", "the disk is full", "", Fault::world, Lasting::temporary};

TEST(RelayPhone, a_message_is_durable_before_its_answer_and_settled_after_its_outcome) {
  World world;
  world.relay->on_mm7(first, world.deliver());
  ASSERT_EQ(world.handoff.all(handoff::Kind::admission_query).size(), 1u);
  const auto query = world.handoff.all(handoff::Kind::admission_query)[0];
  EXPECT_EQ(query.text(Tag::source), "mm7");
  EXPECT_EQ(query.text(Tag::sender), "number:+15550100002");
  EXPECT_THAT(query.texts(Tag::recipient), ElementsAre("short:5000"));
  EXPECT_TRUE(world.journal.waiting.empty()) << "nothing is journaled before the verdict";

  world.answer_admission({"accepted", "accepted"});
  ASSERT_EQ(world.journal.waiting.size(), 1u);
  const ItemId item = world.journal.waiting[0].item;
  EXPECT_TRUE(world.answers.mm7.empty()) << "no answer before the commit";
  world.commit();
  EXPECT_EQ(world.answers.mm7.at(1).code, 1000);

  world.tick();
  world.convert_all();
  const auto route = world.handoff.all(handoff::Kind::route_query);
  ASSERT_EQ(route.size(), 1u);
  EXPECT_EQ(route[0].item, item);
  EXPECT_EQ(route[0].text(Tag::subject), "Hi");
  EXPECT_EQ(route[0].text(Tag::first_line), "hello");

  world.answer_route_mail(item);
  world.convert_all();
  ASSERT_EQ(world.outgoing.mails.size(), 1u);
  EXPECT_EQ(world.outgoing.mails[0].content, "MAIL:hello");
  EXPECT_EQ(to_string(world.outgoing.mails[0].order.next_hop), "192.0.2.25:25");
  world.relay->on_mail_result(item, {{.code = 250, .text = "queued"}});

  EXPECT_TRUE(world.journal.settled_messages().empty()) << "not settled before the outcome is durable";
  EXPECT_TRUE(world.outcomes().empty());
  world.commit();
  EXPECT_THAT(world.journal.settled_messages(), ElementsAre(std::pair(journal::Kind::accepted_mm7, item)));
  ASSERT_EQ(world.outcomes().size(), 1u);
  EXPECT_EQ(world.outcomes()[0].text(Tag::state), "delivered");
  world.relay->on_handoff_acknowledged(handoff::Kind::outcome, item);
  EXPECT_EQ(world.journal.settled.back(), std::pair(journal::Kind::outcome, item));
  EXPECT_EQ(world.relay->item_count(), 0u);
  EXPECT_EQ(world.relay->memory_used(), 0u);
  EXPECT_THAT(world.handoff.events(), ElementsAre("deliver_req", "deliver_rsp", "converting", "mail_sending", "mail_sent"));
}

TEST(RelayPhone, a_conversion_without_memory_is_done_later) {
  World world;
  const ItemId item = world.accept_deliver();
  for (const bool peeking : {true, false}) {
    SCOPED_TRACE(peeking ? "peek" : "mail");
    world.put_off = 2;
    world.tick();
    for (int n = 0; n < 3; ++n) {
      world.convert_all();
      world.tick(seconds(2));
    }
    world.convert_all();
    EXPECT_EQ(world.put_off, 0);
    if (peeking) world.answer_route_mail(item);
  }
  ASSERT_EQ(world.outgoing.mails.size(), 1u);
  EXPECT_EQ(world.outgoing.mails[0].content, "MAIL:hello") << "whole, and once";
}

TEST(RelayPhone, a_conversion_that_never_finds_memory_is_tried_more_and_more_seldom) {
  World world;
  world.accept_deliver();
  world.put_off = 1000;
  for (int n = 0; n < 3600; ++n) {
    world.tick(seconds(1));
    world.convert_all();
  }
  const int tries = 1000 - world.put_off;
  EXPECT_GE(tries, 12);
  EXPECT_LE(tries, 25);
  EXPECT_EQ(world.relay->item_count(), 1u) << "it stays";
}

TEST(RelayPhone, a_sender_that_is_not_bound_is_refused_by_the_profile_and_nothing_is_kept) {
  for (const std::uint64_t code : {4007u, 2001u, 0u}) {
    World world;
    world.give_peers(false, code);
    world.relay->on_mm7(first, world.deliver());
    world.answer_admission({"not_bound"});
    EXPECT_EQ(world.answers.mm7.at(1).code, code == 0 ? 1000 : static_cast<int>(code));
    EXPECT_TRUE(world.journal.waiting.empty());
    EXPECT_EQ(world.relay->item_count(), 0u);
    EXPECT_THAT(world.handoff.events(), ElementsAre("deliver_req", "admission_refused"));
  }
}

TEST(RelayPhone, recipients) {
  struct Row {
    std::vector<std::string> recipients;
    std::vector<std::string_view> verdicts;  // after the sender's; empty: not asked
    int code;
    std::string_view details;
  };
  const std::vector<Row> rows{
      {{"5000"}, {"accepted"}, 1000, ""},
      {{"5000"}, {"not_bound"}, 2003, "5000"},
      {{"5000"}, {"bad_address"}, 2002, "5000"},
      {{"+15550100007", "5000"}, {"not_bound", "accepted"}, 1100, "+15550100007"},
      {{"+15550100007", "joe@example.com", "5000"}, {"not_bound", "not_bound", "accepted"}, 1100, "+15550100007, joe@example.com"},
      {{"+15550100007", "joe@example.com"}, {"not_bound", "bad_address"}, 2002, "+15550100007, joe@example.com"},
      {{"+1x5550100007"}, {}, 2002, ""},
      {{"5000"}, {"unavailable"}, 1000, ""},
  };
  for (const Row& row : rows) {
    World world;
    world.relay->on_mm7(first, world.deliver("t1", "hello", row.recipients));
    if (!row.verdicts.empty()) {
      std::vector<std::string_view> verdicts{"accepted"};
      verdicts.insert(verdicts.end(), row.verdicts.begin(), row.verdicts.end());
      world.answer_admission(verdicts);
    }
    world.commit();
    ASSERT_TRUE(world.answers.mm7.contains(1)) << row.recipients[0];
    EXPECT_EQ(world.answers.mm7.at(1).code, row.code) << row.recipients[0];
    EXPECT_EQ(world.answers.mm7.at(1).details, row.details);
    EXPECT_EQ(world.relay->item_count(), row.code < 2000 ? 1u : 0u);
  }
}

TEST(RelayPhone, what_one_mmsc_is_refused_says_nothing_to_another) {
  World world;
  world.give_peers({World::mmsc("mmsc1"), World::mmsc("mmsc2")});
  Mm7Inbound of_other = world.deliver("t1");
  of_other.peer = "mmsc2";
  world.relay->on_mm7(first, std::move(of_other));
  world.answer_admission({"accepted", "not_bound"});
  EXPECT_EQ(world.answers.mm7.at(1).code, 2003);
  world.relay->on_mm7({.slot = 2, .generation = 1}, world.deliver("t2"));
  EXPECT_EQ(world.handoff.all(handoff::Kind::admission_query).size(), 2u) << "asked for itself";
  world.answer_admission({"accepted", "accepted"});
  world.commit();
  EXPECT_EQ(world.answers.mm7.at(2).code, 1000);
}

TEST(RelayPhone, a_malformed_sender_is_2002) {
  World world;
  world.relay->on_mm7(first, world.deliver("t1", "hello", {"5000"}, "+1555010000212345678"));
  EXPECT_EQ(world.answers.mm7.at(1).code, 2002);
}

// A stranger's mail that the MMSC hands on must not leave as the subscriber whose number stands in its address.
TEST(RelayPhone, a_mail_address_or_a_short_code_is_no_phone) {
  using mm7::AddressKind;
  for (const auto& [kind, value] : {std::pair{AddressKind::rfc2822, "15550100002@evil.example"},
                                    {AddressKind::rfc2822, "+15550100002"},
                                    {AddressKind::short_code, "15550100002"}}) {
    World world;
    Mm7Inbound inbound = world.deliver();
    std::get<mm7::DeliverReq>(inbound.request).sender = {.kind = kind, .value = value};
    world.relay->on_mm7(first, std::move(inbound));
    EXPECT_EQ(world.answers.mm7.at(1).code, 2002) << value;
    EXPECT_TRUE(world.handoff.all(handoff::Kind::admission_query).empty());
    EXPECT_TRUE(world.journal.waiting.empty());
  }
}

TEST(RelayPhone, a_number_that_may_be_two_is_no_sender) {
  struct Row {
    const char* sender;
    const char* form;  // empty: refused
  };
  for (const Row& row : {Row{"05550100002", "number:+15550100002"}, Row{"0015550100002", "number:+15550100002"},
                         Row{"15550100002", "number:+15550100002"}, Row{"5550100002", ""}}) {
    World world;
    world.settings.numbering = {.country_code = "1"};
    world.restart();
    world.relay->on_mm7(first, world.deliver("t1", "hello", {"5000"}, row.sender));
    const auto queries = world.handoff.all(handoff::Kind::admission_query);
    ASSERT_EQ(queries.size(), row.form[0] == '\0' ? 0u : 1u) << row.sender;
    if (queries.empty()) {
      EXPECT_EQ(world.answers.mm7.at(1).code, 2002);
    } else {
      EXPECT_EQ(queries[0].text(Tag::sender), row.form);
    }
  }
}

TEST(RelayPhone, every_spelling_of_a_number_is_one_sender) {
  World world;
  world.relay->on_mm7(first, world.deliver("t1", "hello", {"5000"}, "15550100002"));
  ASSERT_EQ(world.handoff.all(handoff::Kind::admission_query).size(), 1U);
  EXPECT_EQ(world.handoff.all(handoff::Kind::admission_query)[0].text(Tag::sender), "number:+15550100002");
}

TEST(RelayPhone, senders_that_are_not_bound_have_a_budget) {
  World world;
  world.settings.unbound_senders["mmsc1"] = 2;
  world.restart();
  world.relay->on_mm7({.slot = 9, .generation = 1}, world.deliver("bound", "hello", {"5000"}, "+15550100009"));
  world.answer_admission({"accepted", "accepted"}, 3600);
  for (std::uint32_t n = 1; n <= 2; ++n) {
    world.relay->on_mm7({.slot = n, .generation = 1},
                        world.deliver(std::to_string(n), "hello", {"5000"}, "+1999000000" + std::to_string(n)));
    world.answer_admission({"not_bound", "not_bound"});
    EXPECT_EQ(world.answers.mm7.at(n).code, 4007);
  }
  const std::size_t asked = world.handoff.all(handoff::Kind::admission_query).size();
  world.relay->on_mm7({.slot = 3, .generation = 1}, world.deliver("3", "hello", {"5000"}, "+19990000003"));
  EXPECT_THAT(world.answers.refused_mm7, ElementsAre(3U));
  world.relay->on_mm7({.slot = 4, .generation = 1}, world.deliver("4", "hello", {"5000"}, "+15550100009"));
  EXPECT_EQ(world.journal.waiting.size(), 2U) << "who is known to be bound is not kept waiting";
  EXPECT_EQ(world.handoff.all(handoff::Kind::admission_query).size(), asked);
  EXPECT_EQ(world.counters->get(Counter::deliver_over_budget), 1U);
  world.tick(seconds(31));
  world.relay->on_mm7({.slot = 5, .generation = 1}, world.deliver("5", "hello", {"5000"}, "+19990000005"));
  EXPECT_EQ(world.handoff.all(handoff::Kind::admission_query).size(), asked + 1);
}

TEST(RelayPhone, without_a_control_plane_it_is_journaled_and_decided_later) {
  World world;
  world.handoff.ready = false;
  world.relay->on_mm7(first, world.deliver());
  world.commit();
  EXPECT_EQ(world.answers.mm7.at(1).code, 1000);
  world.tick();
  world.convert_all();
  EXPECT_TRUE(world.handoff.sent.empty());

  world.handoff.ready = true;
  world.relay->on_handoff_ready(handoff::Other::restarted);
  EXPECT_THAT(world.handoff.events(), ElementsAre("deliver_req", "deliver_rsp")) << "events wait for somebody to hear them";
  const auto asked = world.handoff.all(handoff::Kind::route_query);
  ASSERT_EQ(asked.size(), 1u);
  world.answer_route(asked[0].item, "refuse", "this number is not bound");
  world.commit();
  ASSERT_EQ(world.outcomes().size(), 1u);
  EXPECT_EQ(world.outcomes()[0].text(Tag::state), "rejected");
  EXPECT_EQ(world.outcomes()[0].text(Tag::reason), "this number is not bound");
}

TEST(RelayPhone, a_control_plane_that_does_not_answer_in_two_seconds_or_goes_away_is_not_waited_for) {
  for (const bool goes : {false, true}) {
    World world;
    world.relay->on_mm7(first, world.deliver());
    world.tick(milliseconds(1900));
    EXPECT_TRUE(world.journal.waiting.empty());
    if (goes) {
      world.relay->on_handoff_lost();
    } else {
      world.tick(milliseconds(100));
    }
    world.commit();
    EXPECT_EQ(world.answers.mm7.at(1).code, 1000);
  }
}

TEST(RelayPhone, verdicts_are_cached_for_their_lifetime_and_for_their_sender) {
  World world;
  world.accept_deliver("t1", "a", 1);
  world.relay->on_mm7(second, world.deliver("t2", "b"));
  EXPECT_EQ(world.handoff.all(handoff::Kind::admission_query).size(), 1u);
  EXPECT_EQ(world.journal.waiting.size(), 1u);
  world.relay->on_mm7({.slot = 3, .generation = 1}, world.deliver("t3", "c", {"5000"}, "+15550100003"));
  EXPECT_EQ(world.handoff.all(handoff::Kind::admission_query).size(), 2u) << "another sender is asked for";
  world.tick(seconds(61));
  world.relay->on_mm7({.slot = 4, .generation = 1}, world.deliver("t4", "d"));
  EXPECT_EQ(world.handoff.all(handoff::Kind::admission_query).size(), 3u) << "the lifetime is over";
}

TEST(RelayPhone, a_repeat_gets_the_same_answer_and_has_no_effect) {
  World world;
  world.relay->on_mm7(first, world.deliver());
  world.relay->on_mm7(second, world.deliver());
  world.answer_admission({"accepted", "accepted"});
  EXPECT_EQ(world.journal.waiting.size(), 1u);
  EXPECT_TRUE(world.answers.mm7.empty());
  world.commit();
  EXPECT_EQ(world.answers.mm7.at(1).code, 1000);
  EXPECT_EQ(world.answers.mm7.at(2).code, 1000);
  world.relay->on_mm7({.slot = 3, .generation = 1}, world.deliver());
  EXPECT_EQ(world.answers.mm7.at(3).code, 1000);
  EXPECT_TRUE(world.journal.waiting.empty());
  EXPECT_EQ(world.relay->item_count(), 1u);

  // The same id with another content is another message.
  world.relay->on_mm7({.slot = 4, .generation = 1}, world.deliver("t1", "something else"));
  EXPECT_EQ(world.journal.waiting.size(), 1u);
}

TEST(RelayPhone, a_repeat_after_a_restart_is_known_from_the_journal) {
  World world;
  world.accept_deliver();
  const auto kept = world.journal.durable;
  world.restart();
  for (const auto& record : kept) world.relay->remember(parse_record(record.record).value());
  world.relay->on_mm7(second, world.deliver());
  EXPECT_EQ(world.answers.mm7.at(2).code, 1000);
  EXPECT_TRUE(world.journal.waiting.empty());
}

// The connection was cut between commit and answer, or the process died there: the peer comes again on another one.
TEST(RelayPhone, an_answer_that_was_cut_is_the_same_when_the_request_comes_again) {
  World world;
  world.relay->on_mm7(first, world.deliver("t1", "hello", {"5000", "+15550100009"}));
  world.answer_admission({"accepted", "accepted", "not_bound"});
  world.commit();
  const mm7::Status cut = world.answers.mm7.at(1);
  ASSERT_EQ(cut.code, 1100);
  for (const std::uint32_t slot : {2u, 3u}) {
    if (slot == 3) {
      world.restart();
      world.replay();
    }
    world.relay->on_mm7({.slot = slot, .generation = 1}, world.deliver("t1", "hello", {"5000", "+15550100009"}));
    EXPECT_EQ(world.answers.mm7.at(slot).code, cut.code);
    EXPECT_EQ(world.answers.mm7.at(slot).details, cut.details);
    EXPECT_TRUE(world.journal.waiting.empty());
    EXPECT_EQ(world.relay->item_count(), 1u) << "one effect";
  }
}

TEST(RelayPhone, a_full_disk_is_a_temporary_answer_and_the_peer_may_send_again) {
  World world;
  world.journal.refuses = "the disk is full";
  world.relay->on_mm7(first, world.deliver());
  EXPECT_THAT(world.answers.refused_mm7, ElementsAre(1u));

  world.journal.refuses.clear();
  world.relay->on_mm7(second, world.deliver());
  world.relay->on_mm7({.slot = 3, .generation = 1}, world.deliver());
  world.answer_admission({"accepted", "accepted"});
  world.fail_commit(disk_full);
  EXPECT_THAT(world.answers.refused_mm7, ElementsAre(1u, 2u, 3u));
  EXPECT_EQ(world.relay->item_count(), 0u);
  EXPECT_EQ(world.relay->memory_used(), 0u);

  world.relay->on_mm7({.slot = 4, .generation = 1}, world.deliver());
  world.commit();
  EXPECT_EQ(world.answers.mm7.at(4).code, 1000);
}

TEST(RelayPhone, draining_takes_nothing_new_and_finishes_what_is_there) {
  World world;
  const ItemId item = world.accept_deliver();
  world.tell(handoff::Kind::drain, handoff::make(handoff::Kind::drain, {}));
  world.relay->on_mm7(second, world.deliver("t2"));
  EXPECT_THAT(world.answers.refused_mm7, ElementsAre(2u));
  world.relay->on_recipient({.slot = 3, .generation = 1}, {.address = "15550100002@mms.example.net"});
  EXPECT_EQ(world.answers.recipients.at(3).code, 452);
  world.tick();
  world.convert_all();
  world.answer_route_mail(item);
  world.convert_all();
  EXPECT_EQ(world.outgoing.mails.size(), 1u);
}

TEST(RelayPhone, bodies_that_wait_for_their_verdict_are_counted) {
  World world;
  world.settings.memory_max = 50;
  world.restart();
  world.relay->on_mm7(first, world.deliver("t1", std::string(30, 'a')));
  EXPECT_EQ(world.relay->memory_used(), 30u);
  world.relay->on_mm7(second, world.deliver("t2", std::string(30, 'b')));
  EXPECT_THAT(world.answers.refused_mm7, ElementsAre(2u));
  world.answer_admission({"not_bound", "accepted"}, 0);
  EXPECT_EQ(world.relay->memory_used(), 0u) << "given back with the refusal";
  (void)world.accept_deliver("t3", std::string(30, 'c'), 3);
  EXPECT_EQ(world.relay->memory_used(), 30u) << "the item's, and counted once";
}

TEST(RelayPhone, no_memory_is_a_temporary_answer) {
  World world;
  world.settings.memory_max = 20;
  world.restart();
  world.relay->on_mm7(first, world.deliver("t1", "more than twenty bytes of message"));
  EXPECT_THAT(world.answers.refused_mm7, ElementsAre(1u));
}

// ---- the mail's way out -----------------------------------------------------------------------------------------------------------

TEST(RelayPhone, temporary_failures_are_retried_with_doubled_waits_until_the_expiry) {
  World world;
  const ItemId item = world.deliver_until_sent();
  std::vector<std::int64_t> waits;
  Instant failed{};
  while (world.outcomes().empty() && world.outgoing.mails.size() < 200) {
    const std::size_t tries = world.outgoing.mails.size();
    if (failed != Instant{}) waits.push_back((world.clock.now() - failed).ms());
    failed = world.clock.now();
    world.relay->on_mail_result(item, {{.code = 451, .text = "try later"}});
    world.commit();
    while (world.outcomes().empty() && world.outgoing.mails.size() == tries) world.tick(seconds(1));
  }
  // Three quarters of 4, 8, 16 ... 60 s, since the drawn quarter is 0 here.
  ASSERT_GT(waits.size(), 6u);
  EXPECT_EQ(std::vector(waits.begin(), waits.begin() + 6), (std::vector<std::int64_t>{3000, 6000, 12000, 24000, 45000, 45000}));
  EXPECT_EQ(world.outcomes()[0].text(Tag::state), "failed");
  EXPECT_THAT(world.outcomes()[0].text(Tag::reason), HasSubstr("451 try later"));
  EXPECT_THAT(world.handoff.events(), ::testing::Contains("retry"));
}

TEST(RelayPhone, a_retry_sends_the_converted_mail_again) {
  World world;
  const ItemId item = world.deliver_until_sent();
  world.relay->on_mail_result(item, {{.code = 0, .text = "connection refused"}});
  world.tick(seconds(4));
  ASSERT_EQ(world.outgoing.mails.size(), 2u);
  EXPECT_EQ(world.outgoing.mails[1].content, "MAIL:hello");
  world.relay->on_mail_result(item, {{.code = 250, .text = "ok"}});
  world.commit();
  EXPECT_EQ(world.outcomes()[0].text(Tag::state), "delivered");
}

TEST(RelayPhone, permanent_failure_carries_the_reply) {
  World world;
  const ItemId item = world.deliver_until_sent();
  world.relay->on_mail_result(item, {{.code = 550, .text = "5.1.1 no such user"}});
  world.commit();
  ASSERT_EQ(world.outcomes().size(), 1u);
  EXPECT_EQ(world.outcomes()[0].text(Tag::state), "failed");
  EXPECT_THAT(world.outcomes()[0].text(Tag::reason), HasSubstr("550 5.1.1 no such user"));
}

TEST(RelayPhone, recipients_of_one_mail_end_apart) {
  World world;
  const ItemId item = world.deliver_until_sent({"a@example.com", "b@example.com", "c@example.com"});
  world.relay->on_mail_result(item, {{.code = 250, .text = "ok"}, {.code = 550, .text = "no"}, {.code = 451, .text = "later"}});
  world.tick(seconds(4));
  ASSERT_EQ(world.outgoing.mails.size(), 2u);
  EXPECT_THAT(world.outgoing.mails[1].order.recipients, ElementsAre("c@example.com"));
  world.relay->on_mail_result(item, {{.code = 250, .text = "ok"}});
  world.commit();
  EXPECT_EQ(world.outcomes()[0].text(Tag::state), "delivered");
  EXPECT_THAT(world.outcomes()[0].text(Tag::reason), HasSubstr("b@example.com: 550 no"));
}

TEST(RelayPhone, an_outcome_that_the_disk_refuses_is_appended_again) {
  World world;
  const ItemId item = world.deliver_until_sent();
  world.relay->on_mail_result(item, {{.code = 250, .text = "ok"}});
  world.fail_commit(disk_full);
  EXPECT_TRUE(world.outcomes().empty());
  EXPECT_TRUE(world.journal.settled_messages().empty());
  world.tick(seconds(1));
  world.commit();
  EXPECT_EQ(world.outcomes().size(), 1u);
}

TEST(RelayPhone, a_route_that_cannot_be_used_is_asked_for_again) {
  World world;
  const ItemId item = world.accept_deliver();
  world.tick();
  world.convert_all();
  world.answer_route(item, "mail");
  EXPECT_TRUE(world.outgoing.mails.empty());
  world.tick(seconds(31));
  EXPECT_EQ(world.handoff.all(handoff::Kind::route_query).size(), 2u);
}

// ---- restart ----------------------------------------------------------------------------------------------------------------------

TEST(RelayPhone, after_a_restart_what_was_answered_goes_on) {
  World world;
  const ItemId item = world.accept_deliver();
  auto kept = world.journal.durable;
  world.restart();
  world.relay->restore({.kind = kept[0].kind, .item = kept[0].item, .record = kept[0].record});
  world.tick();
  world.convert_all();
  world.answer_route_mail(item);
  world.convert_all();
  ASSERT_EQ(world.outgoing.mails.size(), 1u);
  EXPECT_EQ(world.outgoing.mails[0].content, "MAIL:hello");
}

TEST(RelayPhone, after_a_restart_a_durable_outcome_is_handed_over_and_nothing_is_sent_again) {
  World world;
  const ItemId item = world.deliver_until_sent();
  world.relay->on_mail_result(item, {{.code = 250, .text = "ok"}});
  world.commit();
  auto kept = world.journal.durable;  // accepted and outcome: the settle record was lost with the crash
  world.journal.settled.clear();
  world.handoff.sent.clear();
  world.restart();
  for (const auto& record : kept) world.relay->restore({.kind = record.kind, .item = record.item, .record = record.record});
  world.tick();
  world.convert_all();
  EXPECT_EQ(world.outgoing.mails.size(), 1u) << "only the one before the restart";
  EXPECT_EQ(world.outcomes().size(), 1u);
  EXPECT_THAT(world.journal.settled_messages(), ElementsAre(std::pair(journal::Kind::accepted_mm7, item)));
}

// ---- reports ----------------------------------------------------------------------------------------------------------------------

TEST(RelayReport, journaled_answered_handed_over_settled) {
  World world;
  world.relay->on_mm7(first, world.report());
  EXPECT_TRUE(world.answers.mm7.empty());
  world.commit();
  EXPECT_EQ(world.answers.mm7.at(1).code, 1000);
  const auto reports = world.handoff.all(handoff::Kind::report);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].text(Tag::message_id), "m-1");
  EXPECT_EQ(reports[0].text(Tag::mm_status), "Retrieved");
  EXPECT_EQ(reports[0].text(Tag::recipient), "number:+15550100002");
  world.relay->on_handoff_acknowledged(handoff::Kind::report, reports[0].item);
  EXPECT_THAT(world.journal.settled_messages(), ElementsAre(std::pair(journal::Kind::report, reports[0].item)));
  EXPECT_THAT(world.handoff.events(), ElementsAre("delivery_report_req", "delivery_report_rsp"));
}

TEST(RelayReport, a_repeat_is_answered_once_more_and_another_status_is_news) {
  World world;
  world.relay->on_mm7(first, world.report("m-1", "Deferred"));
  world.commit();
  world.relay->on_mm7(second, world.report("m-1", "Deferred", true));
  EXPECT_EQ(world.answers.mm7.at(2).code, 1000) << "the same report with swapped addresses";
  world.relay->on_mm7({.slot = 3, .generation = 1}, world.report("m-1", "Retrieved"));
  world.commit();
  EXPECT_EQ(world.handoff.all(handoff::Kind::report).size(), 2u);
}

TEST(RelayReport, stands_in_the_history_of_its_item_also_after_a_restart) {
  World world;
  const ItemId item = world.submit_until_sent();
  world.answer_submit(item, 1000, "m-77");
  world.commit();
  const auto kept = world.journal.durable;
  for (const bool restarted : {false, true}) {
    if (restarted) {
      world.restart();
      for (const auto& record : kept) world.relay->remember(parse_record(record.record).value());
    }
    world.handoff.sent.clear();
    world.relay->on_mm7({.slot = restarted ? 2u : 1u, .generation = 1}, world.report("m-77", restarted ? "Retrieved" : "Deferred"));
    const auto events = world.handoff.all(handoff::Kind::event);
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].item, item);
    EXPECT_EQ(events[0].view().trace(handoff::tag(Tag::trace))->bytes[0], 7);
  }
}

// Whoever does not take a read reply gets it again and again.
TEST(RelayReport, a_read_reply_is_a_report_of_its_own) {
  World world;
  world.relay->on_mm7(first, world.report("m-1", "Retrieved"));
  world.commit();
  Mm7Inbound inbound = world.report();
  mm7::ReadReplyReq reply;
  reply.transaction_id = "t-read";
  reply.message_id = "m-1";
  reply.recipient = {.kind = mm7::AddressKind::number, .value = "+15550100002"};
  reply.mm_status = "Read";
  inbound.request = reply;
  world.relay->on_mm7(second, std::move(inbound));
  world.commit();
  EXPECT_EQ(world.answers.mm7.at(2).code, 1000);
  const auto reports = world.handoff.all(handoff::Kind::report);
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(reports[1].text(Tag::mm_status), "Read");
  EXPECT_EQ(reports[1].text(Tag::message_id), "m-1");
}

TEST(RelayReport, unsettled_reports_are_handed_over_after_a_restart) {
  World world;
  world.relay->on_mm7(first, world.report());
  world.commit();
  const auto kept = world.journal.durable;
  world.handoff.sent.clear();
  world.restart();
  world.relay->restore({.kind = kept[0].kind, .item = kept[0].item, .record = kept[0].record});
  EXPECT_EQ(world.handoff.all(handoff::Kind::report).size(), 1u);
}

}  // namespace
}  // namespace pushmail::relay
