// The SMTP server, fed with a client's bytes in pieces; 0xff lets time for the relay's answers pass. Every reply must be well-formed, every
// mail free of bare CR and LF with at least one recipient that was accepted, and nothing be left when the connection has gone.
#include "dataplane/session/smtp_grammar.h"
#include "dataplane/session/smtp_server.h"
#include "tests/unit/dataplane/session/fake_stream.h"

namespace {

using namespace pushmail;

class Sink final : public MailSink {
 public:
  void on_recipient(Ticket ticket, const RecipientInbound& recipient) override {
    const std::string_view address = recipient.address;
    PM_CHECK(!address.empty() && address.find_first_of("\r\n") == std::string_view::npos);
    questions.push_back({.ticket = ticket, .mail = false, .good = address.size() % 5 != 0});
    if (questions.back().good) accepted.emplace_back(address);
  }
  void on_mail(Ticket ticket, MailInbound inbound) override {
    PM_CHECK(!inbound.recipients.empty());
    for (const MailRecipient& each : inbound.recipients)
      PM_CHECK(std::find(accepted.begin(), accepted.end(), each.address) != accepted.end());
    const Bytes& mail = *inbound.mail;
    for (std::size_t i = 0; i < mail.size(); ++i) {
      PM_CHECK(mail[i] != '\n' || (i > 0 && mail[i - 1] == '\r'));
      PM_CHECK(mail[i] != '\r' || (i + 1 < mail.size() && mail[i + 1] == '\n'));
    }
    questions.push_back({.ticket = ticket, .mail = true, .good = mail.size() % 3 != 0});
  }
  struct Question {
    Ticket ticket;
    bool mail;
    bool good;
  };
  std::vector<Question> questions;
  std::vector<std::string> accepted;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 20'000) return 0;
  test::ManualClock clock;
  test::FakeNetwork network;
  network.chunk_size = 1 + data[size - 1] % 64;
  Sink sink;
  SmtpServer server({.domain = "mms.example", .size_max = 2'000, .mail_memory_max = 10'000, .connections = {}}, sink, clock);
  const Endpoint here = *parse_endpoint("198.51.100.1:25");
  PM_CHECK(network.listen(here, server).has_value());
  test::FakePeer peer;
  peer.stream = *network.connect(here, peer);
  std::size_t answered = 0;
  const auto turn = [&] {
    server.tick(clock.now());
    if (answered == sink.questions.size()) return;
    const Sink::Question question = sink.questions[answered++];
    const SmtpReply reply =
        question.good ? SmtpReply{.code = 250, .enhanced = "2.0.0", .text = "ok"} : SmtpReply{.code = 450, .enhanced = {}, .text = "later"};
    if (question.mail)
      server.answer_mail(question.ticket, reply);
    else
      server.answer_recipient(question.ticket, reply);
  };
  const auto settle = [&] { test::settle(network, clock.now(), turn); };
  settle();
  std::string_view rest = text_of({data, size});
  for (int part = 0; part < 20 && !rest.empty(); ++part) {
    const std::size_t end = std::min(rest.find('\xff'), rest.size());
    peer.say(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    settle();
  }
  settle();
  if (peer.stream != nullptr) peer.stream->finish();
  settle();
  for (int i = 0; i < 3; ++i) {
    clock.advance(seconds(700));
    settle();
  }
  PM_CHECK(server.connection_count() == 0);
  ByteView heard = bytes_of(peer.heard);
  while (!heard.empty()) {
    const auto reply = smtp::parse_reply(heard);
    PM_CHECK(reply.is_done());
    heard = heard.subspan(reply.used());
  }
  return 0;
}
