// The SMTP server over an in-memory stream: the dialogue, smuggling, limits, order of replies.
#include "dataplane/session/smtp_server.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>

#include "tests/unit/dataplane/session/smtp_server_fixture.h"

namespace pushmail {
namespace {

using test::FakePeer;
using test::SmtpServerTest;

TEST_F(SmtpServerTest, WholeDialogue) {
  FakePeer peer;
  connect(peer);
  EXPECT_EQ(peer.take(), "220 mms.example ESMTP pushmail\r\n");
  EXPECT_EQ(
      ask(peer, "EHLO client.example\r\n"),
      "250-mms.example greets client.example\r\n250-PIPELINING\r\n250-SIZE 10000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n250 "
      "ENHANCEDSTATUSCODES\r\n");
  EXPECT_EQ(ask(peer, "MAIL FROM:<joe@example.com> BODY=8BITMIME SIZE=100\r\n"), "250 2.1.0 sender ok\r\n");
  EXPECT_EQ(ask(peer, "RCPT TO:<unknown@mms.example>\r\n"), "550 5.1.1 not bound\r\n");
  EXPECT_EQ(ask(peer, "RCPT TO:<+15550100002@mms.example>\r\n"), "250 2.1.5 ok\r\n");
  EXPECT_EQ(ask(peer, "DATA\r\n"), "354 end with CRLF.CRLF\r\n");
  EXPECT_EQ(ask(peer, "Subject: x\r\n\r\n..dot\r\n.\r\n"), "250 2.0.0 kept\r\n");
  ASSERT_EQ(sink_.mails.size(), 1u);
  const MailInbound& mail = sink_.mails[0];
  EXPECT_EQ(mail.mail_from, "joe@example.com");
  EXPECT_EQ(mail.recipients, std::vector<MailRecipient>{{.address = "+15550100002@mms.example"}});
  EXPECT_EQ(mail.helo, "client.example");
  EXPECT_EQ(to_string(mail.source.ip), "192.0.2.9");
  EXPECT_EQ(body(mail), "Subject: x\r\n\r\n.dot\r\n");
  EXPECT_TRUE(text_of(*mail.mail).starts_with("Received: from client.example ([192.0.2.9])\r\n\tby mms.example with ESMTP;\r\n\t"))
      << text_of(*mail.mail);
  EXPECT_EQ(ask(peer, "QUIT\r\n"), "221 2.0.0 bye\r\n");
  EXPECT_TRUE(peer.ended);
  peer.stream->finish();
  turns();
  EXPECT_EQ(peer.closed, CloseReason::finished);
  EXPECT_EQ(server_->connection_count(), 0u);
}

TEST_F(SmtpServerTest, NothingIsSaidBeforeTheRelayAnswers) {
  sink_.at_once = nullptr;
  FakePeer peer;
  greet(peer);
  EXPECT_EQ(ask(peer, "MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n"), "250 2.1.0 sender ok\r\n");
  EXPECT_EQ(sink_.recipients, std::vector<std::string>{"a@b"}) << "one question at a time";
  server_->answer_recipient(sink_.recipient_tickets[0], {.code = 451, .enhanced = "4.4.3", .text = "later\r\n250 injected"});
  EXPECT_TRUE(server_->has_work());
  turns();
  EXPECT_EQ(peer.take(), "451 4.4.3 later  250 injected\r\n");
  server_->answer_recipient(sink_.recipient_tickets.at(1), {.code = 250, .enhanced = "2.1.5", .text = "ok"});
  turns();
  EXPECT_EQ(peer.take(), "250 2.1.5 ok\r\n354 end with CRLF.CRLF\r\n");
  EXPECT_EQ(ask(peer, "x\r\n.\r\nNOOP\r\n"), "");
  ASSERT_EQ(sink_.mails.size(), 1u);
  EXPECT_EQ(sink_.mails[0].mail_from, "");
  server_->answer_recipient(sink_.mail_tickets[0], {.code = 250, .enhanced = {}, .text = "wrong kind of answer"});
  server_->answer_mail(sink_.mail_tickets[0], {.code = 452, .enhanced = "4.3.1", .text = "journal full"});
  turns();
  EXPECT_EQ(peer.take(), "452 4.3.1 journal full\r\n250 2.0.0 ok\r\n");
}

TEST_F(SmtpServerTest, SmuggledMailStaysOneMailAndIsRefused) {
  for (const std::string_view end : {"\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r", "\r.\r\n", "\n.\r"}) {
    FakePeer peer;
    open_data(peer);
    const std::string smuggled = "a" + std::string(end) + "MAIL FROM:<evil@x>\r\nRCPT TO:<b@c>\r\nDATA\r\nfake\r\n.\r\n";
    EXPECT_EQ(ask(peer, smuggled), "550 5.6.11 bare CR or LF in the mail\r\n");
    EXPECT_EQ(ask(peer, "NOOP\r\n"), "250 2.0.0 ok\r\n") << "in step";
    EXPECT_EQ(ask(peer, "RCPT TO:<a@b>\r\n"), "503 5.5.1 commands out of order\r\n");
    peer.stream->abort();
    turns(3);
  }
  EXPECT_TRUE(sink_.mails.empty());
}

TEST_F(SmtpServerTest, DataBeforeOurGoAheadIsRefused) {
  FakePeer peer;
  greet(peer);
  const std::string heard = ask(peer, "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nSubject: early\r\n\r\n.\r\n");
  EXPECT_TRUE(heard.ends_with("554 5.5.0 data before 354\r\n")) << heard;
  EXPECT_TRUE(peer.ended);
  EXPECT_TRUE(sink_.mails.empty());
}

TEST_F(SmtpServerTest, OrderOfCommands) {
  FakePeer peer;
  connect(peer);
  EXPECT_TRUE(ask(peer, "MAIL FROM:<a@b>\r\n").starts_with("503"));
  EXPECT_EQ(ask(peer, "HELO old.example\r\n"), "250 mms.example\r\n");
  EXPECT_TRUE(ask(peer, "RCPT TO:<a@b>\r\n").starts_with("503"));
  EXPECT_TRUE(ask(peer, "DATA\r\n").starts_with("503"));
  EXPECT_TRUE(ask(peer, "MAIL FROM:<a@b>\r\n").starts_with("250"));
  EXPECT_TRUE(ask(peer, "MAIL FROM:<a@b>\r\n").starts_with("503"));
  EXPECT_TRUE(ask(peer, "DATA\r\n").starts_with("554 5.5.1"));
  EXPECT_TRUE(ask(peer, "RCPT TO:<unknown@b>\r\n").starts_with("550"));
  EXPECT_TRUE(ask(peer, "DATA\r\n").starts_with("554 5.5.1"));
  EXPECT_TRUE(ask(peer, "RCPT TO:<a@b>\r\n").starts_with("250"));
  EXPECT_EQ(ask(peer, "RSET\r\n"), "250 2.0.0 reset\r\n");
  EXPECT_TRUE(ask(peer, "DATA\r\n").starts_with("503"));
  EXPECT_TRUE(ask(peer, "VRFY a\r\n").starts_with("252"));
  EXPECT_TRUE(ask(peer, "HELP\r\n").starts_with("214"));
  EXPECT_TRUE(ask(peer, "MAIL FROM:<a@b>\r\n").starts_with("250"));
  EXPECT_TRUE(ask(peer, "EHLO again.example\r\n").starts_with("250-"));
  EXPECT_TRUE(ask(peer, "RCPT TO:<a@b>\r\n").starts_with("503")) << "EHLO resets";
}

TEST_F(SmtpServerTest, BrokenCommands) {
  struct Row {
    std::string text;
    const char* reply;
  };
  for (const Row& row :
       {Row{"XYZZY\r\n", "500 5.5.2"}, Row{"NOOP\n", "500 5.5.2"}, Row{std::string("MAIL FROM:<a@b>\0\r\n", 18), "500 5.5.2"},
        Row{"MAIL FROM:<a\r@b>\r\n", "500 5.5.2"}, Row{"MAIL FROM:<a@b> SIZE=99999999999999999999\r\n", "552 5.3.4"},
        Row{"MAIL FROM:<a@b> SIZE=10001\r\n", "552 5.3.4"}, Row{"MAIL FROM:<a@b> SIZE=x\r\n", "501 5.5.4"},
        Row{"MAIL FROM:<a@b> RET=HALF\r\n", "501 5.5.4"}, Row{"MAIL FROM:a@b\r\n", "553 5.1.7"},
        Row{"MAIL FROM:<j\xc3\xb6@b>\r\n", "553 5.6.7"}, Row{"STARTTLS\r\n", "502 5.5.1"}, Row{"EXPN x\r\n", "502 5.5.1"},
        Row{"EHLO a b\r\n", "501 5.5.4"}, Row{"DATA x\r\n", "501 5.5.4"}, Row{"BDAT 0 LAST\r\n", "503 5.5.1"}, Row{"BDAT\r\n", "501 5.5.4"},
        Row{"POST / HTTP/1.1\r\n", "421 4.7.0"}}) {
    FakePeer peer;
    greet(peer);
    EXPECT_TRUE(ask(peer, row.text).starts_with(row.reply)) << row.text << " got " << peer.heard;
    if (peer.stream != nullptr) peer.stream->abort();
    turns(3);
  }
  FakePeer peer;
  greet(peer);
  (void)ask(peer, "MAIL FROM:<a@b>\r\n");
  EXPECT_TRUE(ask(peer, "RCPT TO:<12..34@mms.example>\r\n").starts_with("553 5.1.3"));
  EXPECT_TRUE(ask(peer, "RCPT TO:<>\r\n").starts_with("553 5.1.3"));
  EXPECT_TRUE(ask(peer, "RCPT TO:<a@b> NOTIFY=NEVER,SUCCESS\r\n").starts_with("501 5.5.4"));
  EXPECT_TRUE(ask(peer, "RCPT TO:<a@b> PRIORITY=1\r\n").starts_with("555 5.5.4"));
  EXPECT_TRUE(sink_.recipients.empty());
}

// RFC 3461: what a sender wants to be told comes with his mail, decoded, each recipient's with the recipient.
TEST_F(SmtpServerTest, WishesForNotificationsComeWithTheMail) {
  FakePeer peer;
  greet(peer);
  EXPECT_EQ(ask(peer, "MAIL FROM:<joe@example.com> RET=hdrs ENVID=QQ+2B1\r\n"), "250 2.1.0 sender ok\r\n");
  EXPECT_EQ(ask(peer,
                "RCPT TO:<n1@b> notify=failure,success orcpt=RFC822;joe+2Bx@example.com\r\nRCPT TO:<n2@b>\r\n"
                "RCPT TO:<n3@b> NOTIFY=NEVER\r\n"),
            "250 2.1.5 ok\r\n250 2.1.5 ok\r\n250 2.1.5 ok\r\n");
  EXPECT_EQ(ask(peer, "DATA\r\n"), "354 end with CRLF.CRLF\r\n");
  EXPECT_EQ(ask(peer, "x\r\n.\r\n"), "250 2.0.0 kept\r\n");
  const MailInbound& mail = sink_.mails.at(0);
  EXPECT_EQ(mail.ret, "HDRS");
  EXPECT_EQ(mail.envelope_id, "QQ+1");
  const std::vector<MailRecipient> all{{.address = "n1@b", .notify = "SUCCESS,FAILURE", .original = "rfc822;joe+x@example.com"},
                                       {.address = "n2@b"},
                                       {.address = "n3@b", .notify = "NEVER"}};
  EXPECT_EQ(mail.recipients, all);
  EXPECT_TRUE(ask(peer, "MAIL FROM:<joe@example.com>\r\nRCPT TO:<n1@b>\r\nDATA\r\n").ends_with("CRLF.CRLF\r\n"));
  EXPECT_EQ(ask(peer, "x\r\n.\r\n"), "250 2.0.0 kept\r\n");
  EXPECT_EQ(sink_.mails.at(1).ret + sink_.mails.at(1).envelope_id + sink_.mails.at(1).recipients.at(0).notify, "") << "the next mail's own";
}

// RFC 2034 §4: every 2xx, 4xx and 5xx but the greeting and the replies to EHLO and HELO begins with a code of its class.
TEST_F(SmtpServerTest, EveryReplyHasItsEnhancedCode) {
  start({.domain = "mms.example", .size_max = 1'000, .error_count_max = 100, .connections = {}});
  FakePeer peer;
  greet(peer);
  std::string heard;
  for (const std::string& commands :
       {std::string("NOOP\r\nVRFY a\r\nHELP\r\nEXPN a\r\nSTARTTLS\r\nXYZZY\r\nNOOP\n\r\nMAIL FROM:<\r\nMAIL FROM:<a@b> SIZE=2000\r\n"),
        std::string("RCPT TO:<a@b>\r\nBDAT 2\r\nx\nMAIL FROM:<a@b> X=1\r\nMAIL FROM:<a@b>\r\nBDAT 1 LAST\r\nxRCPT TO:<unknown@b>\r\n"),
        "RCPT TO:<a>\r\nRCPT TO:<a@b>\r\nBDAT 2\r\nxyDATA\r\nBDAT 2000\r\n" + std::string(2'000, 'x'),
        std::string("BDAT 1\r\nxMAIL FROM:<a@b>\r\nRSET\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nBDAT 3 LAST\r\na\r\nBDAT x\r\n")}) {
    heard += ask(peer, commands);
  }
  std::size_t count = 0;
  ByteView rest = bytes_of(heard);
  while (!rest.empty()) {
    const auto reply = smtp::parse_reply(rest);
    ASSERT_TRUE(reply.is_done()) << text_of(rest);
    EXPECT_FALSE(reply.value().enhanced.empty()) << reply.value().code << ' ' << reply.value().text();
    rest = rest.subspan(reply.used());
    ++count;
  }
  EXPECT_EQ(count, 28u) << heard;
  EXPECT_TRUE(heard.ends_with("250 2.0.0 kept\r\n501 5.5.4 not a chunk's size\r\n")) << heard;
  EXPECT_TRUE(peer.ended);
}

// A reload changes what is told and what is admitted alike, also of a session that is kept; a mail goes on by what it was admitted by.
TEST_F(SmtpServerTest, AReloadedSizeIsThatOfTheNextMail) {
  SmtpServerSettings settings{.domain = "mms.example", .size_max = 1'000, .mail_memory_max = 100'000, .connections = {}};
  start(settings);
  FakePeer peer;
  greet(peer);
  const std::string begin = "MAIL FROM:<joe@example.com>\r\nRCPT TO:<+15550100002@mms.example>\r\nDATA\r\n";
  const std::string mail = "Subject: x\r\n\r\n" + std::string(2'000, 'x') + "\r\n.\r\n";
  EXPECT_TRUE(ask(peer, begin).ends_with("354 end with CRLF.CRLF\r\n"));
  settings.size_max = 10'000;
  server_->take(settings);
  EXPECT_EQ(ask(peer, mail), "552 5.3.4 mail too large\r\n");
  EXPECT_TRUE(ask(peer, "EHLO client.example\r\n").contains("250-SIZE 10000\r\n"));
  EXPECT_TRUE(ask(peer, begin).ends_with("354 end with CRLF.CRLF\r\n"));
  EXPECT_EQ(ask(peer, mail), "250 2.0.0 kept\r\n");
}

TEST_F(SmtpServerTest, EndlessLineIsBoundedAndEndsInStep) {
  FakePeer peer;
  greet(peer);
  (void)peer.take();
  peer.say("NOOP " + std::string(10'000'000, 'x') + "\r\nNOOP\r\n");
  turns(400);
  EXPECT_EQ(peer.take(), "500 5.5.2 line too long\r\n250 2.0.0 ok\r\n");
}

TEST_F(SmtpServerTest, TwentyErrorsEndTheConnection) {
  FakePeer peer;
  greet(peer);
  std::string many;
  for (int i = 0; i < 100; ++i) many += "XYZZY\r\n";
  const std::string heard = ask(peer, many);
  std::size_t count = 0;
  for (std::size_t at = 0; (at = heard.find("500 ", at)) != std::string::npos; ++at) ++count;
  EXPECT_EQ(count, 20u);
  EXPECT_TRUE(heard.ends_with("421 4.7.0 too many errors\r\n"));
  EXPECT_TRUE(peer.ended);
}

TEST_F(SmtpServerTest, RecipientsBeyondTheLimitAreRefusedAndTheFirstStay) {
  FakePeer peer;
  greet(peer);
  std::string many = "MAIL FROM:<a@b>\r\n";
  for (int i = 0; i < 1000; ++i) many += fmt::format("RCPT TO:<n{}@b>\r\n", i);
  peer.say(many);
  turns(200);
  const std::string heard = peer.take();
  EXPECT_TRUE(heard.ends_with("452 4.5.3 too many recipients\r\n"));
  EXPECT_EQ(ask(peer, "DATA\r\n"), "354 end with CRLF.CRLF\r\n");
  EXPECT_EQ(ask(peer, ".\r\n"), "250 2.0.0 kept\r\n");
  EXPECT_EQ(sink_.mails.at(0).recipients.size(), 100u);
}

TEST_F(SmtpServerTest, LargeMailHasFewerRecipients) {
  start({.domain = "mms.example", .size_max = 10'000, .mail_memory_max = 100'000, .copies_size_max = 12'000, .connections = {}});
  FakePeer peer;
  greet(peer);
  EXPECT_TRUE(ask(peer, "MAIL FROM:<a@b> SIZE=6000\r\n").starts_with("250"));
  EXPECT_EQ(ask(peer, "RCPT TO:<n1@b>\r\nRCPT TO:<n2@b>\r\nRCPT TO:<n3@b>\r\nDATA\r\n"),
            "250 2.1.5 ok\r\n250 2.1.5 ok\r\n452 4.5.3 too many recipients for a mail of this size\r\n354 end with CRLF.CRLF\r\n");
  EXPECT_EQ(ask(peer, std::string(6'500, 'x') + "\r\n.\r\n"), "250 2.0.0 kept\r\n") << "the announced size is an estimate";
  EXPECT_EQ(sink_.mails.at(0).recipients.size(), 2u);
  // One recipient is never too many, and without SIZE the end of the data tells.
  EXPECT_TRUE(ask(peer, "MAIL FROM:<a@b>\r\nRCPT TO:<n1@b>\r\nRCPT TO:<n2@b>\r\nDATA\r\n").ends_with("CRLF.CRLF\r\n"));
  EXPECT_EQ(ask(peer, std::string(9'000, 'x') + "\r\n.\r\n"), "452 4.5.3 too many recipients for a mail of this size\r\n");
}

TEST_F(SmtpServerTest, LargeMailIsReadToItsEndAndRefused) {
  FakePeer peer;
  open_data(peer);
  EXPECT_EQ(ask(peer, std::string(10'001, 'x') + "\r\n.\r\n"), "552 5.3.4 mail too large\r\n");
  EXPECT_EQ(ask(peer, "NOOP\r\n"), "250 2.0.0 ok\r\n");
  FakePeer endless;
  open_data(endless);
  endless.say(std::string(2'000'000, 'x'));
  turns(100);
  EXPECT_EQ(endless.take(), "552 5.3.4 mail too large\r\n");
  EXPECT_TRUE(endless.ended);
  FakePeer exact;
  open_data(exact);
  EXPECT_EQ(ask(exact, std::string(9'998, 'x') + "\r\n.\r\n"), "250 2.0.0 kept\r\n");
  EXPECT_EQ(body(sink_.mails.at(0)).size(), 10'000u);
}

TEST_F(SmtpServerTest, ShortOfMemoryIsTemporary) {
  start({.domain = "mms.example", .size_max = 10'000, .mail_memory_max = 5'000, .connections = {}});
  FakePeer peer;
  greet(peer);
  EXPECT_TRUE(ask(peer, "MAIL FROM:<a@b> SIZE=6000\r\n").starts_with("452 4.3.1"));
  FakePeer other;
  open_data(other);
  EXPECT_EQ(ask(other, std::string(6'000, 'x') + "\r\n.\r\n"), "452 4.3.1 out of memory, try again later\r\n");
  EXPECT_TRUE(ask(other, "MAIL FROM:<a@b> SIZE=4000\r\n").starts_with("250")) << "given back";
}

TEST_F(SmtpServerTest, CutMailIsNoMail) {
  FakePeer finished;
  open_data(finished);
  finished.say("half a mail\r\n");
  finished.stream->finish();
  turns();
  EXPECT_EQ(finished.closed, CloseReason::finished);
  FakePeer aborted;
  open_data(aborted);
  aborted.say("half a mail\r\n.");
  turns();
  aborted.stream->abort();
  turns();
  EXPECT_TRUE(sink_.mails.empty());
  EXPECT_EQ(server_->connection_count(), 0u);
}

TEST_F(SmtpServerTest, AnswerAfterTheConnectionHasGoneIsHarmless) {
  sink_.answer_mails = false;
  FakePeer peer;
  open_data(peer);
  (void)ask(peer, "x\r\n.\r\n");
  peer.stream->abort();
  turns();
  server_->answer_mail(sink_.mail_tickets.at(0), {.code = 250, .enhanced = {}, .text = "ok"});
  EXPECT_EQ(server_->counts().late_answers, 1u);
}

TEST_F(SmtpServerTest, ClientThatHalfClosesGetsItsReply) {
  sink_.answer_mails = false;
  FakePeer peer;
  open_data(peer);
  peer.say("x\r\n.\r\n");
  peer.stream->finish();
  turns();
  EXPECT_FALSE(peer.ended);
  (void)peer.take();
  server_->answer_mail(sink_.mail_tickets.at(0), {.code = 250, .enhanced = "2.0.0", .text = "kept"});
  turns();
  EXPECT_EQ(peer.take(), "250 2.0.0 kept\r\n");
  EXPECT_EQ(peer.closed, CloseReason::finished);
}

TEST_F(SmtpServerTest, EveryCutIsReadTheSame) {
  for (const std::size_t chunk : {1u, 2u, 3u, 5u, 17u}) {
    network_->chunk_size = chunk;
    FakePeer peer;
    connect(peer);
    const auto say = [&](std::string_view text) {
      peer.say(text);
      turns(600);
    };
    say("EHLO c\r\n");
    say("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
    say("Subject: x\r\n\r\n..\r\ntext\r\n.\r\n");
    ASSERT_FALSE(sink_.mails.empty()) << peer.heard;
    EXPECT_EQ(body(sink_.mails.back()), "Subject: x\r\n\r\n.\r\ntext\r\n") << chunk;
    peer.stream->abort();
    turns(5);
  }
  EXPECT_EQ(sink_.mails.size(), 5u);
}

TEST_F(SmtpServerTest, Deadlines) {
  FakePeer idle;
  FakePeer slow_line;
  FakePeer slow_mail;
  greet(idle);
  greet(slow_line);
  open_data(slow_mail);
  slow_line.say("NOO");
  turns(3);
  for (int i = 0; i < 7; ++i) {
    pass(seconds(10));
    slow_line.say("P");
    slow_mail.say("x");
  }
  turns();
  EXPECT_TRUE(slow_line.take().ends_with("421 4.4.2 too slow, closing\r\n"));
  EXPECT_FALSE(slow_mail.ended);
  for (int i = 0; i < 55; ++i) {
    pass(seconds(10));
    slow_mail.say("x");
  }
  EXPECT_TRUE(slow_mail.ended);
  EXPECT_TRUE(idle.ended);
  EXPECT_TRUE(idle.take().ends_with("421 4.4.2 too slow, closing\r\n"));
  pass(seconds(6));
  EXPECT_EQ(server_->connection_count(), 0u);
}

TEST_F(SmtpServerTest, RelayThatNeverAnswersIsTemporary) {
  sink_.at_once = nullptr;
  FakePeer peer;
  greet(peer);
  (void)ask(peer, "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n");
  pass(seconds(241));
  turns();
  EXPECT_EQ(peer.take(), "451 4.3.0 no answer in time, try again later\r\n");
  server_->answer_recipient(sink_.recipient_tickets.at(0), {.code = 250, .enhanced = {}, .text = "late"});
  turns();
  EXPECT_EQ(peer.take(), "");
  EXPECT_EQ(server_->counts().late_answers, 1u);
}

TEST_F(SmtpServerTest, ClientThatNeverReadsIsReset) {
  FakePeer peer;
  greet(peer);
  peer.stream->pause_reading();
  std::string flood;
  for (int i = 0; i < 20'000; ++i) flood += "NOOP\r\n";
  peer.say(flood);
  turns(100);
  pass(seconds(301));
  EXPECT_EQ(peer.closed, CloseReason::reset_by_peer);
  EXPECT_EQ(server_->connection_count(), 0u);
}

TEST_F(SmtpServerTest, LoopsAreCut) {
  start({.domain = "mms.example", .hop_count_max = 5, .connections = {}});
  FakePeer peer;
  open_data(peer);
  std::string mail;
  for (int i = 0; i < 5; ++i) mail += "received: from x\r\n";
  EXPECT_EQ(ask(peer, mail + "\r\n.\r\n"), "554 5.4.6 too many hops\r\n");
}

TEST_F(SmtpServerTest, FiftyHopsAreALoop) {
  start({.domain = "mms.example", .connections = {}});
  FakePeer peer;
  open_data(peer);
  std::string mail;
  // Ours is one more.
  for (int i = 0; i < 50; ++i) mail += "Received: from x\r\n";
  EXPECT_EQ(ask(peer, mail + "\r\n.\r\n"), "554 5.4.6 too many hops\r\n");
}

TEST_F(SmtpServerTest, WhoSpeaksBeforeOurReplyIsCutOff) {
  start({.domain = "mms.example", .connections = {}, .trusted = {*parse_network("198.51.100.0/24")}, .greeting_delay = milliseconds(20)});
  FakePeer early;
  early.stream = *network_->connect(here_, early);
  early.say("EHLO x\r\n");
  turns(5);
  EXPECT_EQ(early.take(), "554 5.5.1 you must wait for our reply\r\n");
  EXPECT_TRUE(early.ended);

  FakePeer patient;
  patient.stream = *network_->connect(here_, patient);
  turns(5);
  EXPECT_EQ(patient.take(), "");
  EXPECT_EQ(server_->next_due(), clock_.now() + milliseconds(20));
  pass(milliseconds(20));
  EXPECT_EQ(patient.take(), "220 mms.example ESMTP pushmail\r\n");
  // RFC 2920 §3.1: EHLO is the last command of a group; what comes with it was written without knowing what we offer.
  EXPECT_EQ(ask(patient, "EHLO x\r\nMAIL FROM:<joe@example.com>\r\n"), "554 5.5.1 you must wait for our reply\r\n");
  EXPECT_TRUE(patient.ended);
  FakePeer old;
  old.stream = *network_->connect(here_, old);
  turns(5);
  pass(milliseconds(20));
  (void)old.take();
  EXPECT_TRUE(ask(old, "HELO x\r\n").starts_with("250"));
  EXPECT_TRUE(ask(old, "MAIL FROM:<joe@example.com>\r\nRCPT TO:<+15550100002@mms.example>\r\n").starts_with("554 5.5.1"))
      << "HELO offers no PIPELINING";
  EXPECT_EQ(server_->counts().early_talkers, 3U);
  // Hosts that the operator named are greeted at once.
  network_->client_address = *parse_endpoint("198.51.100.7:1000");
  FakePeer named;
  connect(named);
  EXPECT_TRUE(named.take().starts_with("220"));
}

// Which numbers are here is not told to whoever asks for all of them, on however many connections.
TEST_F(SmtpServerTest, ASourceMayNameFewUnknownRecipients) {
  const BudgetLimits few{.burst = {.count = 3, .window = seconds(60)}, .lasting = {.count = 5, .window = seconds(3600)}};
  start({.domain = "mms.example", .connections = {}, .trusted = {*parse_network("198.51.100.0/24")}, .unknown_recipients = few});
  const std::string unknown = "RCPT TO:<unknown@mms.example>\r\n", known = "RCPT TO:<+15550100002@mms.example>\r\n";
  FakePeer peer;
  greet(peer);
  EXPECT_EQ(ask(peer, "MAIL FROM:<joe@example.com>\r\n" + known + known + known + known + known).find("421"), std::string::npos)
      << "those we know cost nothing";
  EXPECT_EQ(
      ask(peer, unknown + unknown + unknown + known),
      "550 5.1.1 not bound\r\n550 5.1.1 not bound\r\n550 5.1.1 not bound\r\n421 4.7.0 too many unknown recipients, try again later\r\n");
  EXPECT_TRUE(peer.ended);
  const std::size_t asked = sink_.recipients.size();
  FakePeer again;
  greet(again);
  EXPECT_TRUE(ask(again, "MAIL FROM:<joe@example.com>\r\n" + known).ends_with("try again later\r\n")) << "or the 250 would tell";
  EXPECT_EQ(sink_.recipients.size(), asked);
  EXPECT_EQ(server_->counts().over_budget, 2U);
  network_->client_address = *parse_endpoint("198.51.100.7:1000");
  FakePeer named;
  greet(named);
  EXPECT_EQ(ask(named, "MAIL FROM:<joe@example.com>\r\n" + unknown + unknown + unknown + unknown + known).find("421"), std::string::npos);
}

TEST_F(SmtpServerTest, ConnectionsThatSayNothingMakeRoom) {
  start({.domain = "mms.example",
         .connections = {.all = 4, .per_source = 100, .reserved = 1},
         .trusted = {*parse_network("198.51.100.0/24")}});
  std::array<FakePeer, 6> slow;
  for (FakePeer& peer : slow) connect(peer);
  EXPECT_EQ(server_->evicted(), 3U);
  EXPECT_EQ(slow[2].closed, CloseReason::reset_by_peer);
  EXPECT_FALSE(slow[3].closed);
  FakePeer good;
  open_data(good);
  std::array<FakePeer, 3> more;
  for (FakePeer& peer : more) connect(peer);
  EXPECT_EQ(ask(good, "Subject: x\r\n\r\n.\r\n"), "250 2.0.0 kept\r\n") << "who has a recipient stays";
}

TEST_F(SmtpServerTest, TooManyConnectionsAreTold) {
  start({.domain = "mms.example", .connections = {.all = 10, .per_source = 1}});
  FakePeer first;
  FakePeer second;
  connect(first);
  connect(second);
  turns();
  EXPECT_TRUE(second.take().starts_with("421 4.3.2"));
  EXPECT_TRUE(second.ended);
  EXPECT_TRUE(first.take().starts_with("220"));
}

TEST_F(SmtpServerTest, StarttlsBeginsAnewOverTheStreamOnTop) {
  test::FakeCover cover;
  start({.domain = "mms.example", .connections = {}, .starttls = &cover});
  FakePeer peer;
  connect(peer);
  EXPECT_NE(ask(peer, "EHLO client.example\r\n").find("250-STARTTLS\r\n"), std::string::npos);
  EXPECT_TRUE(ask(peer, "STARTTLS now\r\n").starts_with("501 5.5.4"));
  EXPECT_EQ(ask(peer, "STARTTLS\r\n"), "220 2.0.0 go ahead\r\n");
  ASSERT_EQ(cover.covered.size(), 1u);
  const auto say = [&](std::string_view text) {
    cover.covered.back()->events->on_data(bytes_of(text));
    turns(3);
    return cover.take();
  };
  EXPECT_EQ(ask(peer, "NOOP\r\n"), "") << "what comes beneath is the new stream's";
  EXPECT_TRUE(say("MAIL FROM:<a@b>\r\n").starts_with("503")) << "the greeting holds no more";
  const std::string offered = say("EHLO client.example\r\n");
  EXPECT_TRUE(offered.starts_with("250-mms.example"));
  EXPECT_EQ(offered.find("STARTTLS"), std::string::npos);
  EXPECT_TRUE(say("STARTTLS\r\n").starts_with("502"));
  EXPECT_EQ(say("MAIL FROM:<joe@example.com>\r\nRCPT TO:<+15550100002@mms.example>\r\n"), "250 2.1.0 sender ok\r\n250 2.1.5 ok\r\n");
  EXPECT_TRUE(say("DATA\r\n").starts_with("354"));
  EXPECT_TRUE(say("Subject: x\r\n\r\n.\r\n").starts_with("250 2.0.0"));
  EXPECT_NE(text_of(*sink_.mails.at(0).mail).find(" with ESMTPS;"), std::string_view::npos);
  cover.covered.back()->events->on_close(CloseReason::finished);
  EXPECT_EQ(server_->connection_count(), 0u);
}

TEST_F(SmtpServerTest, WhatFollowsStarttlsInOnePieceClosesTheConnection) {
  test::FakeCover cover;
  start({.domain = "mms.example", .connections = {}, .starttls = &cover});
  FakePeer peer;
  greet(peer);
  EXPECT_TRUE(ask(peer, "STARTTLS\r\nMAIL FROM:<a@b>\r\n").starts_with("554 5.5.0"));
  EXPECT_TRUE(peer.ended);
  EXPECT_TRUE(cover.covered.empty());
  FakePeer half;
  greet(half);
  EXPECT_TRUE(ask(half, "STARTTLS\r\nN").starts_with("554 5.5.0")) << "a single byte is too much";
  FakePeer stranger;
  connect(stranger);
  EXPECT_TRUE(ask(stranger, "STARTTLS\r\nEHLO x\r\n").starts_with("554 5.5.1"));
  EXPECT_TRUE(cover.covered.empty());
}

TEST_F(SmtpServerTest, StarttlsIsNoPartOfAMailAndMayEndALongPipeline) {
  test::FakeCover cover;
  start({.domain = "mms.example", .error_count_max = 100, .connections = {}, .starttls = &cover});
  sink_.at_once = nullptr;
  FakePeer peer;
  greet(peer);
  EXPECT_EQ(ask(peer, "MAIL FROM:<joe@example.com>\r\n"), "250 2.1.0 sender ok\r\n");
  EXPECT_TRUE(ask(peer, "STARTTLS\r\n").starts_with("503"));
  std::string pipeline = "RCPT TO:<+15550100002@mms.example>\r\n";
  while (pipeline.size() < 70'000) pipeline += "NOOP\r\n";
  pipeline += "RSET\r\nSTARTTLS\r\n";
  (void)ask(peer, pipeline);
  EXPECT_TRUE(peer.theirs().paused);
  server_->answer_recipient(sink_.recipient_tickets.back(), {.code = 250, .enhanced = "2.1.5", .text = "ok"});
  turns(300);
  EXPECT_TRUE(peer.take().ends_with("220 2.0.0 go ahead\r\n"));
  EXPECT_FALSE(peer.theirs().paused);
  ASSERT_EQ(cover.covered.size(), 1u);
  cover.covered.back()->events->on_close(CloseReason::finished);
}

// ---- the drain --------------------------------------------------------------------------------------------------------------------

constexpr std::string_view shutting_down = "421 4.3.2 shutting down, try again later\r\n";

TEST_F(SmtpServerTest, DrainSays421BetweenCommandsAndToWhoComes) {
  start({.domain = "mms.example", .connections = {}, .greeting_delay = seconds(1)});
  FakePeer ungreeted;
  connect(ungreeted);
  pass(milliseconds(999));
  FakePeer late;
  late.stream = *network_->connect(here_, late);
  server_->drain();
  turns();
  EXPECT_EQ(ungreeted.take(), shutting_down);
  EXPECT_TRUE(ungreeted.ended);
  EXPECT_EQ(late.take(), shutting_down);
  EXPECT_TRUE(late.ended);
  pass(seconds(2));
  EXPECT_EQ(ungreeted.take(), "") << "no greeting follows";
  ungreeted.stream->finish();
  late.stream->finish();
  turns();
  EXPECT_EQ(server_->connection_count(), 0u);
}

TEST_F(SmtpServerTest, DrainFinishesAMailWhoseDataIsUnderWay) {
  FakePeer peer;
  open_data(peer);
  peer.say("Subject: x\r\n\r\nfirst half");
  turns();
  server_->drain();
  turns();
  EXPECT_EQ(peer.take(), "");
  EXPECT_EQ(ask(peer, " second half\r\n.\r\n"), "250 2.0.0 kept\r\n" + std::string(shutting_down));
  ASSERT_EQ(sink_.mails.size(), 1u);
  EXPECT_EQ(body(sink_.mails[0]), "Subject: x\r\n\r\nfirst half second half\r\n");
  EXPECT_TRUE(peer.ended);
  peer.stream->finish();
  turns();
  EXPECT_EQ(peer.closed, CloseReason::finished);
}

TEST_F(SmtpServerTest, DrainAnswersWhatWasAskedAndNothingBehindIt) {
  sink_.at_once = nullptr;
  FakePeer peer;
  greet(peer);
  EXPECT_EQ(ask(peer, "MAIL FROM:<joe@example.com>\r\nRCPT TO:<+15550100002@mms.example>\r\nDATA\r\n"), "250 2.1.0 sender ok\r\n");
  server_->drain();
  turns();
  EXPECT_EQ(peer.take(), "") << "the question is out";
  server_->answer_recipient(sink_.recipient_tickets.at(0), {.code = 250, .enhanced = "2.1.5", .text = "ok"});
  turns();
  EXPECT_EQ(peer.take(), "250 2.1.5 ok\r\n" + std::string(shutting_down)) << "DATA has the 421, and no 354";
  EXPECT_TRUE(peer.ended);
}

TEST_F(SmtpServerTest, DrainLetsACommandComeWholeAndSaysByeToQuit) {
  for (const auto& [rest, answer] : {std::pair<std::string_view, std::string_view>{"OP\r\n", shutting_down}, {"", "221 2.0.0 bye\r\n"}}) {
    start({.domain = "mms.example", .connections = {}});
    FakePeer peer;
    greet(peer);
    peer.say(rest.empty() ? "QU" : "NO");
    turns();
    server_->drain();
    turns();
    EXPECT_EQ(peer.take(), "");
    EXPECT_EQ(ask(peer, rest.empty() ? "IT\r\n" : rest), answer);
    EXPECT_TRUE(peer.ended);
    peer.stream->finish();
    turns();
  }
}

}  // namespace
}  // namespace pushmail
