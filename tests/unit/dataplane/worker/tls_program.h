// The data plane as a child process that speaks TLS, and TLS over a test's socket.
#pragma once

#include <fmt/format.h>

#include <array>

#include "core/tls.h"
#include "tests/unit/controlplane/fetcher/certificates.h"
#include "tests/unit/dataplane/worker/program.h"

namespace pushmail {

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

}  // namespace pushmail
