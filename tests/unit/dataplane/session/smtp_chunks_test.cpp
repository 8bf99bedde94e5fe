// Mails in chunks (RFC 3030): sizes, order, what follows a refusal, and that no octet of a chunk is ever read as a command.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/unit/dataplane/session/smtp_server_fixture.h"

namespace pushmail {
namespace {

using test::FakePeer;

class SmtpChunksTest : public test::SmtpServerTest {
 protected:
  static constexpr std::string_view envelope = "MAIL FROM:<joe@example.com>\r\nRCPT TO:<+15550100002@mms.example>\r\n";
  void open_mail(FakePeer& peer) {
    greet(peer);
    EXPECT_EQ(ask(peer, envelope), "250 2.1.0 sender ok\r\n250 2.1.5 ok\r\n");
  }
  /// Both sides know what is a command and what is not.
  void expect_in_step(FakePeer& peer) { EXPECT_EQ(ask(peer, "NOOP\r\n"), "250 2.0.0 ok\r\n"); }
};

TEST_F(SmtpChunksTest, AMailOfThreeChunks) {
  FakePeer peer;
  open_mail(peer);
  EXPECT_EQ(ask(peer, "BDAT 12\r\nSubject: x\r\n"), "250 2.0.0 12 octets received\r\n");
  EXPECT_EQ(ask(peer, "bdat 5\r\n\r\n.\r\n"), "250 2.0.0 5 octets received\r\n") << "a dot is an octet like others";
  EXPECT_EQ(ask(peer, "BDAT 8 LAST\r\nQUIT\r\n\r"), "") << "an octet is missing";
  EXPECT_EQ(ask(peer, "\n"), "250 2.0.0 kept\r\n");
  EXPECT_EQ(body(sink_.mails.at(0)), "Subject: x\r\n\r\n.\r\nQUIT\r\n\r\n");
  EXPECT_TRUE(ask(peer, envelope).ends_with("250 2.1.5 ok\r\n"));
  EXPECT_EQ(ask(peer, "BDAT 3 LAST\r\nx\r.\r\n"), "550 5.6.11 bare CR or LF in the mail\r\n500 5.5.2 command not recognised\r\n")
      << "three octets, and an empty line";
  expect_in_step(peer);
}

TEST_F(SmtpChunksTest, WhatComesIsTheMail) {
  FakePeer peer;
  open_mail(peer);
  EXPECT_EQ(ask(peer, "BDAT 13\r\nSubject: x\r\n\r"), "250 2.0.0 13 octets received\r\n") << "a CR may wait for its LF";
  EXPECT_EQ(ask(peer, "BDAT 11 LAST\r\n\n..dot\r\n.\r\n"), "250 2.0.0 kept\r\n");
  EXPECT_EQ(body(sink_.mails.at(0)), "Subject: x\r\n\r\n..dot\r\n.\r\n");
  EXPECT_EQ(sink_.mails.at(0).recipients.at(0).address, "+15550100002@mms.example");
  EXPECT_TRUE(ask(peer, "BDAT 0 LAST\r\n").starts_with("503 5.5.1")) << "that mail is over";
  EXPECT_TRUE(ask(peer, envelope).ends_with("250 2.1.5 ok\r\n"));
  EXPECT_EQ(ask(peer, "BDAT 1\r\nxBDAT 0\r\nBDAT 0 LAST\r\n"),
            "250 2.0.0 1 octets received\r\n250 2.0.0 0 octets received\r\n250 2.0.0 kept\r\n");
  EXPECT_EQ(body(sink_.mails.at(1)), "x");
}

// RFC 3030 §4.2: the whole of it in one piece, and the next mail behind it.
TEST_F(SmtpChunksTest, PipelinedWithTheirCommandsWhereverTheyAreCut) {
  for (const std::size_t piece : {1u, 3u, 7u, 64u, 65536u}) {
    network_->chunk_size = piece;
    FakePeer peer;
    connect(peer);
    peer.say("EHLO c\r\n");
    turns(2'000);
    (void)peer.take();
    const std::string mail = std::string(envelope) + "BDAT 9\r\nRSET\r\n\r\n.BDAT 6 LAST\r\nQUIT\r\n";
    peer.say(mail + mail);
    turns(2'000);
    EXPECT_EQ(peer.take(),
              "250 2.1.0 sender ok\r\n250 2.1.5 ok\r\n250 2.0.0 9 octets received\r\n250 2.0.0 kept\r\n"
              "250 2.1.0 sender ok\r\n250 2.1.5 ok\r\n250 2.0.0 9 octets received\r\n250 2.0.0 kept\r\n")
        << piece;
    EXPECT_EQ(body(sink_.mails.back()), "RSET\r\n\r\n.QUIT\r\n") << piece;
    peer.stream->abort();
    turns(5);
  }
  EXPECT_EQ(sink_.mails.size(), 10u);
}

TEST_F(SmtpChunksTest, ItsEndIsAnsweredByTheRelayAndCommandsWait) {
  sink_.answer_mails = false;
  FakePeer peer;
  open_mail(peer);
  EXPECT_EQ(ask(peer, "BDAT 3 LAST\r\nx\r\nNOOP\r\n"), "");
  server_->answer_mail(sink_.mail_tickets.at(0), {.code = 452, .enhanced = "4.3.1", .text = "journal full"});
  turns();
  EXPECT_EQ(peer.take(), "452 4.3.1 journal full\r\n250 2.0.0 ok\r\n");
}

TEST_F(SmtpChunksTest, MixedWithDataIsRefusedBothWays) {
  FakePeer peer;
  open_mail(peer);
  EXPECT_EQ(ask(peer, "BDAT 3\r\nx\r\n"), "250 2.0.0 3 octets received\r\n");
  for (const char* command : {"DATA\r\n", "MAIL FROM:<a@b>\r\n", "RCPT TO:<a@b>\r\n", "STARTTLS\r\n"})
    EXPECT_EQ(ask(peer, command), "503 5.5.1 commands out of order\r\n") << command;
  EXPECT_EQ(ask(peer, "BDAT 3 LAST\r\ny\r\n"), "250 2.0.0 kept\r\n");
  EXPECT_EQ(body(sink_.mails.at(0)), "x\r\ny\r\n");
  FakePeer other;
  open_data(other);
  EXPECT_EQ(ask(other, "BDAT 3 LAST\r\nx\r\n.\r\n"), "250 2.0.0 kept\r\n");
  EXPECT_EQ(body(sink_.mails.at(1)), "BDAT 3 LAST\r\nx\r\n") << "behind DATA it is text";
}

TEST_F(SmtpChunksTest, OutOfOrderOnesAreReadPast) {
  FakePeer peer;
  greet(peer);
  EXPECT_EQ(ask(peer, "BDAT 6\r\nQUIT\r\n"), "503 5.5.1 commands out of order\r\n");
  expect_in_step(peer);
  EXPECT_EQ(ask(peer, "MAIL FROM:<joe@example.com>\r\nRCPT TO:<unknown@mms.example>\r\nBDAT 6 LAST\r\nQUIT\r\nRCPT TO:<n1@b>\r\n"),
            "250 2.1.0 sender ok\r\n550 5.1.1 not bound\r\n554 5.5.1 no valid recipients\r\n250 2.1.5 ok\r\n");
  EXPECT_EQ(ask(peer, "BDAT 3\r\nx\r\nRSET\r\nBDAT 6 LAST\r\nQUIT\r\n"),
            "250 2.0.0 3 octets received\r\n250 2.0.0 reset\r\n503 5.5.1 commands out of order\r\n");
  EXPECT_TRUE(sink_.mails.empty());
}

// RFC 3030 §2: one that is refused has failed the mail, and those that were sent before our reply came are read past.
TEST_F(SmtpChunksTest, WhatFollowsARefusedOneIsReadPastUpToTheEnd) {
  FakePeer peer;
  open_mail(peer);
  const std::string large = "BDAT 10001\r\n" + std::string(10'001, 'x');
  EXPECT_EQ(ask(peer, large + "BDAT 6\r\nQUIT\r\nDATA\r\nBDAT 0 LAST\r\nNOOP\r\n"),
            "552 5.3.4 mail too large\r\n503 5.5.1 commands out of order\r\n503 5.5.1 commands out of order\r\n"
            "503 5.5.1 commands out of order\r\n250 2.0.0 ok\r\n");
  EXPECT_TRUE(ask(peer, envelope).ends_with("250 2.1.5 ok\r\n")) << "LAST ended it";
  EXPECT_EQ(ask(peer, large + "MAIL FROM:<a@b>\r\nRSET\r\n" + std::string(envelope) + "BDAT 3 LAST\r\nx\r\n"),
            "552 5.3.4 mail too large\r\n503 5.5.1 commands out of order\r\n250 2.0.0 reset\r\n250 2.1.0 sender ok\r\n250 2.1.5 ok\r\n"
            "250 2.0.0 kept\r\n");
  EXPECT_EQ(server_->counts().refused, 2u);
  // However many were on their way: that is no error of the client's.
  EXPECT_TRUE(ask(peer, envelope).ends_with("250 2.1.5 ok\r\n"));
  std::string many = large;
  for (int i = 0; i < 50; ++i) many += "BDAT 1\r\nx";
  (void)ask(peer, many + "RSET\r\n");
  EXPECT_FALSE(peer.ended);
}

TEST_F(SmtpChunksTest, TheSumIsBoundedAlsoWhereEachIsSmall) {
  FakePeer peer;
  open_mail(peer);
  const std::string half = "BDAT 5000\r\n" + std::string(5'000, 'x');
  EXPECT_EQ(ask(peer, half + half), "250 2.0.0 5000 octets received\r\n250 2.0.0 5000 octets received\r\n");
  EXPECT_EQ(ask(peer, "BDAT 1 LAST\r\nx"), "552 5.3.4 mail too large\r\n");
  expect_in_step(peer);
  EXPECT_TRUE(ask(peer, envelope).ends_with("250 2.1.5 ok\r\n"));
  EXPECT_EQ(ask(peer, half + half + "BDAT 0 LAST\r\n"),
            "250 2.0.0 5000 octets received\r\n250 2.0.0 5000 octets received\r\n250 2.0.0 kept\r\n");
  EXPECT_EQ(body(sink_.mails.at(0)).size(), 10'000u);
}

TEST_F(SmtpChunksTest, SizesThatNobodyCanReadPastEndTheConnection) {
  for (const char* command : {"BDAT 9223372036854775808 LAST\r\n", "BDAT 99999999999999999999\r\n", "BDAT 2000000 LAST\r\n"}) {
    FakePeer peer;
    open_mail(peer);
    EXPECT_EQ(ask(peer, std::string(command) + "QUIT\r\n"), "552 5.3.4 mail too large\r\n") << command;
    EXPECT_TRUE(peer.ended) << command;
  }
  for (const char* command : {"BDAT\r\n", "BDAT LAST\r\n", "BDAT -1\r\n", "BDAT 3 LST\r\n", "BDAT 1e3 LAST\r\n"}) {
    FakePeer peer;
    open_mail(peer);
    EXPECT_EQ(ask(peer, std::string(command) + "MAIL FROM:<evil@x>\r\n"), "501 5.5.4 not a chunk's size\r\n") << command;
    EXPECT_TRUE(peer.ended) << command;
  }
  FakePeer old;
  connect(old);
  EXPECT_TRUE(ask(old, "HELO old.example\r\n").starts_with("250"));
  EXPECT_EQ(ask(old, "BDAT 3 LAST\r\n"), "502 5.5.1 CHUNKING not offered\r\n");
  EXPECT_TRUE(old.ended);
  EXPECT_TRUE(sink_.mails.empty());
}

TEST_F(SmtpChunksTest, AnAnnouncedSizeTakesNoMemory) {
  start({.domain = "mms.example", .size_max = 10'000, .mail_memory_max = 5'000, .connections = {}});
  FakePeer waiting;
  open_mail(waiting);
  EXPECT_EQ(ask(waiting, "BDAT 9000\r\nx"), "");
  FakePeer other;
  open_mail(other);
  EXPECT_EQ(ask(other, "BDAT 3 LAST\r\nx\r\n"), "250 2.0.0 kept\r\n") << "what has not come is nobody's";
  EXPECT_TRUE(ask(other, envelope).ends_with("250 2.1.5 ok\r\n"));
  EXPECT_EQ(ask(other, "BDAT 6000\r\n" + std::string(6'000, 'x') + "BDAT 1 LAST\r\nx"),
            "452 4.3.1 out of memory, try again later\r\n503 5.5.1 commands out of order\r\n");
  EXPECT_TRUE(ask(other, "MAIL FROM:<a@b> SIZE=4000\r\n").starts_with("250")) << "given back";
}

TEST_F(SmtpChunksTest, ACutChunkIsNoMailAndASlowOneEnds) {
  FakePeer cut;
  open_mail(cut);
  cut.say("BDAT 10 LAST\r\nx\r\n");
  cut.stream->finish();
  turns();
  EXPECT_EQ(cut.closed, CloseReason::finished);
  FakePeer slow, stray;
  open_mail(slow);
  greet(stray);
  slow.say("BDAT 5000 LAST\r\n");
  stray.say("BDAT 5000\r\n");
  for (int i = 0; i < 61; ++i) {
    pass(seconds(10));
    slow.say("x");
    stray.say("x");
  }
  EXPECT_TRUE(slow.take().ends_with("421 4.4.2 too slow, closing\r\n"));
  EXPECT_TRUE(stray.take().ends_with("421 4.4.2 too slow, closing\r\n")) << "also one that is only read past";
  EXPECT_TRUE(sink_.mails.empty());
}

TEST_F(SmtpChunksTest, ALoopOrTooManyCopiesAreSeenAtTheEnd) {
  start({.domain = "mms.example", .size_max = 10'000, .copies_size_max = 12'000, .hop_count_max = 2, .connections = {}});
  FakePeer peer;
  open_mail(peer);
  EXPECT_EQ(ask(peer, "BDAT 36 LAST\r\nreceived: from x\r\nreceived: from x\r\n"), "554 5.4.6 too many hops\r\n");
  EXPECT_TRUE(ask(peer, std::string(envelope) + "RCPT TO:<n2@b>\r\n").ends_with("250 2.1.5 ok\r\n"));
  EXPECT_EQ(ask(peer, "BDAT 9000 LAST\r\n" + std::string(9'000, 'x')), "452 4.5.3 too many recipients for a mail of this size\r\n");
}

}  // namespace
}  // namespace pushmail
