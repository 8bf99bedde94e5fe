// Peers that answer as real ones do, and as wrong ports and passwords do; each is asked once.
#include "controlplane/cli/live_check.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <string>
#include <thread>

#include "codec/sms/smpp.h"
#include "tests/unit/controlplane/fetcher/certificates.h"

namespace pushmail::cli {
namespace {

using Tcp = boost::asio::ip::tcp;

/// Takes one connection and does what the test says.
class OneServer {
 public:
  explicit OneServer(std::function<void(Tcp::socket&)> serve)
      : acceptor_(context_, {boost::asio::ip::make_address("127.0.0.1"), 0}), port_(acceptor_.local_endpoint().port()) {
    thread_ = std::thread([this, serve = std::move(serve)] {
      boost::system::error_code error;
      Tcp::socket socket(context_);
      acceptor_.accept(socket, error);
      if (!error) serve(socket);
    });
  }
  ~OneServer() { thread_.join(); }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  boost::asio::io_context context_;
  Tcp::acceptor acceptor_;
  std::uint16_t port_;
  std::thread thread_;
};

void send(Tcp::socket& socket, std::string_view bytes) { boost::asio::write(socket, boost::asio::buffer(bytes)); }
std::string read_until(Tcp::socket& socket, std::string_view end) {
  std::string text;
  boost::asio::read_until(socket, boost::asio::dynamic_buffer(text), end);
  return text;
}

TEST(LiveCheck, SmartHostGreets) {
  struct Row {
    std::string greeting;
    bool works;
  };
  for (const Row& row : {Row{"220 mx.example ESMTP", true}, Row{"554 no service for you", false}, Row{"* OK IMAP4rev1", false}}) {
    OneServer server([&](Tcp::socket& socket) { send(socket, row.greeting + "\r\n"); });
    const LiveCheck check = check_smart_host(server.address(), {});
    EXPECT_EQ(check.works, row.works) << row.greeting;
    EXPECT_NE(check.words.find(row.greeting), std::string::npos) << check.words;
  }
}

TEST(LiveCheck, MmscAnswersInHttp) {
  struct Row {
    std::string status;
    bool works;
    std::string words;
  };
  for (const Row& row : {Row{"HTTP/1.1 405 Method Not Allowed", true, "405"}, Row{"HTTP/1.0 200 OK", true, "200"},
                         Row{"HTTP/1.1 401 Unauthorized", false, "credentials"}, Row{"220 mx.example ESMTP", false, "no HTTP"}}) {
    std::string request;
    PeerProfile peer("mmsc");
    peer.set_text("user", "u");
    peer.set_text("password", "p");
    {
      OneServer server([&](Tcp::socket& socket) {
        request = read_until(socket, "\r\n\r\n");
        send(socket, row.status + "\r\n\r\n");
      });
      peer.set_text("url", "http://" + server.address() + "/mm7");
      const LiveCheck check = check_mmsc(peer, nullptr);
      EXPECT_EQ(check.works, row.works) << row.status;
      EXPECT_NE(check.words.find(row.words), std::string::npos) << check.words;
    }
    EXPECT_TRUE(request.starts_with("HEAD /mm7 HTTP/1.1\r\n")) << request;
    EXPECT_NE(request.find("Authorization: Basic dTpw\r\n"), std::string::npos) << request;
  }
}

// Over TLS in both ways, to a name that the certificate carries and to one that it does not.
TEST(LiveCheck, TlsIsSpokenWhereItIsConfigured) {
  test::TestAuthority authority;
  const auto files = authority.make("DNS:mx.example");
  const auto own = tls::ServerSettings::load({.certificate = files.certificate, .key = files.key}).value();
  const auto trust = tls::ClientSettings::load(authority.authority_file(), {}).value();
  for (const bool by_command : {true, false}) {
    for (const std::string name : {"mx.example", "other.example"}) {
      OneServer server([&](Tcp::socket& socket) {
        if (by_command) {
          send(socket, "220 mx.example ESMTP\r\n");
          read_until(socket, "EHLO pushmail\r\n");
          send(socket, "250-mx.example\r\n250 STARTTLS\r\n");
          read_until(socket, "STARTTLS\r\n");
          send(socket, "220 go ahead\r\n");
        }
        auto session = tls::Session::open(own).value();
        std::array<std::uint8_t, 4096> buffer{};
        boost::system::error_code error;
        for (auto step = session.handshake(); step && *step != tls::Handshake::done; step = session.handshake()) {
          send(socket, text_of(session.take_wire()));
          const std::size_t size = socket.read_some(boost::asio::buffer(buffer), error);
          if (error) return;
          session.receive(ByteView(buffer).first(size));
        }
        send(socket, text_of(session.take_wire()));
        if (!by_command && session.write(bytes_of("220 mx.example ESMTP\r\n"))) send(socket, text_of(session.take_wire()));
        socket.read_some(boost::asio::buffer(buffer), error);
      });
      const LiveCheck check = check_smart_host(server.address(), {.trust = &trust, .by_command = by_command, .name = name});
      EXPECT_EQ(check.works, name == "mx.example") << check.words;
      EXPECT_NE(check.words.find(check.works ? "220 mx.example" : "TLS: "), std::string::npos) << check.words;
    }
  }
  // What speaks no TLS is not spoken to without.
  OneServer plain([](Tcp::socket& socket) { send(socket, "HTTP/1.1 400 Bad Request\r\n\r\n"); });
  PeerProfile peer("mmsc");
  peer.set_text("url", "https://" + plain.address() + "/mm7");
  const LiveCheck check = check_mmsc(peer, &trust);
  EXPECT_FALSE(check.works);
  EXPECT_TRUE(check.words.starts_with("TLS: ")) << check.words;
}

TEST(LiveCheck, SmscTakesTheBind) {
  struct Row {
    std::uint32_t status;
    bool works;
  };
  for (const Row& row : {Row{smpp::status::ok, true}, Row{smpp::status::bad_password, false}}) {
    OneServer server([&](Tcp::socket& socket) {
      std::array<std::uint8_t, 1024> buffer{};
      const std::size_t size = socket.read_some(boost::asio::buffer(buffer));
      const auto bind = smpp::decode(smpp::parse_frame(ByteView(buffer).first(size)).value());
      ASSERT_TRUE(bind);
      EXPECT_EQ(bind->system_id, "us");
      EXPECT_EQ(bind->password, "secret");
      // The answer comes in two pieces.
      const Bytes answer = smpp::encode(smpp::respond(*bind, row.status)).value();
      send(socket, text_of(answer).substr(0, 5));
      send(socket, text_of(answer).substr(5));
    });
    const LiveCheck check = check_smsc("smsc", {.smsc = *parse_endpoint(server.address()), .system_id = "us", .password = "secret"});
    EXPECT_EQ(check.works, row.works) << check.words;
    if (!row.works) {
      EXPECT_NE(check.words.find(smpp::status_text(row.status)), std::string::npos) << check.words;
    }
  }
}

TEST(LiveCheck, ASmscOfAnotherProtocolAndNobodyAtAll) {
  std::string closed;
  {
    OneServer server([](Tcp::socket& socket) { send(socket, "HTTP/1.1 400 Bad Request\r\n\r\n"); });
    closed = server.address();
    const LiveCheck check = check_smsc("smsc", {.smsc = *parse_endpoint(closed)});
    EXPECT_FALSE(check.works);
    EXPECT_NE(check.words.find("no SMPP"), std::string::npos) << check.words;
  }
  const LiveCheck nobody = check_smart_host(closed, {});
  EXPECT_FALSE(nobody.works);
  EXPECT_NE(nobody.words.find("refused"), std::string::npos) << nobody.words;
}

}  // namespace
}  // namespace pushmail::cli
