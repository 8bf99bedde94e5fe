// The listener of /metrics over real sockets: pages, wrong requests, silence, and a port that is taken.
#include "controlplane/status/listener.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "core/clock.h"

namespace pushmail::status {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;

struct ListenerTest : ::testing::Test {
  asio::io_context context;
  std::vector<std::string> asked;
  std::shared_ptr<Listener> listener = make(0);

  std::shared_ptr<Listener> make(std::uint16_t port) {
    return Listener::make(context, Endpoint{IpAddress::v4(0x7f000001), port}, [this](std::string_view path) -> std::optional<Page> {
      asked.emplace_back(path);
      if (path == "/livez") return Page{.body = "ok\n"};
      if (path == "/readyz") return Page{.status = 503, .body = "down\n"};
      return std::nullopt;
    });
  }
  ~ListenerTest() override { listener->stop(); }

  void run_until(const std::function<bool()>& done) {
    const SystemClock clock;
    const Instant end = clock.now() + seconds(20);
    while (!done()) {
      ASSERT_LT(clock.now(), end) << "waited in vain";
      context.restart();
      context.run_one_for(std::chrono::milliseconds(100));
    }
  }
  // What the other side answers to these bytes until it closes.
  std::string ask(const std::string& request) {
    Tcp::socket socket(context);
    socket.connect({asio::ip::address_v4(0x7f000001), listener->port()});
    asio::write(socket, asio::buffer(request));
    std::string answer;
    bool over = false;
    asio::async_read(socket, asio::dynamic_buffer(answer), [&](boost::system::error_code, std::size_t) { over = true; });
    run_until([&] { return over; });
    return answer;
  }
};

TEST_F(ListenerTest, AnswersPages) {
  listener->start();
  EXPECT_EQ(listener->error(), "");
  const std::string live = ask("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(live.starts_with("HTTP/1.1 200 OK\r\n")) << live;
  EXPECT_NE(live.find("Content-Type: text/plain; charset=utf-8\r\n"), std::string::npos) << live;
  EXPECT_TRUE(live.ends_with("\r\n\r\nok\n")) << live;
  EXPECT_TRUE(ask("GET /readyz?verbose=1 HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 503 "));
  EXPECT_EQ(asked, (std::vector<std::string>{"/livez", "/readyz"}));
  const std::string head = ask("HEAD /livez HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(head.find("Content-Length: 3\r\n"), std::string::npos) << head;
  EXPECT_TRUE(head.ends_with("\r\n\r\n")) << head;
}

TEST_F(ListenerTest, RefusesEverythingElse) {
  listener->start();
  EXPECT_TRUE(ask("GET /admin HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 404 "));
  asked.clear();
  EXPECT_TRUE(ask("DELETE /livez HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 405 "));
  EXPECT_EQ(ask("GET /livez HTTP/1.1\r\nX: " + std::string(8'000, 'x') + "\r\n\r\n"), "") << "a head of 4 KiB at most";
  EXPECT_EQ(ask("\x16\x03\x01 hello\r\n\r\n"), "");
  EXPECT_TRUE(asked.empty());
}

TEST_F(ListenerTest, OnlySixteenAtATime) {
  listener->start();
  std::vector<Tcp::socket> idle;
  for (int i = 0; i < 16; ++i) {
    idle.emplace_back(context);
    idle.back().connect({asio::ip::address_v4(0x7f000001), listener->port()});
  }
  EXPECT_EQ(ask("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"), "");
  idle.clear();
  std::string answer;
  const SystemClock clock;
  for (const Instant end = clock.now() + seconds(20); answer.empty() && clock.now() < end;)
    answer = ask("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 "));
}

TEST_F(ListenerTest, APortThatIsTakenIsTriedAgain) {
  auto taken = std::make_unique<Tcp::acceptor>(context, Tcp::endpoint(asio::ip::address_v4(0x7f000001), 0));
  listener = make(taken->local_endpoint().port());
  listener->start();
  EXPECT_EQ(listener->error(), "Address already in use");
  EXPECT_EQ(listener->port(), 0);
  taken.reset();
  run_until([&] { return listener->error().empty(); });
  EXPECT_TRUE(ask("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 200 "));
}

}  // namespace
}  // namespace pushmail::status
