// The SMTP server over an in-memory stream, a client that speaks by hand, and a sink that keeps what came.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "dataplane/session/smtp_grammar.h"
#include "dataplane/session/smtp_server.h"
#include "tests/unit/dataplane/session/fake_stream.h"

namespace pushmail::test {

struct RecordingSink final : MailSink {
  void on_recipient(Ticket ticket, const RecipientInbound& recipient) override {
    const std::string_view address = recipient.address;
    recipient_tickets.push_back(ticket);
    recipients.emplace_back(address);
    if (!at_once) return;
    if (address.starts_with("unknown"))
      at_once->answer_recipient(ticket, {.code = 550, .enhanced = "5.1.1", .text = "not bound"});
    else
      at_once->answer_recipient(ticket, {.code = 250, .enhanced = "2.1.5", .text = "ok"});
  }
  void on_mail(Ticket ticket, MailInbound inbound) override {
    mail_tickets.push_back(ticket);
    mails.push_back(std::move(inbound));
    if (at_once && answer_mails) at_once->answer_mail(ticket, {.code = 250, .enhanced = "2.0.0", .text = "kept"});
  }
  std::vector<Ticket> recipient_tickets, mail_tickets;
  std::vector<std::string> recipients;
  std::vector<MailInbound> mails;
  SmtpServer* at_once = nullptr;
  bool answer_mails = true;
};

class SmtpServerTest : public testing::Test {
 protected:
  void SetUp() override { start({.domain = "mms.example", .size_max = 10'000, .mail_memory_max = 100'000, .connections = {}}); }
  void start(SmtpServerSettings settings) {
    network_ = std::make_unique<FakeNetwork>();
    server_ = std::make_unique<SmtpServer>(std::move(settings), sink_, clock_);
    sink_.at_once = server_.get();
    EXPECT_TRUE(network_->listen(here_, *server_).has_value());
  }
  void connect(FakePeer& peer) {
    peer.stream = *network_->connect(here_, peer);
    turns(3);
  }
  void turns(int count = 40) {
    for (int i = 0; i < count; ++i) {
      network_->poll(clock_.now());
      server_->tick(clock_.now());
    }
  }
  void pass(Duration time) {
    clock_.advance(time);
    turns(5);
  }
  /// Says it and gives the answer.
  std::string ask(FakePeer& peer, std::string_view text) {
    (void)peer.take();
    peer.say(text);
    turns();
    return peer.take();
  }
  void greet(FakePeer& peer) {
    connect(peer);
    EXPECT_TRUE(ask(peer, "EHLO client.example\r\n").starts_with("250-"));
  }
  void open_data(FakePeer& peer) {
    greet(peer);
    EXPECT_EQ(ask(peer, "MAIL FROM:<joe@example.com>\r\nRCPT TO:<+15550100002@mms.example>\r\nDATA\r\n"),
              "250 2.1.0 sender ok\r\n250 2.1.5 ok\r\n354 end with CRLF.CRLF\r\n");
  }
  /// The mail as the sink got it, without our Received field.
  static std::string body(const MailInbound& inbound) {
    std::string text(text_of(*inbound.mail));
    for (int line = 0; line < 3; ++line) text.erase(0, text.find("\r\n") + 2);
    return text;
  }

  ManualClock clock_;
  RecordingSink sink_;
  Endpoint here_ = *parse_endpoint("198.51.100.1:25");
  std::unique_ptr<FakeNetwork> network_;
  std::unique_ptr<SmtpServer> server_;
};

}  // namespace pushmail::test
