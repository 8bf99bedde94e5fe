// Our clients against our servers with TLS between them: HTTPS for MM7, SMTP behind STARTTLS and from the first byte on.
#include <gtest/gtest.h>

#include "dataplane/session/errors.h"
#include "dataplane/session/http_client.h"
#include "dataplane/session/smtp_client.h"
#include "dataplane/session/smtp_server.h"
#include "tests/unit/dataplane/session/mm7_server.h"
#include "tests/unit/dataplane/tls/tls_fixture.h"

namespace pushmail {
namespace {

class TlsSessions : public TlsTest, public HttpClientEvents, public SmtpClientEvents, public Mm7Sink, public MailSink {
 protected:
  void SetUp() override {
    test::Mm7ServerSettings settings;
    settings.peers.push_back({.name = "mmsc", .allow = {}, .credentials = {.user = "u", .password = "p"}, .service_code = {}});
    http_ = std::make_unique<test::Mm7Server>(settings, *this, clock_);
    smtp_ = std::make_unique<SmtpServer>(SmtpServerSettings{.domain = "mms.example", .connections = {}, .starttls = &smtp_port_}, *this,
                                         clock_);
    ASSERT_TRUE(network_.listen(https_, http_port_).has_value());
    ASSERT_TRUE(network_.listen(smtp_at_, smtp_acceptor_).has_value());
    ASSERT_TRUE(network_.listen(smtps_, smtp_port_).has_value());
  }
  void turn() override {
    http_->http().tick(clock_.now());
    smtp_->tick(clock_.now());
    if (http_client_) http_client_->tick(clock_.now());
    if (smtp_client_) smtp_client_->tick(clock_.now());
  }
  void TearDown() override {
    if (http_client_) http_client_->close_all();
    if (smtp_client_) smtp_client_->close_all();
    turns();
    pass(seconds(6));
    EXPECT_EQ(network_.stream_count(), 0u);
  }

  void use_https(TlsPeer& peer, std::uint32_t connections_max = 2) {
    http_client_ = std::make_unique<HttpClient>(peer,
                                                HttpClientSettings{.endpoint = https_,
                                                                   .host = std::string(good_name),
                                                                   .path = "/mm7",
                                                                   .credentials = {.user = "u", .password = "p"},
                                                                   .connections_max = connections_max},
                                                *this, clock_);
  }
  void post() { ASSERT_TRUE(http_client_->post({.content_type = "text/xml", .body = {.bytes = bytes_of(report)}}).has_value()); }
  void use_smtp(Network& network, StreamCover* starttls) {
    smtp_client_ = std::make_unique<SmtpClient>(network, SmtpClientSettings{.domain = "mms.example", .starttls = starttls}, *this, clock_);
  }
  void send(const Endpoint& host) {
    ASSERT_TRUE(smtp_client_
                    ->send({.host = host,
                            .mail_from = "joe@example.com",
                            .recipients = {"15550100002@mms.example"},
                            .mail = {.bytes = bytes_of(mail)}})
                    .has_value());
    turns(60);
  }

  void on_http_result(std::uint64_t, HttpResult result) override { answers_.push_back(std::move(result)); }
  void on_smtp_result(std::uint64_t, SmtpResult result) override { results_.push_back(std::move(result)); }
  void on_mm7(Ticket ticket, Mm7Inbound) override {
    ++requests_;
    http_->answer(ticket, {.code = 1000, .text = "Success", .details = {}});
  }
  void on_recipient(Ticket ticket, const RecipientInbound&) override {
    smtp_->answer_recipient(ticket, {.code = 250, .enhanced = "2.1.5", .text = "ok"});
  }
  void on_mail(Ticket ticket, MailInbound inbound) override {
    mails_.emplace_back(text_of(*inbound.mail));
    smtp_->answer_mail(ticket, {.code = 250, .enhanced = "2.0.0", .text = "kept"});
  }

  /// The port without TLS is there before the server that it leads to.
  struct Behind final : Acceptor {
    explicit Behind(std::unique_ptr<SmtpServer>& to) : server(to) {}
    void on_accept(Stream& stream) override { server->on_accept(stream); }
    std::unique_ptr<SmtpServer>& server;
  };
  struct BehindHttp final : Acceptor {
    explicit BehindHttp(std::unique_ptr<test::Mm7Server>& to) : server(to) {}
    void on_accept(Stream& stream) override { server->http().on_accept(stream); }
    std::unique_ptr<test::Mm7Server>& server;
  };

  static constexpr std::string_view report =
      R"(<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Header><TransactionID xmlns="n">t1</TransactionID></Header><Body>)"
      R"(<DeliveryReportReq xmlns="n"><MM7Version>6.8.0</MM7Version><MessageID>m</MessageID><Recipient><Number>+15550100002</Number></Recipient>)"
      R"(<Sender><ShortCode>5000</ShortCode></Sender><Date>2026-06-30T12:31:07Z</Date><MMStatus>Retrieved</MMStatus></DeliveryReportReq></Body></Envelope>)";
  static constexpr std::string_view mail = "Subject: x\r\n\r\nhello\r\n";

  std::unique_ptr<test::Mm7Server> http_;
  std::unique_ptr<SmtpServer> smtp_;
  BehindHttp http_acceptor_{http_};
  Behind smtp_acceptor_{smtp_};
  TlsListener http_port_{network_, good_, &http_acceptor_};
  TlsListener smtp_port_{network_, good_, &smtp_acceptor_};
  const Endpoint https_ = *parse_endpoint("198.51.100.7:443");
  const Endpoint smtp_at_ = *parse_endpoint("198.51.100.7:25");
  const Endpoint smtps_ = *parse_endpoint("198.51.100.7:465");
  TlsPeer good_peer_{network_, trust_, std::string(good_name)};
  TlsPeer wrong_peer_{network_, trust_, "other.example.net"};
  std::unique_ptr<HttpClient> http_client_;
  std::unique_ptr<SmtpClient> smtp_client_;
  std::vector<HttpResult> answers_;
  std::vector<SmtpResult> results_;
  std::vector<std::string> mails_;
  int requests_ = 0;
};

TEST_F(TlsSessions, HttpsCarriesRequestsOverKeptConnections) {
  use_https(good_peer_);
  for (int i = 0; i < 20; ++i) post();
  turns(400);
  ASSERT_EQ(answers_.size(), 20u);
  for (const HttpResult& each : answers_) {
    const auto* answer = std::get_if<HttpAnswer>(&each);
    ASSERT_NE(answer, nullptr);
    EXPECT_EQ(answer->status, 200);
    EXPECT_NE(text_of(answer->body).find("DeliveryReportRsp"), std::string_view::npos);
  }
  EXPECT_EQ(requests_, 20);
  EXPECT_LE(below_.connects, 2);
}

TEST_F(TlsSessions, HttpsWithAnotherNameSendsNothingAndSaysWhy) {
  use_https(wrong_peer_);
  post();
  turns(60);
  ASSERT_EQ(answers_.size(), 1u);
  const auto& failure = std::get<HttpFailure>(answers_.front());
  EXPECT_EQ(failure.outcome, HttpOutcome::not_sent);
  EXPECT_TRUE(failure.error.is(core_tls_wrong_name)) << failure.error.info->text;
  EXPECT_EQ(requests_, 0);
}

TEST_F(TlsSessions, HttpsToAPlainPortSaysWhy) {
  ASSERT_TRUE(below_.listen(https_, http_acceptor_).has_value());
  use_https(good_peer_);
  post();
  turns(60);
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_TRUE(std::get<HttpFailure>(answers_.front()).error.is(core_tls_not_tls));
  EXPECT_EQ(requests_, 0);
}

TEST_F(TlsSessions, HttpToATlsPortIsNotServed) {
  HttpClient plain(network_,
                   {.endpoint = https_, .host = std::string(good_name), .path = "/", .credentials = {.user = "u", .password = "p"}}, *this,
                   clock_);
  ASSERT_TRUE(plain.post({.content_type = "text/xml", .body = {.bytes = bytes_of(report)}}).has_value());
  for (int i = 0; i < 30; ++i) {
    turns(1);
    plain.tick(clock_.now());
  }
  EXPECT_EQ(requests_, 0);
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_NE(std::get_if<HttpFailure>(&answers_.front()), nullptr);
  plain.close_all();
  turns();
}

TEST_F(TlsSessions, AnAnswerThatOnlyTheEndEndsNeedsAWholeEnd) {
  struct Answers final : Acceptor, StreamEvents {
    void on_accept(Stream& accepted) override {
      stream = &accepted;
      accepted.set_events(*this);
    }
    void on_data(ByteView) override {
      if (!std::exchange(said, true)) stream->send(bytes_of("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhalf of"));
    }
    void on_end() override { stream->finish(); }
    void on_close(CloseReason) override { stream = nullptr; }
    Stream* stream = nullptr;
    bool said = false;
  };
  for (const bool whole : {true, false}) {
    answers_.clear();
    Answers there;
    TlsListener port(network_, good_, &there);
    ASSERT_TRUE(network_.listen(https_, port).has_value());
    use_https(good_peer_);
    post();
    turns(60);
    ASSERT_TRUE(there.said);
    ASSERT_TRUE(answers_.empty());
    if (whole)
      there.stream->finish();
    else
      below_.streams().back()->finish();
    turns(60);
    ASSERT_EQ(answers_.size(), 1u);
    EXPECT_EQ(std::holds_alternative<HttpAnswer>(answers_.front()), whole);
    http_client_->close_all();
    turns();
    pass(seconds(6));
  }
}

TEST_F(TlsSessions, MailGoesBehindStarttls) {
  use_smtp(network_, &good_peer_);
  send(smtp_at_);
  send(smtp_at_);
  ASSERT_EQ(results_.size(), 2u);
  for (const SmtpResult& each : results_)
    EXPECT_EQ(each.outcome, SmtpOutcome::delivered) << (each.error ? each.error->info->text : "an answer");
  ASSERT_EQ(mails_.size(), 2u);
  EXPECT_NE(mails_.front().find(" with ESMTPS;"), std::string::npos);
  EXPECT_EQ(below_.connects, 1) << "the connection is kept";
  EXPECT_EQ(network_.counts().handshakes, 2u) << "one, on both ends";
}

TEST_F(TlsSessions, MailGoesOverTlsFromTheFirstByte) {
  use_smtp(good_peer_, nullptr);
  send(smtps_);
  ASSERT_EQ(results_.size(), 1u);
  EXPECT_EQ(results_.front().outcome, SmtpOutcome::delivered);
  EXPECT_NE(mails_.at(0).find(" with ESMTPS;"), std::string::npos);
}

TEST_F(TlsSessions, AHostWithAnotherNameGetsNoMail) {
  for (const bool implicit : {false, true}) {
    results_.clear();
    use_smtp(implicit ? static_cast<Network&>(wrong_peer_) : network_, implicit ? nullptr : &wrong_peer_);
    send(implicit ? smtps_ : smtp_at_);
    ASSERT_EQ(results_.size(), 1u);
    EXPECT_EQ(results_.front().outcome, SmtpOutcome::not_sent);
    ASSERT_TRUE(results_.front().error.has_value());
    EXPECT_TRUE(results_.front().error->is(core_tls_wrong_name)) << results_.front().error->info->text;
    EXPECT_TRUE(mails_.empty());
    smtp_client_->close_all();
    turns();
  }
}

TEST_F(TlsSessions, StarttlsIsNotOfferedWhereTlsIsAlready) {
  FakePeer peer;
  const auto stream = good_peer_.connect(smtps_, peer);
  ASSERT_TRUE(stream.has_value());
  peer.stream = *stream;
  turns();
  EXPECT_TRUE(peer.take().starts_with("220 "));
  peer.say("EHLO x.example\r\n");
  turns();
  EXPECT_EQ(peer.take().find("STARTTLS"), std::string::npos);
  peer.stream->abort();
  turns();
}

TEST_F(TlsSessions, WhatComesInOnePieceWithStarttlsIsNotRead) {
  FakePeer peer;
  peer.stream = *below_.connect(smtp_at_, peer);
  turns();
  peer.say("EHLO x.example\r\n");
  turns();
  EXPECT_NE(peer.take().find("250-STARTTLS"), std::string::npos);
  peer.say("STARTTLS\r\nRSET\r\n");
  turns();
  EXPECT_TRUE(peer.take().starts_with("554 "));
  EXPECT_TRUE(peer.ended);
  EXPECT_EQ(network_.stream_count(), 0u);
  peer.stream->finish();
  turns();
}

TEST_F(TlsSessions, AHandshakeThatFailsBehindStarttlsEndsTheConnection) {
  FakePeer peer;
  peer.stream = *below_.connect(smtp_at_, peer);
  turns();
  peer.say("EHLO x.example\r\n");
  turns();
  peer.say("STARTTLS\r\n");
  turns();
  peer.say("MAIL FROM:<a@b>\r\nRCPT TO:<15550100002@mms.example>\r\n");
  turns();
  EXPECT_TRUE(peer.ended);
  EXPECT_EQ(smtp_->connection_count(), 0u);
  EXPECT_EQ(network_.counts().failed, 1u);
  peer.stream->finish();
  turns();
  EXPECT_EQ(peer.closed, CloseReason::finished);
}

TEST_F(TlsSessions, StarttlsOfASourceWithoutHandshakesLeftIsAnswered454AndMayGoOn) {
  TlsNetwork narrow(below_,
                    {.per_source = {.burst = {.count = 1, .window = seconds(60)}, .lasting = {.count = 1, .window = seconds(3600)}}});
  TlsListener cover(narrow, good_);
  narrow.poll(clock_.now());
  smtp_->offer_starttls(&cover);
  const auto greet = [&](FakePeer& peer) {
    peer.stream = *below_.connect(smtp_at_, peer);
    turns();
    peer.say("EHLO x.example\r\n");
    turns();
    EXPECT_NE(peer.take().find("250-STARTTLS"), std::string::npos);
    peer.say("STARTTLS\r\n");
    turns();
  };
  FakePeer first, second;
  greet(first);
  EXPECT_TRUE(first.take().starts_with("220 2.0.0"));
  greet(second);
  EXPECT_TRUE(second.take().starts_with("454 4.7.0 "));
  EXPECT_EQ(narrow.counts().refused, 1U);
  second.say("NOOP\r\n");
  turns();
  EXPECT_TRUE(second.take().starts_with("250 "));
  first.stream->abort();
  second.stream->abort();
  turns();
  smtp_->offer_starttls(&smtp_port_);
}

TEST_F(TlsSessions, WhoSpeaksBeforeTheGreetingIsFoundBehindTlsToo) {
  smtp_ = std::make_unique<SmtpServer>(
      SmtpServerSettings{.domain = "mms.example", .connections = {}, .starttls = &smtp_port_, .greeting_delay = milliseconds(5)}, *this,
      clock_);
  FakePeer early, patient;
  early.stream = *good_peer_.connect(smtps_, early);
  // Waits for the handshake, and leaves with its end.
  early.say("EHLO x.example\r\n");
  turns();
  EXPECT_TRUE(early.take().starts_with("554 "));
  EXPECT_EQ(smtp_->counts().early_talkers, 1U);
  patient.stream = *good_peer_.connect(smtps_, patient);
  turns();
  EXPECT_EQ(patient.take(), "") << "the greeting waits for those who do not";
  pass(milliseconds(6));
  EXPECT_TRUE(patient.take().starts_with("220 "));
  patient.say("EHLO x.example\r\n");
  turns();
  EXPECT_TRUE(patient.take().starts_with("250-"));
  if (early.stream != nullptr) early.stream->abort();
  patient.stream->abort();
  turns();
}

}  // namespace
}  // namespace pushmail
