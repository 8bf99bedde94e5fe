#include "controlplane/notify/smpp_session.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <utility>

#include "core/errors.h"
#include "core/ids.h"
#include "core/tls.h"

namespace pushmail::notify {

namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::size_t read_size = 16 * 1024;
constexpr std::size_t unwritten_max = 1000;  // PDUs; an SMSC that asks and does not read is not listened to

}  // namespace

class SmppSession::Socket final : public SmppWire, public std::enable_shared_from_this<SmppSession::Socket> {
 public:
  Socket(asio::io_context& context, const Clock& clock, const SmppSettings& settings, Durability& durability, BearerEvents& events,
         SmppRole role)
      : protocol(clock, settings, events, *this, random_u64, role),
        clock_(clock),
        durability_(durability),
        settings_(settings),
        socket_(context),
        timer_(context) {}

  SmppProtocol protocol;
  std::function<void()> changed{};  // after everything that went into the protocol

  /// After everything that went into the protocol: its deadline may be another one now.
  void arm();

  void connect() override;
  void write(Bytes pdu, AtEnd at_end) override;
  std::size_t close() override;

 private:
  struct Unwritten {
    Bytes pdu{};
    AtEnd at_end{};
  };
  void read();
  void take(ByteView bytes);
  void take_secured(ByteView wire);
  void fail(const std::string& reason);
  void write_next();
  void write_wire();
  void send(Bytes bytes, std::function<void(error_code, std::size_t)> done);

  const Clock& clock_;
  Durability& durability_;
  const SmppSettings settings_;
  asio::ip::tcp::socket socket_;
  asio::steady_timer timer_;
  std::uint64_t connection_ = 0;  // callbacks of an older connection are ignored
  std::array<std::uint8_t, read_size> chunk_{};
  std::deque<Unwritten> out_;
  std::size_t may_leave_ = 0;  // so many of them, from the front, rest on nothing but what is on disk
  bool writing_ = false;       // the first of them; some of it may have left
  bool reading_ = false;
  std::optional<tls::Session> tls_{};
  bool secured_ = false;    // its handshake is over
  Bytes wire_{};            // of TLS itself, behind what is being written
  Bytes leaving_{};         // what is being written
  bool wire_busy_ = false;  // the socket takes `leaving_` now
};

void SmppSession::Socket::arm() {
  if (changed) changed();
  const auto deadline = protocol.deadline();
  if (!deadline) {
    timer_.cancel();
    return;
  }
  timer_.expires_after(std::chrono::nanoseconds(std::max<std::int64_t>((*deadline - clock_.now()).ns, 0)));
  timer_.async_wait([self = shared_from_this()](error_code error) {
    if (error) return;
    self->protocol.on_time();
    self->arm();
  });
}

void SmppSession::Socket::connect() {
  const std::uint64_t connection = ++connection_;
  socket_ = asio::ip::tcp::socket(socket_.get_executor());
  tls_.reset();
  secured_ = false;
  wire_.clear();
  wire_busy_ = false;
  const IpAddress& ip = settings_.smsc.ip;
  const asio::ip::address address =
      ip.is_v4() ? asio::ip::address(asio::ip::address_v4(ip.v4())) : asio::ip::address(asio::ip::address_v6(ip.bytes));
  socket_.async_connect({address, settings_.smsc.port}, [self = shared_from_this(), connection](error_code error) {
    if (connection != self->connection_) return;
    if (error) {
      self->protocol.on_closed(error.message());
      return self->arm();
    }
    error_code ignored;
    self->socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    self->read();
    if (self->settings_.tls) {
      auto session = tls::Session::open(*self->settings_.tls, self->settings_.tls_name);
      if (!session) return self->fail(std::string(session.error().info->text));
      self->tls_.emplace(std::move(*session));
      self->take_secured({});
    } else {
      self->protocol.on_connected();
    }
    self->arm();
  });
}

void SmppSession::Socket::fail(const std::string& reason) {
  protocol.on_closed(reason);
  arm();
}

void SmppSession::Socket::read() {
  reading_ = out_.size() <= unwritten_max;
  if (!reading_) return;  // write_next() goes on
  socket_.async_read_some(asio::buffer(chunk_), [self = shared_from_this(), connection = connection_](error_code error, std::size_t size) {
    if (connection != self->connection_) return;
    if (error) {
      self->protocol.on_closed(error.message());
    } else {
      self->take(ByteView(self->chunk_).first(size));
    }
    if (connection == self->connection_) self->read();
    self->arm();
  });
}

void SmppSession::Socket::take(ByteView bytes) {
  if (tls_) return take_secured(bytes);
  protocol.on_bytes(bytes);
}

// Bytes of the wire, none at the beginning: the handshake goes on, or what they carry goes to the protocol.
void SmppSession::Socket::take_secured(ByteView wire) {
  const std::uint64_t connection = connection_;
  tls_->receive(wire);
  if (!secured_) {
    const auto step = tls_->handshake();
    write_wire();
    if (connection != connection_) return;
    if (!step) return protocol.on_closed("TLS: " + tls_->reason());
    if (*step != tls::Handshake::done) return;
    secured_ = true;
    protocol.on_connected();
  }
  std::array<std::uint8_t, read_size> plain;
  // The protocol may end the connection, and with it the session of TLS.
  while (connection == connection_) {
    const auto size = tls_->read(plain);
    write_wire();
    if (connection != connection_) return;
    if (!size) return protocol.on_closed(size.error().is(core_tls_closed) ? "closed by the SMSC" : "TLS: " + tls_->reason());
    if (*size == 0) return;
    protocol.on_bytes(ByteView(plain).first(*size));
  }
}

void SmppSession::Socket::write(Bytes pdu, AtEnd at_end) {
  out_.push_back({.pdu = std::move(pdu), .at_end = at_end});
  durability_.when_durable([self = shared_from_this(), connection = connection_] {
    if (connection != self->connection_) return;
    ++self->may_leave_;
    if (!self->writing_) self->write_next();
  });
}

// What TLS itself wants to say.
void SmppSession::Socket::write_wire() {
  append(wire_, ByteView(tls_->take_wire()));
  if (!wire_busy_) write_next();
}

void SmppSession::Socket::write_next() {
  if (wire_busy_ || !socket_.is_open()) return;
  if (!wire_.empty()) {
    return send(std::exchange(wire_, {}), [this](error_code error, std::size_t) {
      if (error) return fail(error.message());
      write_next();
    });
  }
  if (may_leave_ == 0) return;
  writing_ = true;
  Bytes bytes = out_.front().pdu;
  if (tls_) {
    if (!tls_->write(bytes)) return fail("TLS: " + tls_->reason());
    bytes = tls_->take_wire();
  }
  send(std::move(bytes), [this](error_code error, std::size_t written) {
    writing_ = false;
    if (written != 0) {
      out_.pop_front();
      --may_leave_;
    }
    if (error) return fail(error.message());
    if (!reading_ && out_.size() <= unwritten_max) read();
    write_next();
  });
}

// One at a time; `done` is not called when the connection is another by then.
void SmppSession::Socket::send(Bytes bytes, std::function<void(error_code, std::size_t)> done) {
  wire_busy_ = true;
  leaving_ = std::move(bytes);
  asio::async_write(socket_, asio::buffer(leaving_),
                    [self = shared_from_this(), connection = connection_, done = std::move(done)](error_code error, std::size_t written) {
                      if (connection != self->connection_) return;
                      self->wire_busy_ = false;
                      done(error, written);
                    });
}

std::size_t SmppSession::Socket::close() {
  ++connection_;
  Bytes answers;
  std::size_t dropped = 0;
  for (const Unwritten& one : out_) {
    if (writing_ && &one == &out_.front()) continue;
    if (one.at_end == AtEnd::dropped)
      ++dropped;
    else
      append(answers, ByteView(one.pdu));
  }
  error_code ignored;
  socket_.cancel(ignored);
  out_.clear();
  may_leave_ = 0;
  writing_ = false;
  if (tls_) {
    if (secured_ && (answers.empty() || tls_->write(answers))) tls_->close();
    append(wire_, ByteView(tls_->take_wire()));
    answers = std::exchange(wire_, {});
    tls_.reset();
  }
  if (answers.empty()) {
    socket_.close(ignored);
    return dropped;
  }
  // What was queued in answer to the other side (deliver_sm_resp, unbind_resp, generic_nack) still goes out, when what it rests on is on
  // disk and as far as the socket takes it at once: else the SMSC sends again what a phone wrote.
  durability_.when_durable([leaving = std::make_shared<asio::ip::tcp::socket>(std::move(socket_)), answers = std::move(answers)] {
    error_code full;
    leaving->non_blocking(true, full);
    if (!full) leaving->write_some(asio::buffer(answers), full);
    leaving->close(full);
  });
  return dropped;
}

// A session of its own that may be away while the other one is not: of it only what it brings counts.
class SmppSession::ReceiverEvents final : public BearerEvents {
 public:
  explicit ReceiverEvents(BearerEvents& events) : events_(events) {}
  void on_bearer_ready() override {}
  void on_bearer_lost(std::string_view, std::span<const std::int64_t>) override {}
  void on_sent(std::int64_t, const std::vector<std::string>&) override {}
  void on_parts(std::int64_t, const std::vector<std::string>&) override {}
  void on_refused(std::int64_t, std::string_view) override {}
  void on_deferred(std::int64_t, std::string_view) override {}
  void on_in_doubt(std::int64_t, std::string_view) override {}
  Taken on_sms(const IncomingSms& message) override { return events_.on_sms(message); }
  void on_receipt(const SmsReceipt& receipt) override { events_.on_receipt(receipt); }

 private:
  BearerEvents& events_;
};

SmppSession::SmppSession(asio::io_context& context, const Clock& clock, SmppSettings settings, Durability& durability, BearerEvents& events)
    : context_(context),
      clock_(clock),
      settings_(std::move(settings)),
      durability_(durability),
      receiver_events_(std::make_unique<ReceiverEvents>(events)),
      socket_(std::make_shared<Socket>(context, clock, settings_, durability, events, SmppRole::transceiver)) {
  socket_->changed = [this] { follow(); };
}
SmppSession::~SmppSession() {
  socket_->changed = nullptr;
  socket_->protocol.forget();
  if (receiver_) receiver_->protocol.forget();
}
// The receiver comes with a transmitter, stays while that one is away, and goes when one session does both.
void SmppSession::follow() {
  if (socket_->protocol.needs_receiver() && !receiver_) {
    receiver_ = std::make_shared<Socket>(context_, clock_, settings_, durability_, *receiver_events_, SmppRole::receiver);
    receiver_->protocol.start();
    receiver_->arm();
  } else if (socket_->protocol.is_ready() && !socket_->protocol.needs_receiver() && receiver_) {
    const auto unneeded = std::exchange(receiver_, nullptr);
    unneeded->protocol.forget();
    unneeded->protocol.stop();
    unneeded->arm();
  }
}
void SmppSession::start() {
  socket_->protocol.start();
  socket_->arm();
}
void SmppSession::stop() {
  for (const auto& one : {receiver_, socket_}) {
    if (!one) continue;
    one->protocol.stop();
    one->arm();
  }
}
bool SmppSession::is_ready() const { return socket_->protocol.is_ready(); }
std::size_t SmppSession::room() const { return socket_->protocol.room(); }
void SmppSession::submit(const OutgoingNotice& notice) {
  socket_->protocol.submit(notice);
  socket_->arm();
}
std::string SmppSession::address() const { return to_string(settings_.smsc); }
std::string SmppSession::last_error() const { return socket_->protocol.last_error(); }
std::string SmppSession::state() const {
  return receiver_ ? socket_->protocol.state() + "; " + receiver_->protocol.state() : socket_->protocol.state();
}

}  // namespace pushmail::notify
