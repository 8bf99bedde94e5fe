// TLS on the legs of the whole data plane: both HTTPS directions, STARTTLS and implicit TLS in, the smart host out; files that cannot be
// used.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <array>

#include "core/tls.h"
#include "tests/unit/controlplane/fetcher/certificates.h"
#include "tests/unit/dataplane/worker/program.h"

namespace pushmail {
namespace {

using handoff::Kind;
using handoff::Tag;
using ::testing::HasSubstr;

/// TLS over a socket of a test.
class TlsSocket {
 public:
  TlsSocket(Socket socket, Result<tls::Session> session) : socket_(std::move(socket)), session_(std::move(*session)) {
    while (true) {
      const auto step = session_.handshake();
      flush();
      EXPECT_TRUE(step.has_value()) << session_.reason();
      if (!step || *step == tls::Handshake::done || !receive()) return;
    }
  }
  void write(std::string_view text) {
    EXPECT_TRUE(session_.write(bytes_of(text)).has_value());
    flush();
  }
  std::string read_until(std::string_view end) {
    while (read_.find(end) == std::string::npos) {
      std::array<std::uint8_t, 4096> plain;
      const auto got = session_.read(plain);
      if (!got) return std::exchange(read_, {});
      read_ += text_of(ByteView(plain).first(*got));
      if (*got == 0 && !receive()) return std::exchange(read_, {});
    }
    const std::size_t size = read_.find(end) + end.size();
    std::string text = read_.substr(0, size);
    read_.erase(0, size);
    return text;
  }

 private:
  void flush() { socket_.write(text_of(session_.take_wire())); }
  bool receive() {
    const std::string wire = socket_.read_some();
    session_.receive(bytes_of(wire));
    return !wire.empty();
  }

  Socket socket_;
  tls::Session session_;
  std::string read_;
};

class TlsProgram : public testing::Test {
 protected:
  TlsProgram() : files_(authority_.make("IP:127.0.0.1")) {}
  /// [http], [smtp] and [peer.mmsc1] stand in the first file; more of them may stand in a second one.
  void configure(const std::string& more = {}, std::string_view peer_url = "http://127.0.0.1:1/mm7") {
    program_.configure({}, peer_url);
    std::filesystem::create_directories(program_.root() / "etc/pushmail/conf.d");
    std::ofstream(program_.root() / "etc/pushmail/conf.d/tls.toml")
        << fmt::format("tls.certificate = \"{}\"\ntls.key = \"{}\"\ntls.extra_ca = \"{}\"\nhttp.tls_listen = \"127.0.0.1:{}\"\n",
                       files_.certificate, files_.key, authority_.authority_file(), https_port_)
        << fmt::format("smtp.tls_listen = \"127.0.0.1:{}\"\n", smtps_port_) << more;
  }
  void start() {
    program_.start();
    ASSERT_TRUE(program_.wait_for("\"event\":\"started\"")) << program_.log_text();
  }
  TlsSocket connect(std::uint16_t port) { return {Socket::connect(port), tls::Session::open(trust_, "127.0.0.1")}; }

  test::TestAuthority authority_;
  test::CertificateFiles files_;
  tls::ClientSettings trust_ = *tls::ClientSettings::load("", authority_.authority_file());
  tls::ServerSettings server_ = *tls::ServerSettings::load({.certificate = files_.certificate, .key = files_.key});
  std::uint16_t https_port_ = free_port(), smtps_port_ = free_port();
  Program program_;
};

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

}  // namespace
}  // namespace pushmail
