#include "controlplane/cli/live_check.h"

#include <fmt/format.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <expected>
#include <optional>
#include <utility>

#include "codec/sms/smpp.h"
#include "core/ascii.h"
#include "core/base64.h"
#include "core/tls_files.h"

namespace pushmail::cli {

namespace {

namespace asio = boost::asio;

constexpr auto wait_max = std::chrono::seconds(5);
constexpr std::size_t reply_size_max = 16 * 1024;

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
  /// From here on everything goes through TLS, to a peer of this name.
  [[nodiscard]] std::expected<void, std::string> cover(const tls::ClientSettings& trust, std::string_view name) {
    auto session = tls::Session::open(trust, name);
    if (!session) return std::unexpected(std::string(session.error().info->text));
    for (;;) {
      const auto step = session->handshake();
      if (const auto sent = write_wire(text_of(session->take_wire())); !sent) return sent;
      if (!step) return std::unexpected("TLS: " + session->reason());
      if (*step == tls::Handshake::done) break;
      const auto wire = read_wire();
      if (!wire) return std::unexpected("TLS: " + wire.error());
      session->receive(bytes_of(*wire));
    }
    tls_ = std::move(*session);
    received_.clear();
    return {};
  }
  [[nodiscard]] std::expected<void, std::string> write(std::string_view bytes) {
    if (!tls_) return write_wire(bytes);
    if (const auto written = tls_->write(bytes_of(bytes)); !written) return std::unexpected("TLS: " + tls_->reason());
    return write_wire(text_of(tls_->take_wire()));
  }
  /// The next line without its end.
  [[nodiscard]] Words read_line() {
    std::size_t end = 0;
    while ((end = received_.find('\n')) == std::string::npos) {
      if (received_.size() > reply_size_max) return std::unexpected("a line without an end");
      if (const auto more = read_more(); !more) return more;
    }
    const std::string line(ascii_trim(std::string_view(received_).substr(0, end)));
    received_.erase(0, end + 1);
    return line;
  }
  /// Whatever comes next, behind all that came before and was not taken.
  [[nodiscard]] Words read_more() {
    if (!tls_) {
      const auto wire = read_wire();
      if (!wire) return wire;
      received_ += *wire;
      return received_;
    }
    Bytes plain(reply_size_max);
    for (;;) {
      const auto size = tls_->read(plain);
      if (!size) return std::unexpected("TLS: " + tls_->reason());
      received_.append(text_of(ByteView(plain).first(*size)));
      if (*size > 0) return received_;
      const auto wire = read_wire();
      if (!wire) return wire;
      tls_->receive(bytes_of(*wire));
    }
  }

 private:
  [[nodiscard]] std::expected<void, std::string> write_wire(std::string_view bytes) {
    if (bytes.empty()) return {};
    return run(
        [&](auto done) { asio::async_write(socket_, asio::buffer(bytes), [done](boost::system::error_code e, std::size_t) { done(e); }); });
  }
  [[nodiscard]] Words read_wire() {
    std::string wire(reply_size_max, '\0');
    std::size_t size = 0;
    const auto read = run([&](auto done) {
      socket_.async_read_some(asio::buffer(wire), [done, &size](auto e, std::size_t got) {
        size = got;
        done(e);
      });
    });
    if (!read) return std::unexpected(read.error());
    wire.resize(size);
    return wire;
  }
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
  std::optional<tls::Session> tls_;
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

LiveCheck check_mmsc(const PeerProfile& peer, const tls::ClientSettings* trust) {
  const auto url = parse_http_url(peer.text("url"));
  LiveCheck check{.peer = peer.name(), .where = url ? url->host_header : peer.text("url")};
  if (!url) {
    check.words = url.error();
    return check;
  }
  return checked(std::move(check), url->host, url->port, [&](Connection& connection) -> Words {
    if (trust != nullptr) {
      if (auto covered = connection.cover(*trust, url->host); !covered) return std::unexpected(covered.error());
    }
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

LiveCheck check_smsc(std::string_view name, const notify::SmppSettings& smsc) {
  return checked({.peer = std::string(name), .where = to_string(smsc.smsc)}, to_string(smsc.smsc.ip), smsc.smsc.port,
                 [&](Connection& connection) -> Words {
                   if (smsc.tls) {
                     if (auto covered = connection.cover(*smsc.tls, smsc.tls_name); !covered) return std::unexpected(covered.error());
                   }
                   return bind(connection, smsc);
                 });
}

LiveCheck check_smart_host(const std::string& address, const SmartHostTls& tls) {
  LiveCheck check{.peer = "smart host", .where = address};
  const auto endpoint = parse_endpoint(address);
  if (!endpoint) {
    check.words = "is no address and port";
    return check;
  }
  return checked(std::move(check), to_string(endpoint->ip), endpoint->port, [&](Connection& connection) -> Words {
    const auto cover = [&] { return connection.cover(*tls.trust, tls.name.empty() ? to_string(endpoint->ip) : tls.name); };
    if (tls.trust != nullptr && !tls.by_command) {
      if (auto covered = cover(); !covered) return std::unexpected(covered.error());
    }
    const auto line = connection.read_line();
    if (line && !line->starts_with("220")) return std::unexpected("greets with " + *line);
    if (!line || tls.trust == nullptr || !tls.by_command) return line;
    if (auto sent = connection.write("EHLO pushmail\r\n"); !sent) return std::unexpected(sent.error());
    for (auto offered = connection.read_line();; offered = connection.read_line()) {
      if (!offered) return offered;
      if (!offered->starts_with("250-")) break;
    }
    if (auto sent = connection.write("STARTTLS\r\n"); !sent) return std::unexpected(sent.error());
    const auto taken = connection.read_line();
    if (taken && !taken->starts_with("220")) return std::unexpected("takes no STARTTLS: " + *taken);
    if (!taken) return taken;
    if (auto covered = cover(); !covered) return std::unexpected(covered.error());
    return line;
  });
}

std::vector<LiveCheck> check_peers(const Config& config, const Settings& settings) {
  // What cannot be read is said by the check of the configuration, before anybody is asked.
  const auto files = read_tls_files(config);
  std::vector<LiveCheck> all;
  for (const auto& [name, peer] : settings.peers) {
    const bool is_known = files && files->peers.contains(name);
    all.push_back(check_mmsc(peer, is_known ? &files->peers.at(name) : nullptr));
  }
  for (const notify::BearerProfile& bearer : settings.bearers) {
    std::vector<StartError> said_already;
    if (bearer.kind == "smpp") all.push_back(check_smsc(bearer.name, notify::configured_smpp(config, bearer.name, said_already)));
  }
  if (settings.smart_host.empty()) return all;
  SmartHostTls tls{.by_command = config.text("smtp.smart_host_tls") == "starttls", .name = config.text("smtp.smart_host_name")};
  if (files && files->smart_host) tls.trust = &*files->smart_host;
  all.push_back(check_smart_host(settings.smart_host, tls));
  return all;
}

}  // namespace pushmail::cli
