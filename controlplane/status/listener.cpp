#include "controlplane/status/listener.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "core/log.h"
#include "core/log_pace.h"
#include "core/timers.h"

namespace pushmail::status {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using Tcp = asio::ip::tcp;

constexpr std::size_t head_size_max = 4 * 1024;
constexpr std::size_t connections_max = 16;

asio::ip::address address_of(const IpAddress& ip) {
  if (ip.is_v4()) return asio::ip::address_v4(ip.v4());
  return asio::ip::address_v6(ip.bytes);
}

class Visit : public std::enable_shared_from_this<Visit> {
 public:
  Visit(Tcp::socket socket, const Listener::Pages& pages) : stream_(std::move(socket)), pages_(pages) {
    parser_.header_limit(head_size_max);
  }

  void close() { stream_.close(); }

  void read() {
    stream_.expires_after(timers::status_silence.chrono());
    http::async_read(stream_, buffer_, parser_, [self = shared_from_this()](error_code error, std::size_t) {
      if (!error) self->answer();
    });
  }

 private:
  void answer() {
    const auto& request = parser_.get();
    const std::string_view target(request.target().data(), request.target().size());
    const bool readable = request.method() == http::verb::get || request.method() == http::verb::head;
    const auto page = readable ? pages_(target.substr(0, target.find('?'))) : std::nullopt;
    const Page shown = page       ? *page
                       : readable ? Page{.status = 404, .body = "there is /metrics, /livez and /readyz\n"}
                                  : Page{.status = 405, .body = "GET or HEAD\n"};
    response_.result(static_cast<unsigned>(shown.status));
    response_.set(http::field::content_type, beast::string_view(shown.type.data(), shown.type.size()));
    response_.set(http::field::cache_control, "no-store");
    response_.keep_alive(false);
    response_.content_length(shown.body.size());
    if (request.method() != http::verb::head) response_.body() = shown.body;
    stream_.expires_after(timers::status_silence.chrono());
    http::async_write(stream_, response_, [self = shared_from_this()](error_code, std::size_t) {
      error_code ignored;
      self->stream_.socket().shutdown(Tcp::socket::shutdown_send, ignored);
    });
  }

  beast::tcp_stream stream_;
  const Listener::Pages& pages_;
  beast::flat_buffer buffer_{head_size_max * 2};
  http::request_parser<http::empty_body> parser_;
  http::response<http::string_body> response_;
};

class TcpListener final : public Listener, public std::enable_shared_from_this<TcpListener> {
 public:
  TcpListener(asio::io_context& context, const Endpoint& at, Pages pages)
      : at_(at), pages_(std::move(pages)), acceptor_(context), timer_(context) {}

  void start() override {
    error_code error;
    const Tcp::endpoint endpoint(address_of(at_.ip), at_.port);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(static_cast<int>(connections_max), error);
    if (error) {
      if (error_ != error.message()) log_error("metrics_not_listening").text("address", to_string(at_)).text("reason", error.message());
      error_ = error.message();
      error_code ignored;
      acceptor_.close(ignored);
      return later();
    }
    error_.clear();
    log_info("metrics_listening").text("address", to_string(Endpoint{at_.ip, port()}));
    accept();
  }
  void stop() override {
    stopped_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    timer_.cancel();
    for (const auto& weak : visits_) {
      if (const auto visit = weak.lock()) visit->close();
    }
  }
  [[nodiscard]] const std::string& error() const override { return error_; }
  [[nodiscard]] std::uint16_t port() const override {
    error_code ignored;
    return acceptor_.is_open() ? acceptor_.local_endpoint(ignored).port() : std::uint16_t{0};
  }

 private:
  void later() {
    timer_.expires_after(timers::status_listen.chrono());
    timer_.async_wait([self = shared_from_this()](error_code cancelled) {
      if (!cancelled && !self->stopped_) self->start();
    });
  }
  void accept() {
    acceptor_.async_accept([self = shared_from_this()](error_code error, Tcp::socket socket) {
      if (self->stopped_) return;
      if (error) {
        // Out of descriptors, as a rule: asking again at once would only burn the processor.
        if (const std::uint64_t failures = self->accept_lines_.count(SystemClock().now(), error.value()); failures > 0)
          log_error("metrics_accept").number("failures", static_cast<std::int64_t>(failures)).os_error(error.value());
        self->error_ = error.message();
        error_code ignored;
        self->acceptor_.close(ignored);
        return self->later();
      }
      std::erase_if(self->visits_, [](const auto& weak) { return weak.expired(); });
      // Who finds no place sees a connection that ends.
      if (self->visits_.size() < connections_max) {
        const auto visit = std::make_shared<Visit>(std::move(socket), self->pages_);
        self->visits_.push_back(visit);
        visit->read();
      }
      self->accept();
    });
  }

  const Endpoint at_;
  const Pages pages_;
  Tcp::acceptor acceptor_;
  asio::steady_timer timer_;
  std::string error_ = "not started";
  LogPace accept_lines_;
  bool stopped_ = false;
  std::vector<std::weak_ptr<Visit>> visits_;
};

}  // namespace

std::shared_ptr<Listener> Listener::make(asio::io_context& context, const Endpoint& at, Pages pages) {
  return std::make_shared<TcpListener>(context, at, std::move(pages));
}

}  // namespace pushmail::status
