#include "controlplane/cli/live_check.h"

#include <fmt/format.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <expected>
#include <utility>

#include "codec/sms/smpp.h"
#include "core/ascii.h"
#include "core/base64.h"

namespace pushmail::cli {

namespace {

namespace asio = boost::asio;

constexpr auto wait_max = std::chrono::seconds(5);
constexpr std::size_t answer_size_max = 16 * 1024;

using Words = std::expected<std::string, std::string>;

// One connection; each step has its limit of time.
class Connection {
 public:
  [[nodiscard]] std::expected<void, std::string> open(const std::string& host, std::uint16_t port) {
    boost::system::error_code error;
    asio::ip::tcp::resolver resolver(context_);
    const auto found = resolver.resolve(host, std::to_string(port), error);
    if (error) return std::unexpected("cannot be resolved: " + error.message());
    return run([&](auto done) { asio::async_connect(socket_, found, [done](boost::system::error_code e, const auto&) { done(e); }); });
  }
  [[nodiscard]] std::expected<void, std::string> write(std::string_view bytes) {
    return run(
        [&](auto done) { asio::async_write(socket_, asio::buffer(bytes), [done](boost::system::error_code e, std::size_t) { done(e); }); });
  }
  /// The next line without its end.
  [[nodiscard]] std::expected<std::string, std::string> read_line() {
    std::size_t size = 0;
    const auto read = run([&](auto done) {
      asio::async_read_until(socket_, asio::dynamic_buffer(received_, answer_size_max), '\n', [done, &size](auto e, std::size_t got) {
        size = got;
        done(e);
      });
    });
    if (!read) return std::unexpected(read.error());
    std::string line = received_.substr(0, size);
    received_.erase(0, size);
    return std::string(ascii_trim(line));
  }
  /// Whatever comes next, and all that came before and was not read.
  [[nodiscard]] std::expected<std::string, std::string> read_more() {
    std::string more(answer_size_max, '\0');
    std::size_t size = 0;
    const auto read = run([&](auto done) {
      socket_.async_read_some(asio::buffer(more), [done, &size](auto e, std::size_t got) {
        size = got;
        done(e);
      });
    });
    if (!read) return std::unexpected(read.error());
    received_.append(more, 0, size);
    return received_;
  }

 private:
  template <class Start>
  std::expected<void, std::string> run(Start start) {
    boost::system::error_code error = asio::error::timed_out;
    start([&error](boost::system::error_code e) { error = e; });
    context_.restart();
    context_.run_for(wait_max);
    if (!context_.stopped()) {
      socket_.close();
      context_.run();
      return std::unexpected("no answer within 5 s");
    }
    if (error) return std::unexpected(error.message());
    return {};
  }

  asio::io_context context_;
  asio::ip::tcp::socket socket_{context_};
  std::string received_;
};

template <class Ask>
LiveCheck checked(LiveCheck check, const std::string& host, std::uint16_t port, Ask ask) {
  Connection connection;
  const auto opened = connection.open(host, port);
  const Words answer = opened ? ask(connection) : Words(std::unexpected(opened.error()));
  check.works = answer.has_value();
  check.words = answer ? *answer : answer.error();
  return check;
}

Words bind(Connection& connection, const notify::SmppSettings& smsc) {
  const bool is_pair = smsc.bind == notify::SmppBind::pair;
  const auto send = [&](const smpp::Pdu& pdu) -> std::expected<void, std::string> {
    const auto bytes = smpp::encode(pdu);
    if (!bytes) return std::unexpected(std::string(bytes.error().info->text));
    return connection.write(text_of(*bytes));
  };
  smpp::Pdu request;
  request.command = is_pair ? smpp::Command::bind_transmitter : smpp::Command::bind_transceiver;
  request.sequence = 1;
  request.system_id = smsc.system_id;
  request.password = smsc.password;
  request.system_type = smsc.system_type;
  const auto sent = send(request);
  if (!sent) return std::unexpected(sent.error());
  for (;;) {
    const auto received = connection.read_more();
    if (!received) return std::unexpected(received.error());
    const auto frame = smpp::parse_frame(bytes_of(*received));
    if (frame.needs_more()) continue;
    if (frame.is_bad()) return std::unexpected("the answer is no SMPP");
    if (const std::uint32_t status = frame.value().status; status != smpp::status::ok)
      return std::unexpected(fmt::format("refuses the bind: {} ({:#x})", smpp::status_text(status), status));
    smpp::Pdu goodbye;
    goodbye.command = smpp::Command::unbind;
    goodbye.sequence = 2;
    [[maybe_unused]] const auto said = send(goodbye);
    return "bound";
  }
}

}  // namespace

LiveCheck check_mmsc(const PeerProfile& peer) {
  const auto url = parse_http_url(peer.text("url"));
  LiveCheck check{.peer = peer.name(), .where = url ? url->host_header : peer.text("url")};
  if (!url) {
    check.words = url.error();
    return check;
  }
  return checked(std::move(check), url->host, url->port, [&](Connection& connection) -> Words {
    std::string request = fmt::format("HEAD {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", url->path, url->host_header);
    if (const std::string& user = peer.text("user"); !user.empty())
      request += "Authorization: Basic " + base64_encoded(user + ":" + peer.text("password")) + "\r\n";
    if (auto sent = connection.write(request + "\r\n"); !sent) return std::unexpected(sent.error());
    const auto line = connection.read_line();
    if (!line) return line;
    if (!line->starts_with("HTTP/1.")) return std::unexpected("the answer is no HTTP: " + *line);
    if (line->contains(" 401") || line->contains(" 403")) return std::unexpected("refuses our credentials: " + *line);
    return line;
  });
}

LiveCheck check_smsc(const notify::SmppSettings& smsc) {
  return checked({.peer = "smsc", .where = to_string(smsc.smsc)}, to_string(smsc.smsc.ip), smsc.smsc.port,
                 [&](Connection& connection) { return bind(connection, smsc); });
}

LiveCheck check_smart_host(const std::string& address) {
  LiveCheck check{.peer = "smart host", .where = address};
  const auto endpoint = parse_endpoint(address);
  if (!endpoint) {
    check.words = "is no address and port";
    return check;
  }
  return checked(std::move(check), to_string(endpoint->ip), endpoint->port, [](Connection& connection) -> Words {
    const auto line = connection.read_line();
    if (line && !line->starts_with("220")) return std::unexpected("greets with " + *line);
    if (line) [[maybe_unused]]
      const auto goodbye = connection.write("QUIT\r\n");
    return line;
  });
}

std::vector<LiveCheck> check_peers(const Settings& settings) {
  std::vector<LiveCheck> all;
  for (const auto& [name, peer] : settings.peers) all.push_back(check_mmsc(peer));
  all.push_back(check_smsc(settings.smpp));
  if (!settings.smart_host.empty()) all.push_back(check_smart_host(settings.smart_host));
  return all;
}

}  // namespace pushmail::cli
