// Our clients against our servers over real sockets on loopback: what the in-memory stream cannot show.
#include <gtest/gtest.h>

#include "dataplane/session/http_client.h"
#include "dataplane/session/lent.h"
#include "dataplane/session/smtp_client.h"
#include "dataplane/session/smtp_server.h"
#include "dataplane/tcp/kernel.h"
#include "tests/unit/dataplane/session/mm7_server.h"

namespace pushmail {
namespace {

Bytes pattern(std::size_t size) {
  Bytes bytes(size);
  std::uint32_t seed = 7;
  for (auto& byte : bytes) {
    seed = seed * 1664525 + 1013904223;
    byte = static_cast<std::uint8_t>(seed >> 24);
  }
  return bytes;
}

class KernelSessions : public testing::Test, public HttpClientEvents, public SmtpClientEvents, public Mm7Sink, public MailSink {
 protected:
  void SetUp() override { network_ = std::move(*KernelNetwork::open()); }
  Endpoint listen(Acceptor& acceptor) {
    EXPECT_TRUE(network_->listen(*parse_endpoint("127.0.0.1:0"), acceptor).has_value());
    return network_->listening().back();
  }
  template <class Turn, class Done>
  [[nodiscard]] bool run(Turn&& turn, Done&& done) {
    for (int i = 0; i < 5000 && !done(); ++i) {
      network_->wait(-1, milliseconds(5));
      network_->poll(clock_.now());
      turn();
    }
    return done();
  }

  void on_http_result(std::uint64_t, HttpResult result) override { answers.push_back(std::move(result)); }
  void on_smtp_result(std::uint64_t, SmtpResult result) override { mails_out.push_back(std::move(result)); }
  void on_mm7(Ticket ticket, Mm7Inbound inbound) override {
    requests.push_back(std::move(inbound));
    http->answer(ticket, {.code = 1000, .text = "Success", .details = {}});
  }
  void on_recipient(Ticket ticket, const RecipientInbound& recipient) override {
    const std::string_view address = recipient.address;
    const bool bound = address.starts_with("1555");
    smtp->answer_recipient(ticket, bound ? SmtpReply{.code = 250, .enhanced = "2.1.5", .text = "ok"}
                                         : SmtpReply{.code = 550, .enhanced = "5.1.1", .text = "no"});
  }
  void on_mail(Ticket ticket, MailInbound inbound) override {
    mails_in.push_back(std::move(inbound));
    smtp->answer_mail(ticket, {.code = 250, .enhanced = "2.0.0", .text = "kept"});
  }

  SystemClock clock_;
  std::unique_ptr<KernelNetwork> network_;
  std::unique_ptr<test::Mm7Server> http;
  std::unique_ptr<SmtpServer> smtp;
  std::vector<HttpResult> answers;
  std::vector<SmtpResult> mails_out;
  std::vector<Mm7Inbound> requests;
  std::vector<MailInbound> mails_in;
};

TEST_F(KernelSessions, FiftyReportsOverTwoConnections) {
  test::Mm7ServerSettings settings;
  settings.peers.push_back(
      {.name = "mmsc", .allow = {*parse_network("127.0.0.0/8")}, .credentials = {.user = "u", .password = "p"}, .service_code = {}});
  http = std::make_unique<test::Mm7Server>(settings, *this, clock_);
  const Endpoint here = listen(http->http());
  HttpClient client(
      *network_, {.endpoint = here, .host = "localhost", .path = "/", .credentials = {.user = "u", .password = "p"}, .connections_max = 2},
      *this, clock_);
  const std::string report =
      R"(<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Header><TransactionID xmlns="n">t1</TransactionID></Header><Body>)"
      R"(<DeliveryReportReq xmlns="n"><MM7Version>6.8.0</MM7Version><MessageID>m</MessageID><Recipient><Number>+15550100002</Number></Recipient>)"
      R"(<Sender><ShortCode>5000</ShortCode></Sender><Date>2026-06-30T12:31:07Z</Date><MMStatus>Retrieved</MMStatus></DeliveryReportReq></Body></Envelope>)";
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(client.post({.content_type = "text/xml", .body = lend_own(Bytes(report.begin(), report.end()))}).has_value());
  }
  const auto turn = [&] {
    http->http().tick(clock_.now());
    client.tick(clock_.now());
  };
  ASSERT_TRUE(run(turn, [&] { return answers.size() == 50; }));
  for (const HttpResult& each : answers) {
    const auto* answer = std::get_if<HttpAnswer>(&each);
    ASSERT_NE(answer, nullptr);
    EXPECT_EQ(answer->status, 200);
    EXPECT_NE(text_of(answer->body).find("DeliveryReportRsp"), std::string_view::npos);
  }
  EXPECT_EQ(requests.size(), 50u);
  EXPECT_LE(http->http().counts().connections, 2u);
  client.close_all();
  ASSERT_TRUE(run(turn, [&] { return network_->stream_count() == 0; }));
}

TEST_F(KernelSessions, LargeBodyIsRefusedWithoutLosingTheAnswer) {
  test::Mm7ServerSettings settings;
  settings.peers.push_back({.name = "mmsc", .allow = {}, .credentials = {}, .service_code = {}});
  settings.body_size_max = 100'000;
  http = std::make_unique<test::Mm7Server>(settings, *this, clock_);
  const Endpoint here = listen(http->http());
  HttpClient client(*network_, {.endpoint = here, .host = "localhost", .path = "/", .credentials = {}}, *this, clock_);
  ASSERT_TRUE(client.post({.content_type = "text/xml", .body = lend_own(pattern(8'000'000))}).has_value());
  const auto turn = [&] {
    http->http().tick(clock_.now());
    client.tick(clock_.now());
  };
  ASSERT_TRUE(run(turn, [&] { return answers.size() == 1; }));
  ASSERT_TRUE(std::holds_alternative<HttpAnswer>(answers[0])) << "a reset would have eaten it";
  EXPECT_EQ(std::get<HttpAnswer>(answers[0]).status, 413);
  client.close_all();
  ASSERT_TRUE(run(turn, [&] { return network_->stream_count() == 0; }));
}

TEST_F(KernelSessions, BinaryMailArrivesByteForByte) {
  smtp = std::make_unique<SmtpServer>(SmtpServerSettings{.domain = "mms.example", .connections = {}}, *this, clock_);
  const Endpoint here = listen(*smtp);
  SmtpClient client(*network_, {.domain = "client.example"}, *this, clock_);
  // Every byte but bare CR and LF, which a mail cannot carry; many lines begin with a dot.
  Bytes mail = pattern(3'000'000);
  for (std::size_t i = 0; i < mail.size(); ++i) {
    if (mail[i] == '\r' || mail[i] == '\n') mail[i] = 'n';
    if (i % 50 == 0) mail[i] = '\r';
    if (i % 50 == 1) mail[i] = '\n';
    if (i % 50 == 2 && i % 3 == 0) mail[i] = '.';
  }
  mail[mail.size() - 2] = '\r';
  mail[mail.size() - 1] = '\n';
  for (std::size_t i = 0; i < 3; ++i) {
    const Bytes copy = mail;
    ASSERT_TRUE(client
                    .send({.host = here,
                           .mail_from = "joe@example.com",
                           .recipients = {"15550100002@mms.example", "nobody@mms.example"},
                           .mail = lend_own(copy)})
                    .has_value());
  }
  const auto turn = [&] {
    smtp->tick(clock_.now());
    client.tick(clock_.now());
  };
  ASSERT_TRUE(run(turn, [&] { return mails_out.size() == 3; }));
  for (const SmtpResult& each : mails_out) {
    EXPECT_EQ(each.outcome, SmtpOutcome::delivered) << each.answer.code << each.answer.text;
    EXPECT_EQ(each.recipients.at(1).code, 550);
  }
  ASSERT_EQ(mails_in.size(), 3u);
  for (const MailInbound& each : mails_in) {
    ASSERT_GT(each.mail->size(), mail.size());
    const ByteView body = ByteView{*each.mail}.last(mail.size());
    EXPECT_TRUE(std::equal(body.begin(), body.end(), mail.begin(), mail.end()));
    EXPECT_EQ(each.recipients, std::vector<MailRecipient>{{.address = "15550100002@mms.example"}});
  }
  client.close_all();
  ASSERT_TRUE(run(turn, [&] { return network_->stream_count() == 0; }));
}

}  // namespace
}  // namespace pushmail
