// The SMTP client over an in-memory stream: what the relay is told in each way a mail can end.
#include "dataplane/session/smtp_client.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "dataplane/session/errors.h"
#include "tests/unit/dataplane/session/smtp_client_fixture.h"

namespace pushmail {
namespace {

using test::FakeNetwork;
using test::FakePeer;
using test::FakePeers;
using test::full_ehlo;
using test::ManualClock;
using test::SmtpClientTest;

TEST_F(SmtpClientTest, PipelinedMailAndTheNextOnTheSameConnection) {
  const std::uint64_t id = send("Subject: x\r\n\r\n.dot\r\n", {"joe@example.com", "ann@example.com"});
  turns();
  EXPECT_EQ(host().take(), "EHLO mms.example\r\n");
  EXPECT_EQ(answer(full_ehlo),
            "MAIL FROM:<1555@mms.example> SIZE=21\r\nRCPT TO:<joe@example.com>\r\nRCPT TO:<ann@example.com>\r\nDATA\r\n");
  EXPECT_EQ(answer("250 2.1.0 ok\r\n250 2.1.5 ok\r\n550 5.1.1 no such user\r\n354 go\r\n"), "Subject: x\r\n\r\n..dot\r\n.\r\n");
  EXPECT_TRUE(results_.all.empty());
  EXPECT_EQ(answer("250 2.0.0 queued as 1\r\n"), "");
  EXPECT_EQ(result(id).outcome, SmtpOutcome::delivered);
  EXPECT_EQ(result(id).answer.code, 250);
  EXPECT_EQ(result(id).answer.enhanced, "2.0.0");
  EXPECT_EQ(result(id).answer.text, "queued as 1");
  ASSERT_EQ(result(id).recipients.size(), 2u);
  EXPECT_EQ(result(id).recipients[0].code, 250);
  EXPECT_EQ(result(id).recipients[1].code, 550);
  const std::uint64_t next = send();
  turns();
  EXPECT_EQ(network_.connects, 1);
  EXPECT_TRUE(host().take().starts_with("MAIL FROM:"));
  EXPECT_EQ(answer("250 ok\r\n250 ok\r\n354 go\r\n"), "Subject: x\r\n\r\nhello\r\n.\r\n");
  (void)answer("250 ok\r\n");
  EXPECT_EQ(result(next).outcome, SmtpOutcome::delivered);
  pass(seconds(6));
  EXPECT_EQ(host().take(), "QUIT\r\n");
  host().say("221 bye\r\n");
  turns();
  EXPECT_TRUE(host().ended);
}

TEST_F(SmtpClientTest, HostThatEndsItsRepliesWithLfAloneIsUnderstood) {
  hosts_.greeting = "220-mx.example\n220 hello\n";
  const std::uint64_t id = send("Subject: x\r\n\r\nhello\r\n", {"joe@example.com"});
  turns();
  EXPECT_EQ(host().take(), "EHLO mms.example\r\n");
  EXPECT_TRUE(answer("250-mx.example\n250 PIPELINING\n").starts_with("MAIL FROM:"));
  EXPECT_TRUE(answer("250 ok\n250 ok\r\n354 go\n").ends_with("\r\n.\r\n"));
  (void)answer("250 2.0.0 queued\n");
  EXPECT_EQ(result(id).outcome, SmtpOutcome::delivered);
}

TEST_F(SmtpClientTest, OldHostGetsHeloAndOneCommandAtATime) {
  const std::uint64_t id = send();
  turns();
  EXPECT_EQ(answer("502 what\r\n"), "HELO mms.example\r\n");
  EXPECT_EQ(answer("250 hi\r\n"), "MAIL FROM:<1555@mms.example>\r\n");
  EXPECT_EQ(answer("250 ok\r\n"), "RCPT TO:<joe@example.com>\r\n");
  EXPECT_EQ(answer("251 will forward\r\n"), "DATA\r\n");
  EXPECT_EQ(answer("354-go\r\n354 on\r\n"), "Subject: x\r\n\r\nhello\r\n.\r\n");
  (void)answer("250 ok\r\n");
  EXPECT_EQ(result(id).outcome, SmtpOutcome::delivered);
}

struct RefusalRow {
  const char* name;
  const char* replies;
  SmtpOutcome outcome;
  int code;
  const char* then;  // what the client says after it
};
class SmtpRefusal : public SmtpClientTest, public testing::WithParamInterface<RefusalRow> {};
TEST_P(SmtpRefusal, IsToldAndTheConnectionStaysUsable) {
  const std::uint64_t id = send("x\r\n", {"a@b", "c@d"});
  turns();
  (void)answer(full_ehlo);
  EXPECT_EQ(answer(GetParam().replies), GetParam().then);
  ASSERT_TRUE(results_.all.contains(id));
  EXPECT_EQ(result(id).outcome, GetParam().outcome);
  EXPECT_EQ(result(id).answer.code, GetParam().code);
  const std::string_view then = GetParam().then;
  if (then.ends_with("RSET\r\n")) (void)answer("250 reset\r\n");
  send();
  turns();
  EXPECT_TRUE(host().take().starts_with("MAIL FROM:"));
  EXPECT_EQ(network_.connects, 1);
}
INSTANTIATE_TEST_SUITE_P(
    Rows, SmtpRefusal,
    testing::Values(RefusalRow{"sender_for_good", "550 no\r\n503 x\r\n503 x\r\n503 x\r\n", SmtpOutcome::refused_permanent, 550, "RSET\r\n"},
                    RefusalRow{"sender_for_now", "451 no\r\n503 x\r\n503 x\r\n503 x\r\n", SmtpOutcome::refused_temporary, 451, "RSET\r\n"},
                    RefusalRow{"all_recipients", "250 ok\r\n550 no\r\n551 no\r\n554 none\r\n", SmtpOutcome::refused_permanent, 550,
                               "RSET\r\n"},
                    RefusalRow{"one_recipient_for_now", "250 ok\r\n550 no\r\n450 busy\r\n554 none\r\n", SmtpOutcome::refused_temporary, 450,
                               "RSET\r\n"},
                    RefusalRow{"data", "250 ok\r\n250 ok\r\n250 ok\r\n451 disk\r\n", SmtpOutcome::refused_temporary, 451, "RSET\r\n"},
                    RefusalRow{"go_ahead_for_nobody", "250 ok\r\n550 no\r\n550 no\r\n354 go\r\n554 none\r\n",
                               SmtpOutcome::refused_permanent, 550, ".\r\n"}),
    [](const auto& row) { return row.param.name; });

TEST_F(SmtpClientTest, OneRecipientTooManyIsForALaterMail) {
  struct Row {
    std::string_view second, third;
    int second_code, third_code;
  };
  for (const Row& row : {Row{"552 Too many recipients", "552 Too many recipients", 452, 452},
                         Row{"552 5.5.3 too many", "552 5.2.2 mailbox full", 452, 552}, Row{"250 ok", "550 nobody", 250, 550}}) {
    const std::uint64_t id = send("x\r\n", {"a@b", "c@d", "e@f"});
    turns();
    if (results_.all.empty()) (void)answer(full_ehlo);
    (void)answer(fmt::format("250 ok\r\n250 ok\r\n{}\r\n{}\r\n354 go\r\n", row.second, row.third));
    (void)answer("250 taken\r\n");
    ASSERT_TRUE(results_.all.contains(id));
    ASSERT_EQ(result(id).recipients.size(), 3U);
    EXPECT_EQ(result(id).recipients[1].code, row.second_code);
    EXPECT_EQ(result(id).recipients[2].code, row.third_code);
  }
}

TEST_F(SmtpClientTest, BehindARefusedSenderNothingIsSaidAboutTheRecipients) {
  const std::uint64_t id = send("x\r\n", {"a@b", "c@d"});
  turns();
  (void)answer(full_ehlo);
  EXPECT_EQ(answer("452 4.3.1 full\r\n503 x\r\n503 x\r\n503 x\r\n"), "RSET\r\n");
  EXPECT_EQ(result(id).outcome, SmtpOutcome::refused_temporary);
  EXPECT_EQ(result(id).answer.code, 452);
  for (const SmtpAnswer& each : result(id).recipients) EXPECT_EQ(each.code, 0);
  (void)answer("250 reset\r\n");
  // The same when the host goes away before it has answered everything.
  const std::uint64_t cut = send("x\r\n", {"a@b", "c@d"});
  turns();
  (void)answer("452 4.3.1 full\r\n503 x\r\n421 4.3.2 bye\r\n");
  EXPECT_EQ(result(cut).outcome, SmtpOutcome::refused_temporary);
  for (const SmtpAnswer& each : result(cut).recipients) EXPECT_EQ(each.code, 0);
}

TEST_F(SmtpClientTest, RefusedAfterTheDot) {
  const std::uint64_t id = send();
  turns();
  (void)answer(full_ehlo);
  (void)answer("250 ok\r\n250 ok\r\n354 go\r\n");
  (void)answer("550 5.7.1 looks like spam\r\n");
  EXPECT_EQ(result(id).outcome, SmtpOutcome::refused_permanent);
  EXPECT_EQ(result(id).answer.enhanced, "5.7.1");
}

TEST_F(SmtpClientTest, RefusedInTheMiddleOfTheData) {
  network_.chunk_size = 100;
  const std::uint64_t id = send(std::string(900, 'x') + "\r\n");
  turns();
  host().say(full_ehlo);
  turns(60);
  host().say("250 ok\r\n250 ok\r\n354 go\r\n");
  turns(3);
  host().say("452 4.3.1 disk full\r\n");
  turns();
  EXPECT_EQ(result(id).outcome, SmtpOutcome::refused_temporary);
  EXPECT_EQ(result(id).answer.code, 452);
  EXPECT_TRUE(host().closed.has_value());
  EXPECT_EQ(host().heard.find("\r\n.\r\n"), std::string::npos) << "no dot may follow";
}

TEST_F(SmtpClientTest, NotPipelinedRefusalsEndEarly) {
  const std::uint64_t sender = send();
  turns();
  (void)answer("250 mx\r\n");
  EXPECT_EQ(answer("550 5.7.1 no\r\n"), "");
  EXPECT_EQ(result(sender).outcome, SmtpOutcome::refused_permanent);
  const std::uint64_t recipient = send();
  turns();
  EXPECT_EQ(answer("250 ok\r\n"), "RCPT TO:<joe@example.com>\r\n");
  EXPECT_EQ(answer("450 4.2.1 busy\r\n"), "RSET\r\n");
  EXPECT_EQ(result(recipient).outcome, SmtpOutcome::refused_temporary);
  EXPECT_EQ(result(recipient).answer.enhanced, "4.2.1");
}

TEST_F(SmtpClientTest, WhatIsNotOfferedIsRefusedHere) {
  const std::uint64_t eight_bit = send("Subject: x\r\n\r\n\xc3\xa4\r\n");
  turns();
  EXPECT_EQ(answer("250-mx\r\n250 SIZE 100\r\n"), "");
  EXPECT_EQ(result(eight_bit).outcome, SmtpOutcome::refused_permanent);
  EXPECT_EQ(result(eight_bit).answer.enhanced, "5.6.3");
  const std::uint64_t utf8 = send("x\r\n", {"j\xc3\xb6@example.com"});
  const std::uint64_t large = send(std::string(101, 'x') + "\r\n");
  turns();
  EXPECT_EQ(result(utf8).answer.enhanced, "5.6.7");
  EXPECT_EQ(result(large).answer.enhanced, "5.3.4");
  EXPECT_EQ(result(large).answer.code, 552);
}

TEST_F(SmtpClientTest, OfferedExtensionsAreUsed) {
  send("\xc3\xa4\r\n", {"j\xc3\xb6@example.com"}, "");
  turns();
  EXPECT_TRUE(answer(full_ehlo).starts_with("MAIL FROM:<> SIZE=4 BODY=8BITMIME SMTPUTF8\r\n"));
}

TEST_F(SmtpClientTest, UntilTheDotItIsNotSent) {
  const std::array<std::string_view, 4> before{"", "250-mx\r\n250 PIPELINING\r\n", "250 ok\r\n", "250 ok\r\n"};
  for (std::size_t depth = 0; depth < before.size(); ++depth) {
    const std::uint64_t id = send();
    turns();
    for (std::size_t i = 0; i <= depth; ++i) (void)answer(before[i]);
    host().stream->abort();
    turns();
    ASSERT_EQ(result(id).outcome, SmtpOutcome::not_sent) << depth;
    EXPECT_TRUE(result(id).error->is(smtp_reply_cut));
  }
}

TEST_F(SmtpClientTest, TheDotLeavesWithTheData) {
  send("hello\r\n");
  turns();
  (void)answer(full_ehlo);
  test::FakeStream& stream = host().theirs();
  const std::size_t before = stream.sent_total;
  stream.held = true;
  (void)answer("250 ok\r\n250 ok\r\n354 go\r\n");
  EXPECT_EQ(stream.sent_total - before, std::string_view("hello\r\n.\r\n").size()) << "without an acknowledgement of the data";
}

enum class Cut : std::uint8_t { fin, reset, reset_that_names_what_came };
struct EndRow {
  const char* name;
  bool dot_arrived;
  Cut cut;
  SmtpOutcome outcome;
};
class SmtpEnd : public SmtpClientTest, public testing::WithParamInterface<EndRow> {};
TEST_P(SmtpEnd, AfterTheDataIsDecidedByWhatTheHostAcknowledged) {
  const EndRow& row = GetParam();
  const std::uint64_t id = send(std::string(900, 'x') + "\r\n");
  turns();
  (void)answer(full_ehlo);
  network_.chunk_size = 100;
  host().say("250 ok\r\n250 ok\r\n354 go\r\n");
  turns(row.dot_arrived ? 30 : 4);
  if (!row.dot_arrived) host().theirs().held = true;
  EXPECT_EQ(host().heard.ends_with("\r\n.\r\n"), row.dot_arrived);
  static_cast<test::FakeStream*>(host().stream)->reset_acknowledges = row.cut == Cut::reset_that_names_what_came;
  if (row.cut == Cut::fin)
    host().stream->finish();
  else
    host().stream->abort();
  turns();
  EXPECT_EQ(result(id).outcome, row.outcome);
  EXPECT_EQ(network_.connects, 1) << "the relay decides when";
}
INSTANTIATE_TEST_SUITE_P(Rows, SmtpEnd,
                         testing::Values(EndRow{"fin_before_the_dot_came", false, Cut::fin, SmtpOutcome::not_sent},
                                         EndRow{"reset_that_names_less", false, Cut::reset_that_names_what_came, SmtpOutcome::not_sent},
                                         EndRow{"reset_that_names_nothing", false, Cut::reset, SmtpOutcome::unknown},
                                         EndRow{"fin_after_the_dot_came", true, Cut::fin, SmtpOutcome::unknown},
                                         EndRow{"reset_that_names_the_dot", true, Cut::reset_that_names_what_came, SmtpOutcome::unknown}),
                         [](const auto& row) { return row.param.name; });

TEST_F(SmtpClientTest, ReplyToTheDotThatWasCutIsUnknown) {
  const std::uint64_t id = send();
  turns();
  (void)answer(full_ehlo);
  (void)answer("250 ok\r\n250 ok\r\n354 go\r\n");
  (void)answer("25");
  host().stream->finish();
  turns();
  EXPECT_EQ(result(id).outcome, SmtpOutcome::unknown);
}

TEST_F(SmtpClientTest, AReplyToTheDotThatIsNeitherTakenNorRefusedIsUnknown) {
  const std::uint64_t id = send();
  turns();
  (void)answer(full_ehlo);
  (void)answer("250 ok\r\n250 ok\r\n354 go\r\n");
  (void)answer("354 still going\r\n");
  turns();
  EXPECT_EQ(result(id).outcome, SmtpOutcome::unknown);
}

TEST_F(SmtpClientTest, AcceptanceOfWhatHasNotArrivedIsUnknown) {
  const std::uint64_t id = send(std::string(900, 'x') + "\r\n");
  turns();
  (void)answer(full_ehlo);
  host().say("250 ok\r\n250 ok\r\n354 go\r\n");
  host().theirs().held = true;
  turns();
  (void)answer("250 thanks already\r\n");
  EXPECT_EQ(result(id).outcome, SmtpOutcome::unknown);
}

TEST_F(SmtpClientTest, ManyWaitInOrderForManyHosts) {
  std::vector<Endpoint> others;
  for (std::uint16_t port = 1; port <= 200; ++port) {
    others.push_back({.ip = host_.ip, .port = port});
    ASSERT_TRUE(network_.listen(others.back(), hosts_).has_value());
  }
  for (int i = 0; i < 10'000; ++i) {
    const auto id = client_->send({.host = others[static_cast<std::size_t>(i) % others.size()],
                                   .mail_from = "",
                                   .recipients = {fmt::format("r{}@example.com", i)},
                                   .mail = lend("x\r\n")});
    ASSERT_TRUE(id.has_value());
  }
  turns(3);
  EXPECT_EQ(client_->connection_count(), 100u);
  EXPECT_EQ(client_->queued_count(), 9'900u);
  // Each host answers in order; what the first hundred leave goes to those that had no connection.
  for (int round = 0; round < 40; ++round) {
    for (std::size_t i = 0; i < hosts_.all.size(); ++i) {
      FakePeer& each = *hosts_.all[i];
      const std::string heard = each.take();
      if (heard.starts_with("EHLO")) each.say("250-mx\r\n250 PIPELINING\r\n");
      if (heard.starts_with("MAIL")) each.say("250 ok\r\n250 ok\r\n354 go\r\n");
      if (heard.ends_with("\r\n.\r\n")) each.say("250 ok\r\n");
      if (heard.starts_with("QUIT")) {
        each.say("221 bye\r\n");
        each.stream->finish();
      }
    }
    turns(4);
  }
  EXPECT_GT(results_.all.size(), 500u);
  std::uint64_t last = 0;
  for (const auto& [id, each] : results_.all) {
    EXPECT_EQ(each.outcome, SmtpOutcome::delivered);
    last = id;
  }
  EXPECT_LT(last, 9'900u) << "none from the end of the queue";
}

TEST_F(SmtpClientTest, IdleConnectionsMakeRoomForHostsWithoutOne) {
  client_ = std::make_unique<SmtpClient>(network_, SmtpClientSettings{.domain = "mms.example", .connections_max = 1}, results_, clock_);
  const Endpoint other{.ip = host_.ip, .port = 2525};
  ASSERT_TRUE(network_.listen(other, hosts_).has_value());
  send();
  ASSERT_TRUE(client_->send({.host = other, .mail_from = "", .recipients = {"a@b"}, .mail = lend("x")}).has_value());
  turns();
  EXPECT_EQ(network_.connects, 1);
  (void)answer(full_ehlo);
  (void)answer("250 ok\r\n250 ok\r\n354 go\r\n");
  EXPECT_EQ(answer("250 ok\r\n"), "QUIT\r\n") << "not kept for a next mail while another host waits";
  host().say("221 bye\r\n");
  host().stream->finish();
  turns();
  EXPECT_EQ(network_.connects, 2);
}

TEST_F(SmtpClientTest, HostThatRefusesEverybodyGivesBackAllThatWaits) {
  hosts_.greeting = "554 no SMTP here\r\n";
  for (int i = 0; i < 10; ++i) send();
  turns();
  EXPECT_EQ(results_.all.size(), 10u);
  for (const auto& [id, each] : results_.all) EXPECT_EQ(each.outcome, SmtpOutcome::refused_temporary) << id;
  EXPECT_EQ(network_.connects, 2);
}

TEST_F(SmtpClientTest, AfterTheDotItIsUnknown) {
  const std::uint64_t cut = send();
  turns();
  (void)answer(full_ehlo);
  EXPECT_TRUE(answer("250 ok\r\n250 ok\r\n354 go\r\n").ends_with("\r\n.\r\n"));
  host().stream->abort();
  turns();
  EXPECT_EQ(result(cut).outcome, SmtpOutcome::unknown);
  EXPECT_TRUE(result(cut).error->is(smtp_reply_cut));
  const std::uint64_t late = send();
  turns();
  (void)answer(full_ehlo);
  (void)answer("250 ok\r\n250 ok\r\n354 go\r\n");
  pass(seconds(599));
  EXPECT_FALSE(results_.all.contains(late)) << "RFC 5321 4.5.3.2.6: ten minutes";
  pass(seconds(2));
  EXPECT_EQ(result(late).outcome, SmtpOutcome::unknown);
  EXPECT_TRUE(result(late).error->is(smtp_reply_late));
}

TEST_F(SmtpClientTest, RefusedAndSilentHosts) {
  network_.refuse = CloseReason::refused;
  const std::uint64_t refused = send();
  turns();
  EXPECT_EQ(result(refused).outcome, SmtpOutcome::not_sent);
  EXPECT_TRUE(result(refused).error->is(smtp_no_connection));
  EXPECT_TRUE(result(refused).error->temporary());
  network_.refuse.reset();
  network_.silent = true;
  const std::uint64_t silent = send();
  turns();
  pass(seconds(31));
  EXPECT_EQ(result(silent).outcome, SmtpOutcome::not_sent);
  network_.silent = false;
  hosts_.greeting.clear();
  const std::uint64_t mute = send();
  turns();
  pass(seconds(301));
  EXPECT_EQ(result(mute).outcome, SmtpOutcome::not_sent);
  EXPECT_TRUE(result(mute).error->is(smtp_reply_late));
}

TEST_F(SmtpClientTest, UnwillingGreetingsAreTemporary) {
  hosts_.greeting = "554 no SMTP here\r\n";
  const std::uint64_t id = send();
  turns();
  EXPECT_EQ(result(id).outcome, SmtpOutcome::refused_temporary);
  EXPECT_EQ(result(id).answer.code, 554);
  EXPECT_EQ(host().take(), "QUIT\r\n");
  hosts_.greeting = "421 too many\r\n";
  const std::uint64_t busy = send();
  turns();
  EXPECT_EQ(result(busy).answer.code, 421);
  EXPECT_EQ(result(busy).outcome, SmtpOutcome::refused_temporary);
}

TEST_F(SmtpClientTest, BrokenRepliesEndTheConnection) {
  for (const std::string_view bad : {"hello\r\n", "250-a\r\n251 b\r\n", "250 o\rk\n", "9\r\n"}) {
    const std::uint64_t id = send();
    turns();
    (void)answer(bad);
    EXPECT_EQ(result(id).outcome, SmtpOutcome::not_sent) << bad;
  }
}

TEST_F(SmtpClientTest, KeptConnectionThatDiedCostsNothing) {
  send();
  turns();
  (void)answer(full_ehlo);
  (void)answer("250 ok\r\n250 ok\r\n354 go\r\n");
  (void)answer("250 ok\r\n");
  FakePeer& old = host();
  const std::uint64_t id = send(".dot\r\n");
  turns(3);
  old.stream->abort();
  turns();
  EXPECT_FALSE(results_.all.contains(id));
  EXPECT_EQ(network_.connects, 2);
  (void)answer(full_ehlo);
  EXPECT_EQ(answer("250 ok\r\n250 ok\r\n354 go\r\n"), "..dot\r\n.\r\n") << "stuffed once";
  (void)answer("250 ok\r\n");
  EXPECT_EQ(result(id).outcome, SmtpOutcome::delivered);
  const std::uint64_t again = send();
  turns();
  (void)answer("421 4.4.2 idle too long\r\n");
  host().stream->finish();
  turns();
  EXPECT_FALSE(results_.all.contains(again));
  EXPECT_EQ(network_.connects, 3);
}

TEST_F(SmtpClientTest, HostsHaveTheirShareOfConnections) {
  for (int i = 0; i < 4; ++i) send();
  turns();
  EXPECT_EQ(network_.connects, 2);
  EXPECT_EQ(client_->queued_count(), 2u);
  (void)answer(full_ehlo);
  (void)answer("250 ok\r\n250 ok\r\n354 go\r\n");
  EXPECT_TRUE(answer("250 ok\r\n").starts_with("MAIL FROM:"));
  EXPECT_EQ(client_->queued_count(), 1u);
  pass(seconds(301));
  EXPECT_EQ(client_->queued_count(), 0u);
}

TEST_F(SmtpClientTest, BadEnvelopesAreRefusedAtOnce) {
  for (const std::string_view bad : {"a@b>\r\nDATA", "a", "", "a b@c"}) {
    const auto id = client_->send({.host = host_, .mail_from = "a@b", .recipients = {std::string(bad)}, .mail = lend("x")});
    ASSERT_FALSE(id.has_value()) << bad;
    EXPECT_TRUE(id.error().is(smtp_bad_envelope));
  }
  EXPECT_FALSE(client_->send({.host = host_, .mail_from = "a@b", .recipients = {}, .mail = lend("x")}).has_value());
  EXPECT_FALSE(client_->send({.host = host_, .mail_from = "a\r\n@b", .recipients = {"a@b"}, .mail = lend("x")}).has_value());
}

struct Reached {
  std::string_view step;
  FakePeers* hosts;
  std::string heard;
};
TEST_F(SmtpClientTest, FaultPointIsReachedWithHalfTheMailOut) {
  client_->close_all();
  turns();
  Reached reached{.step = {}, .hosts = &hosts_, .heard = {}};
  start({.reach =
             [](void* context, std::string_view step) {
               auto* each = static_cast<Reached*>(context);
               each->step = step;
               each->heard = each->hosts->last().heard;
             },
         .context = &reached});
  const std::uint64_t id = send("01234567\r\n");
  turns();
  (void)answer(full_ehlo);
  EXPECT_EQ(answer("250 ok\r\n250 ok\r\n354 go\r\n"), "01234567\r\n.\r\n");
  EXPECT_EQ(reached.step, "data.half");
  EXPECT_EQ(reached.heard, "01234");
  (void)answer("250 ok\r\n");
  EXPECT_EQ(result(id).outcome, SmtpOutcome::delivered);
}

TEST_F(SmtpClientTest, EmptyMailIsOnlyADot) {
  const std::uint64_t id = send("");
  turns();
  (void)answer(full_ehlo);
  EXPECT_EQ(answer("250 ok\r\n250 ok\r\n354 go\r\n"), ".\r\n");
  (void)answer("250 ok\r\n");
  EXPECT_EQ(result(id).outcome, SmtpOutcome::delivered);
}

constexpr std::string_view starttls_ehlo = "250-mx.example\r\n250 STARTTLS\r\n";

TEST_F(SmtpClientTest, BehindStarttlsItGreetsAgainAndSendsTheMail) {
  test::FakeCover cover;
  start({}, &cover);
  const std::uint64_t id = send();
  turns();
  EXPECT_EQ(host().take(), "EHLO mms.example\r\n");
  EXPECT_EQ(answer(starttls_ehlo), "STARTTLS\r\n");
  EXPECT_EQ(answer("220 go ahead\r\n"), "") << "the other side must agree first";
  ASSERT_EQ(cover.covered.size(), 1u);
  StreamEvents& heard = *cover.covered.back()->events;
  const auto say = [&](std::string_view text) {
    heard.on_data(bytes_of(text));
    turns(3);
    return cover.take();
  };
  heard.on_open();
  EXPECT_EQ(cover.take(), "EHLO mms.example\r\n");
  EXPECT_EQ(say("250-mx.example\r\n250 SIZE 100\r\n"), "MAIL FROM:<1555@mms.example> SIZE=21\r\n")
      << "what was offered before does not count";
  EXPECT_EQ(say("250 ok\r\n"), "RCPT TO:<joe@example.com>\r\n");
  EXPECT_EQ(say("250 ok\r\n"), "DATA\r\n");
  EXPECT_EQ(say("354 go\r\n"), "Subject: x\r\n\r\nhello\r\n.\r\n");
  heard.on_sent();
  (void)say("250 2.0.0 queued\r\n");
  ASSERT_TRUE(results_.all.contains(id));
  EXPECT_EQ(result(id).outcome, SmtpOutcome::delivered);
  heard.on_close(CloseReason::finished);
}

TEST_F(SmtpClientTest, AStreamOnTopThatDoesNotComeAboutSaysWhy) {
  test::FakeCover cover;
  start({}, &cover);
  const std::uint64_t id = send();
  turns();
  (void)answer(starttls_ehlo);
  (void)answer("220 go ahead\r\n");
  ASSERT_EQ(cover.covered.size(), 1u);
  cover.covered.back()->wrong = &smtp_bad_reply;
  cover.covered.back()->events->on_close(CloseReason::aborted);
  EXPECT_EQ(result(id).outcome, SmtpOutcome::not_sent);
  EXPECT_TRUE(result(id).error->is(smtp_bad_reply));
}

TEST_F(SmtpClientTest, NoMailGoesWithoutStarttlsWhereItIsRequired) {
  struct Row {
    const char* what;
    std::string_view ehlo;
    std::string_view reply;
    const ErrorInfo& why;
  };
  for (const Row& row :
       {Row{"not offered", full_ehlo, "", smtp_no_starttls}, Row{"refused", starttls_ehlo, "454 4.7.0 not now\r\n", smtp_no_starttls},
        Row{"HELO alone", "502 no\r\n", "250 mx.example\r\n", smtp_no_starttls},
        Row{"injected", starttls_ehlo, "220 go\r\n250 ok\r\n", smtp_injected}}) {
    test::FakeCover cover;
    start({}, &cover);
    const std::uint64_t id = send();
    turns();
    std::string said = answer(row.ehlo);
    if (!row.reply.empty()) said += answer(row.reply);
    EXPECT_EQ(said.find("MAIL"), std::string::npos) << row.what;
    EXPECT_TRUE(cover.covered.empty()) << row.what;
    ASSERT_TRUE(results_.all.contains(id)) << row.what;
    EXPECT_EQ(result(id).outcome, SmtpOutcome::not_sent) << row.what;
    EXPECT_TRUE(result(id).error->is(row.why)) << row.what << ": " << result(id).error->info->text;
    turns();
    results_.all.clear();
  }
}

TEST_F(SmtpClientTest, DrainLetsWhatIsWithAHostGetItsAnswerAndGivesTheRestBack) {
  const std::uint64_t out = send();
  const std::uint64_t opening = send();
  turns();
  ASSERT_EQ(hosts_.all.size(), 2u);
  FakePeer& first = *hosts_.all[0];
  (void)first.take();
  first.say(full_ehlo);
  turns();
  first.say("250 ok\r\n250 ok\r\n354 go\r\n");
  turns();
  const std::uint64_t waiting = send();
  turns();
  client_->drain();
  EXPECT_EQ(result(waiting).outcome, SmtpOutcome::not_sent);
  EXPECT_TRUE(result(waiting).error->is(smtp_closing));
  EXPECT_FALSE(client_->send({.host = host_, .mail_from = "a@b.example", .recipients = {"c@d.example"}, .mail = lend("x")}).has_value());
  EXPECT_FALSE(results_.all.contains(out));
  (void)first.take();
  first.say("250 2.0.0 queued\r\n");
  turns();
  EXPECT_EQ(result(out).outcome, SmtpOutcome::delivered);
  EXPECT_EQ(first.take(), "QUIT\r\n");
  // The other one had a greeting and no word of its mail yet: that mail goes, and no other one.
  FakePeer& second = *hosts_.all[1];
  (void)second.take();
  second.say(full_ehlo);
  turns();
  second.say("250 ok\r\n250 ok\r\n354 go\r\n");
  turns();
  second.say("250 2.0.0 queued\r\n");
  turns();
  EXPECT_EQ(result(opening).outcome, SmtpOutcome::delivered);
  for (FakePeer* host : {&first, &second}) {
    host->say("221 bye\r\n");
    turns();
    EXPECT_TRUE(host->ended);
    EXPECT_FALSE(host->closed.has_value()) << "no reset";
    host->stream->finish();
  }
  turns();
  EXPECT_EQ(client_->connection_count(), 0u);
}

TEST_F(SmtpClientTest, DrainSaysQuitOnAKeptConnection) {
  (void)send();
  turns();
  (void)answer(full_ehlo);
  (void)answer("250 ok\r\n250 ok\r\n354 go\r\n");
  EXPECT_EQ(answer("250 2.0.0 queued\r\n"), "");
  client_->drain();
  turns();
  EXPECT_EQ(host().take(), "QUIT\r\n");
  EXPECT_EQ(network_.connects, 1);
}

}  // namespace
}  // namespace pushmail
