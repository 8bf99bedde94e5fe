// TLS on the legs of the whole data plane: both HTTPS directions, STARTTLS and implicit TLS in, the smart host out; files that cannot be
// used.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/unit/dataplane/worker/tls_program.h"

namespace pushmail {
namespace {

using handoff::Kind;
using handoff::Tag;
using ::testing::HasSubstr;

TEST_F(TlsProgram, speaks_https_and_smtp_to_those_who_come) {
  configure();
  start();
  ControlPlane control(program_);
  control.give_peers("http://127.0.0.1:1/mm7");
  ASSERT_TRUE(program_.wait_for("\"event\":\"peers\""));
  TlsSocket mmsc = connect(https_port_);
  mmsc.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(mmsc.read_until("\r\n\r\n"), HasSubstr("HTTP/1.1 405"));
  TlsSocket implicit = connect(smtps_port_);
  EXPECT_THAT(implicit.read_until("\r\n"), HasSubstr("220 mms.example.net"));
  Socket plain = Socket::connect(program_.smtp_port);
  EXPECT_THAT(plain.read_until("\r\n"), HasSubstr("220 mms.example.net"));
  plain.write("EHLO x.example\r\n");
  EXPECT_THAT(plain.read_until("250 ENHANCEDSTATUSCODES\r\n"), HasSubstr("250-STARTTLS"));
  plain.write("STARTTLS\r\n");
  EXPECT_THAT(plain.read_until("\r\n"), HasSubstr("220 2.0.0"));
  TlsSocket behind(std::move(plain), tls::Session::open(trust_, "127.0.0.1"));
  behind.write("EHLO x.example\r\n");
  EXPECT_THAT(behind.read_until("250 ENHANCEDSTATUSCODES\r\n"), ::testing::Not(HasSubstr("STARTTLS")));
  Socket lost = Socket::connect(https_port_);
  lost.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(program_.wait_for("what the other side speaks is not TLS"));
  EXPECT_EQ(program_.end_at_once(), 0);
}

TEST_F(TlsProgram, submits_by_https_and_names_what_it_does_not_trust) {
  const Socket listener = Socket::listen_any();
  const std::string url = fmt::format("https://127.0.0.1:{}/mm7", listener.port());
  configure(fmt::format("peer.mmsc1.tls_ca = \"{}\"\n", authority_.authority_file()), url);
  start();
  ControlPlane control(program_);
  control.give_peers(url);
  ASSERT_TRUE(program_.wait_for("\"event\":\"peers\""));
  control.offer(new_item_id(Timestamp{1'700'000'000'000'000}, 1), "From: joe@example.com\r\nSubject: hello\r\n\r\nhello\r\n");
  {
    const test::CertificateFiles wrong = authority_.make("DNS:other.example");
    const tls::ServerSettings other = *tls::ServerSettings::load({.certificate = wrong.certificate, .key = wrong.key});
    Socket refused = listener.accept();
    auto session = tls::Session::open(other);
    ASSERT_TRUE(session.has_value());
    for (std::string wire = refused.read_some(); !wire.empty(); wire = refused.read_some()) {
      session->receive(bytes_of(wire));
      const bool agreed = session->handshake().has_value();
      refused.write(text_of(session->take_wire()));
      if (!agreed) break;
    }
  }
  EXPECT_EQ(control.wait_for(Kind::peer_state).text(Tag::reason), "the certificate is for another name");
  TlsSocket mmsc(listener.accept(), tls::Session::open(server_));
  EXPECT_THAT(mmsc.read_until("\r\n\r\n"), HasSubstr("POST /mm7 HTTP/1.1"));
  EXPECT_EQ(program_.end_at_once(), 0);
}

TEST_F(TlsProgram, starts_nothing_with_files_that_cannot_be_used) {
  const test::CertificateFiles other = authority_.make("DNS:other.example");
  files_.key = other.key;
  configure();
  program_.start();
  EXPECT_TRUE(program_.wait_for("\n"));
  EXPECT_EQ(program_.end(0), 78);
  EXPECT_THAT(program_.log_text(), HasSubstr("tls.toml:1: tls.certificate: certificates or keys for TLS cannot be used"));
  EXPECT_FALSE(std::filesystem::exists(program_.root() / "run"));
}

// An MMSC that proves itself by its certificate: the right one is served, the others are refused and their reason is in the log.
TEST_F(TlsProgram, admits_an_mmsc_by_its_certificate) {
  const test::CertificateFiles right = authority_.make("DNS:mmsc.example.net"), other = authority_.make("DNS:other.example"),
                               expired = authority_.make("DNS:mmsc.example.net", test::Validity::past);
  configure(
      fmt::format("peer.mmsc1.inbound_certificate = \"mmsc.example.net\"\npeer.mmsc1.tls_ca = \"{}\"\n", authority_.authority_file()));
  start();
  ControlPlane control(program_);
  PeerProfile peer("mmsc1");
  peer.set_text("url", "http://127.0.0.1:1/mm7");
  peer.set_text("inbound_certificate", "mmsc.example.net");
  RecordWriter peers = handoff::make(Kind::peers, {});
  peers.bytes(handoff::tag(Tag::peer_record), peer.record().finish(0));
  control.send(Kind::peers, {}, std::move(peers));
  ASSERT_TRUE(program_.wait_for("\"event\":\"peers\""));
  const auto connect_as = [&](const test::CertificateFiles& own) {
    const auto client = tls::ClientSettings::load("", authority_.authority_file(), {.certificate = own.certificate, .key = own.key});
    return TlsSocket(Socket::connect(https_port_), tls::Session::open(*client, "127.0.0.1"));
  };
  TlsSocket mmsc = connect_as(right);
  mmsc.write(deliver_req("t1", "hello"));
  control.answer_admission(control.wait_for(Kind::admission_query), {"accepted", "accepted"});
  EXPECT_THAT(mmsc.read_until(":Envelope>"), HasSubstr("HTTP/1.1 200"));
  const auto refused = [&](TlsSocket client) {
    client.write(deliver_req("t2", "hello"));
    return client.read_until("\r\n");
  };
  EXPECT_THAT(refused(connect_as(other)), HasSubstr("HTTP/1.1 403"));
  EXPECT_TRUE(program_.wait_for("peer mmsc1: the certificate is for another name"));
  EXPECT_THAT(refused(connect_as(expired)), HasSubstr("HTTP/1.1 403"));
  EXPECT_THAT(refused(connect(https_port_)), HasSubstr("HTTP/1.1 403"));
  Socket plain = Socket::connect(program_.http_port);
  plain.write(deliver_req("t3", "hello"));
  EXPECT_THAT(plain.read_http().first, HasSubstr("HTTP/1.1 503")) << "where no certificate is asked for, a 403 would be for good";
  EXPECT_EQ(program_.end(SIGTERM), 0);
}

}  // namespace
}  // namespace pushmail
