#include "controlplane/api/server.h"

#include <sys/stat.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <algorithm>
#include <cerrno>

#include "core/accounts.h"
#include "core/log.h"
#include "core/log_pace.h"
#include "core/socket_file.h"
#include "core/socket_user.h"
#include "core/timers.h"

namespace pushmail::api {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Protocol = asio::local::stream_protocol;
using Stream = beast::basic_stream<Protocol>;

constexpr std::size_t head_size_max = 8 * 1024;
constexpr std::size_t body_size_max = 64 * 1024;
constexpr std::size_t connections_max = 64;
constexpr std::string_view stopping = "{\"error\":{\"code\":\"stopping\",\"text\":\"the control plane ends; try again\"}}\n";

// An answer to somebody who gets no Connection; what the socket does not take at once is lost with it.
void turn_away(Protocol::socket& socket, std::string_view status, std::string_view body) {
  const std::string answer = "HTTP/1.1 " + std::string(status) +
                             "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
                             "\r\nConnection: close\r\n\r\n" + std::string(body);
  beast::error_code ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(asio::buffer(answer), ignored);
}

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  /// `gone` runs when it has ended, unless its owner has emptied it.
  using Gone = std::shared_ptr<std::function<void()>>;
  Connection(Protocol::socket socket, Durability& durability, Api& api, std::string agent, Role role, Gone gone)
      : stream_(std::move(socket)), durability_(durability), api_(api), agent_(std::move(agent)), role_(role), gone_(std::move(gone)) {}
  ~Connection() {
    if (*gone_) (*gone_)();
  }

  /// What is asked is answered, and then it ends.
  void drain() {
    is_last_ = true;
    if (!is_answering_ && !parser_->got_some()) close();
  }
  /// Ends it at once; whatever waits on it is cancelled.
  void close() { stream_.close(); }

  void read() {
    parser_.emplace();
    parser_->header_limit(head_size_max);
    parser_->body_limit(body_size_max);
    stream_.expires_after(timers::api_silence.chrono());
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](beast::error_code error, std::size_t) { self->on_read(error); });
  }

 private:
  void on_read(beast::error_code error) {
    if (error == http::error::body_limit)
      return write({413, R"({"error":{"code":"too_large","text":"a request body may have 64 KiB"}})"}, false);
    if (error) return;
    const auto& message = parser_->get();
    is_answering_ = true;
    // The answer may come later: a new binding's mail server is asked first.
    stream_.expires_never();
    api_.handle({.method = std::string(message.method_string()),
                 .target = std::string(message.target()),
                 .body = message.body(),
                 .agent = agent_,
                 .role = role_},
                [self = shared_from_this(), keep_alive = message.keep_alive()](const Answer& answer) {
                  self->durability_.when_durable([self, answer, keep_alive] { self->write(answer, keep_alive); });
                });
  }

  void write(const Answer& answer, bool keep_alive) {
    stream_.expires_after(timers::api_silence.chrono());
    response_ = {};
    response_.result(static_cast<unsigned>(answer.status));
    response_.set(http::field::content_type, "application/json");
    response_.body() = answer.body + "\n";
    const bool keeps = keep_alive && !is_last_;
    response_.keep_alive(keeps);
    response_.prepare_payload();
    http::async_write(stream_, response_, [self = shared_from_this(), keeps](beast::error_code error, std::size_t) {
      if (error || !keeps || self->is_last_) return;
      self->is_answering_ = false;
      self->read();
    });
  }

  Stream stream_;
  Durability& durability_;
  Api& api_;
  std::string agent_;
  Role role_;
  Gone gone_;
  bool is_answering_ = false;  // until the answer has left
  bool is_last_ = false;       // no request is read behind this one
  beast::flat_buffer buffer_{head_size_max + body_size_max};
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> response_;
};

class SocketServer final : public Server {
 public:
  SocketServer(asio::io_context& context, std::filesystem::path path, Roles roles, Durability& durability, Api& api)
      : acceptor_(context), timer_(context), path_(std::move(path)), roles_(std::move(roles)), durability_(durability), api_(api) {}
  ~SocketServer() override {
    *gone_ = {};
    for (const auto& weak : connections_) {
      if (const auto connection = weak.lock()) connection->close();
    }
    remove_socket_file(path_);
  }

  void drain(std::function<void()> done) override {
    timer_.cancel();
    beast::error_code error;
    acceptor_.non_blocking(true, error);
    while (!error) {
      Protocol::socket waiting(acceptor_.get_executor());
      acceptor_.accept(waiting, error);
      if (!error) turn_away(waiting, "503 Service Unavailable", stopping);
    }
    acceptor_.close(error);
    remove_socket_file(path_);
    *gone_ = [this, done = std::move(done)] {
      const bool is_empty = std::ranges::all_of(connections_, [](const auto& weak) { return weak.expired(); });
      if (is_empty) asio::post(timer_.get_executor(), done);
    };
    for (const auto& weak : std::vector(connections_)) {
      if (const auto connection = weak.lock()) connection->drain();
    }
    // It was none, or they are gone already.
    if (*gone_) (*gone_)();
  }

  [[nodiscard]] std::expected<void, StartError> listen() {
    beast::error_code error;
    remove_socket_file(path_);
    acceptor_.open(Protocol(), error);
    if (!error) acceptor_.bind(Protocol::endpoint(path_.string()), error);
    // Its group may connect; whoever has no role is told so.
    if (!error && ::chmod(path_.c_str(), 0660) != 0) error = beast::error_code(errno, beast::system_category());
    if (!error) {
      if (const auto given = give_to_group(path_, api_group); !given) error = beast::error_code(given.error().os, beast::system_category());
    }
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) return std::unexpected(StartError(path_.string() + ": " + error.message(), error.value()));
    accept();
    return {};
  }

 private:
  void accept() {
    acceptor_.async_accept([this](beast::error_code error, Protocol::socket socket) {
      if (error == asio::error::operation_aborted) return;
      // It was on its way here when the drain began.
      if (!acceptor_.is_open()) return error ? void() : turn_away(socket, "503 Service Unavailable", stopping);
      if (error) return accept_later(error);
      begin(std::move(socket));
      accept();
    });
  }

  // Out of descriptors, as a rule: asking again at once would only burn the processor.
  void accept_later(const beast::error_code& error) {
    if (const std::uint64_t failures = accept_lines_.count(SystemClock().now(), error.value()); failures > 0)
      log_error("api_accept").number("failures", static_cast<std::int64_t>(failures)).os_error(error.value());
    timer_.expires_after(timers::api_accept.chrono());
    timer_.async_wait([this](beast::error_code cancelled) {
      if (!cancelled && acceptor_.is_open()) accept();
    });
  }

  void begin(Protocol::socket socket) {
    const auto other = socket_user(socket.native_handle());
    const auto groups = socket_groups(socket.native_handle());
    if (!other || !groups) {
      log_error("api_peer_unknown").error(other ? groups.error() : other.error());
      return;
    }
    const auto role = roles_.role_of(other->user, *groups);
    if (!role) {
      log_warning("api_refused").number("uid", other->user).number("pid", other->process);
      return turn_away(
          socket, "403 Forbidden",
          "{\"error\":{\"code\":\"forbidden\",\"text\":\"none of api.readers, api.operators, api.agents and api.admins names this "
          "user, or a group of his\"}}\n");
    }
    std::erase_if(connections_, [](const auto& weak) { return weak.expired(); });
    if (connections_.size() >= connections_max) {
      return turn_away(socket, "503 Service Unavailable", "{\"error\":{\"code\":\"busy\",\"text\":\"too many connections; try again\"}}\n");
    }
    const auto connection =
        std::make_shared<Connection>(std::move(socket), durability_, api_, "uid " + std::to_string(other->user), *role, gone_);
    connections_.push_back(connection);
    connection->read();
  }

  Protocol::acceptor acceptor_;
  asio::steady_timer timer_;
  std::filesystem::path path_;
  Roles roles_;
  Durability& durability_;
  Api& api_;
  LogPace accept_lines_;
  std::vector<std::weak_ptr<Connection>> connections_;
  Connection::Gone gone_ = std::make_shared<std::function<void()>>();
};

}  // namespace

std::expected<std::unique_ptr<Server>, StartError> Server::open(asio::io_context& context, const std::filesystem::path& path, Roles roles,
                                                                Durability& durability, Api& api) {
  auto server = std::make_unique<SocketServer>(context, path, std::move(roles), durability, api);
  if (const auto listening = server->listen(); !listening) return std::unexpected(listening.error());
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace pushmail::api
