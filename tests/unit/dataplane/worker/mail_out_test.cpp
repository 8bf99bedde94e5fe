// The way a mail client's result becomes one reply for each recipient: only what is final may end an acknowledged message.
#include "dataplane/mail_out.h"

#include <gtest/gtest.h>

#include <vector>

#include "dataplane/session/errors.h"
#include "dataplane/session/lent.h"
#include "tests/unit/dataplane/session/fake_stream.h"

namespace pushmail {
namespace {

struct LastResult final : SmtpClientEvents {
  void on_smtp_result(std::uint64_t, SmtpResult result) override { results.push_back(std::move(result)); }
  std::vector<SmtpResult> results;
};

/// What the client and replies_of make of a pipelined mail to two recipients that the host answers so.
relay::MailResult replies_to(std::string_view answers) {
  test::ManualClock clock;
  test::FakeNetwork network;
  test::FakePeers hosts;
  LastResult heard;
  const Endpoint host = *parse_endpoint("198.51.100.25:25");
  EXPECT_TRUE(network.listen(host, hosts).has_value());
  hosts.greeting = "220 mx.example\r\n";
  SmtpClient client(network, {.domain = "mms.example"}, heard, clock, {});
  const auto turns = [&] {
    for (int i = 0; i < 30; ++i) {
      client.tick(clock.now());
      network.poll(clock.now());
    }
  };
  EXPECT_TRUE(
      client.send({.host = host, .mail_from = "ann@mms.example", .recipients = {"a@b", "c@d"}, .mail = lend_own(Bytes{'x', '\r', '\n'})})
          .has_value());
  turns();
  hosts.last().say("250-mx.example\r\n250 PIPELINING\r\n");
  turns();
  hosts.last().say(answers);
  turns();
  client.close_all();
  turns();
  EXPECT_EQ(heard.results.size(), 1u);
  return heard.results.empty() ? relay::MailResult{} : replies_of(heard.results.front(), 2);
}

TEST(MailOut, a_temporary_refusal_of_the_sender_is_a_retry_for_every_recipient) {
  for (const char* answers : {"452 4.3.1 full\r\n503 x\r\n503 x\r\n503 x\r\n", "452 4.3.1 full\r\n503 x\r\n421 bye\r\n",
                              "452 4.3.1 full\r\n250 ok\r\n503 x\r\n354 go\r\n554 none\r\n"}) {
    const relay::MailResult replies = replies_to(answers);
    ASSERT_EQ(replies.size(), 2u);
    for (const relay::MailReply& reply : replies) {
      EXPECT_GE(reply.code, 400) << answers;
      EXPECT_LT(reply.code, 500) << answers;
    }
  }
}

TEST(MailOut, a_permanent_refusal_of_the_sender_is_final_with_the_senders_reply) {
  const relay::MailResult replies = replies_to("550 5.7.1 not you\r\n503 x\r\n503 x\r\n503 x\r\n");
  ASSERT_EQ(replies.size(), 2u);
  for (const relay::MailReply& reply : replies) {
    EXPECT_EQ(reply.code, 550);
    EXPECT_EQ(reply.text, "5.7.1 not you");
  }
}

TEST(MailOut, recipients_keep_their_own_replies) {
  const relay::MailResult replies = replies_to("250 ok\r\n550 5.1.1 unknown\r\n450 4.2.0 busy\r\n554 none\r\n");
  ASSERT_EQ(replies.size(), 2u);
  EXPECT_EQ(replies[0].code, 550);
  EXPECT_EQ(replies[1].code, 450);
}

TEST(MailOut, after_a_lost_answer_to_the_dot_nothing_is_final) {
  SmtpResult lost{.outcome = SmtpOutcome::unknown,
                  .answer = {.code = 250, .enhanced = {}, .text = "ok"},
                  .recipients = {{.code = 250, .enhanced = {}, .text = "ok"}},
                  .error = Error{.info = &smtp_reply_cut}};
  const relay::MailResult replies = replies_of(lost, 1);
  EXPECT_EQ(replies.at(0).code, 0);
  EXPECT_TRUE(replies.at(0).unknown);
}

}  // namespace
}  // namespace pushmail
