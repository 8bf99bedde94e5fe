#include "controlplane/notify/smpp_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <deque>
#include <map>

#include "codec/sms/gsm.h"
#include "codec/sms/receipt.h"
#include "codec/sms/smpp.h"
#include "core/ids.h"
#include "core/log.h"

namespace pushmail::notify {

namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using smpp::Command;
using smpp::Pdu;

constexpr std::uint32_t sequence_max = 0x7FFFFFFF;
constexpr std::uint8_t registered_receipt = 1;
constexpr std::size_t read_size = 16 * 1024;
constexpr auto stop_time_max = std::chrono::seconds(2);
constexpr int retry_max = 10;
constexpr std::int64_t nobodys_text = -1;
constexpr std::size_t unwritten_max = 1000;          // PDUs; an SMSC that asks and does not read is not listened to

std::chrono::nanoseconds nanoseconds(Duration d) { return std::chrono::nanoseconds(d.ns); }

// SMPP 3.4 §5.2.5: what kind of address this is. A short code has no numbering plan of its own.
void set_source(Pdu& pdu, const std::string& source) {
  const bool digits = !source.empty() && std::all_of(source.begin(), source.end(), [](char c) { return c >= '0' && c <= '9'; });
  pdu.source_addr = source;
  pdu.source_addr_ton = !digits ? smpp::ton_alphanumeric : source.size() <= 8 ? smpp::ton_abbreviated : smpp::ton_international;
  pdu.source_addr_npi = pdu.source_addr_ton == smpp::ton_international ? smpp::npi_e164 : smpp::npi_unknown;
}

}  // namespace

class SmppSession::Session : public std::enable_shared_from_this<SmppSession::Session> {
 public:
  Session(asio::io_context& context, const Clock& clock, SmppSettings settings, BearerEvents& events)
      : clock_(clock), settings_(std::move(settings)), events_(&events), socket_(context), timer_(context), pause_timer_(context) {}

  void start() { connect(); }
  void stop();
  /// The owner is gone: nothing is told any more.
  void forget() { events_ = nullptr; }

  [[nodiscard]] bool is_ready() const { return phase_ == Phase::bound; }
  [[nodiscard]] std::size_t room() const {
    if (phase_ != Phase::bound) return 0;
    return texts_.size() >= settings_.window ? 0 : settings_.window - texts_.size();
  }
  void submit(const OutgoingSms& sms);
  [[nodiscard]] std::string state() const;

 private:
  enum class Phase : std::uint8_t { idle, connecting, binding, bound, unbinding, stopped };
  struct Text {
    std::size_t segments_left = 0;
    std::string smsc_id{};
    std::string refusal{};
    bool deferred = false;             // the refusal holds for now only
  };
  struct Segment {
    std::int64_t text = 0;
    Pdu pdu{};
    int tries = 0;
  };

  void connect();
  void on_connected();
  void read();
  void on_bytes();
  void on_frame(const smpp::Frame& frame);
  void on_request(const Pdu& pdu);
  void on_response(const Pdu& pdu);
  void on_bind_response(const Pdu& pdu);
  void on_submit_response(const Pdu& pdu);
  void on_deliver(const Pdu& pdu);
  void take_out(std::int64_t id, Text& text);
  void finish(std::int64_t id, Text& text);

  std::uint32_t send_request(Pdu& pdu);
  void send(const Pdu& pdu);
  void write();
  void pump();
  void watch();
  void on_tick();
  void lost(const std::string& reason);

  const Clock& clock_;
  SmppSettings settings_;
  BearerEvents* events_;
  asio::ip::tcp::socket socket_;
  asio::steady_timer timer_;
  asio::steady_timer pause_timer_;

  Phase phase_ = Phase::idle;
  std::uint64_t connection_ = 0;       // callbacks of an older connection are ignored
  std::string last_error_ = "not yet connected";
  int failures_ = 0;
  Bytes in_;
  std::array<std::uint8_t, read_size> chunk_{};
  std::deque<Bytes> out_;
  bool writing_ = false;
  bool reading_ = false;
  std::uint32_t sequence_ = 0;
  Instant last_traffic_{};
  Instant paused_until_{};
  std::map<std::uint32_t, Instant> asked_;          // our requests without an answer: deadline
  std::map<std::uint32_t, Segment> unanswered_;
  std::deque<Segment> waiting_;
  std::map<std::int64_t, Text> texts_;
  std::uint8_t reference_ = 0;
  sms::Reassembly reassembly_;
};

std::string SmppSession::Session::state() const {
  switch (phase_) {
    case Phase::bound: return "bound to " + to_string(settings_.smsc);
    case Phase::connecting:
    case Phase::binding: return "connecting to " + to_string(settings_.smsc);
    case Phase::unbinding:
    case Phase::stopped: return "stopped";
    case Phase::idle: break;
  }
  return fmt::format("not connected to {}: {}", to_string(settings_.smsc), last_error_);
}

void SmppSession::Session::connect() {
  if (phase_ == Phase::stopped || phase_ == Phase::unbinding) return;
  phase_ = Phase::connecting;
  const std::uint64_t connection = ++connection_;
  socket_ = asio::ip::tcp::socket(socket_.get_executor());
  const IpAddress& ip = settings_.smsc.ip;
  const asio::ip::address address = ip.is_v4() ? asio::ip::address(asio::ip::address_v4(ip.v4())) : asio::ip::address(asio::ip::address_v6(ip.bytes));
  socket_.async_connect({address, settings_.smsc.port}, [self = shared_from_this(), connection](error_code error) {
    if (connection != self->connection_) return;
    if (error) return self->lost(error.message());
    self->on_connected();
  });
  asked_[0] = clock_.now() + settings_.response_max;   // the connect itself
  watch();
}

void SmppSession::Session::on_connected() {
  asked_.clear();
  phase_ = Phase::binding;
  error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  last_traffic_ = clock_.now();
  read();
  Pdu bind;
  bind.command = Command::bind_transceiver;
  bind.system_id = settings_.system_id;
  bind.password = settings_.password;
  bind.system_type = settings_.system_type;
  send_request(bind);
}

void SmppSession::Session::read() {
  reading_ = out_.size() <= unwritten_max;
  if (!reading_) return;               // write() goes on
  socket_.async_read_some(asio::buffer(chunk_), [self = shared_from_this(), connection = connection_](error_code error, std::size_t size) {
    if (connection != self->connection_) return;
    if (error) return self->lost(error.message());
    append(self->in_, ByteView(self->chunk_).first(size));
    self->on_bytes();
    if (connection == self->connection_) self->read();
  });
}

void SmppSession::Session::on_bytes() {
  const std::uint64_t connection = connection_;
  last_traffic_ = clock_.now();
  std::size_t used = 0;
  while (true) {
    const auto frame = smpp::parse_frame(ByteView(in_).subspan(used));
    if (frame.needs_more()) break;
    if (frame.is_bad()) {
      // SMPP 3.4 §3.2: the stream cannot be found again after a broken length.
      Pdu nack;
      nack.command = Command::generic_nack;
      nack.status = smpp::status::bad_command_length;
      send(nack);
      return lost(std::string(frame.error().info->text));
    }
    on_frame(frame.value());
    if (connection != connection_) return;
    used += frame.used();
  }
  in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(used));
}

void SmppSession::Session::on_frame(const smpp::Frame& frame) {
  const auto pdu = smpp::decode(frame);
  if (!pdu) {
    log_warning("smpp_bad_pdu").error(pdu.error()).number("command_id", frame.command_id);
    // A response is never answered (SMPP 3.4 §3.2): two sides that nack each other would never end.
    if ((frame.command_id & 0x80000000U) == 0) send(smpp::nack_for(frame, pdu.error()));
    return;
  }
  if (smpp::is_response(pdu->command)) on_response(*pdu);
  else on_request(*pdu);
}

void SmppSession::Session::on_request(const Pdu& pdu) {
  switch (pdu.command) {
    case Command::enquire_link: return send(smpp::respond(pdu));
    case Command::unbind:
      send(smpp::respond(pdu));
      return lost("the SMSC ended the session");
    case Command::deliver_sm:
      if (phase_ != Phase::bound) return send(smpp::respond(pdu, smpp::status::wrong_bind_status));
      return on_deliver(pdu);
    default: return send(smpp::respond(pdu, smpp::status::bad_command_id));
  }
}

void SmppSession::Session::on_deliver(const Pdu& pdu) {
  if (pdu.is_receipt()) {
    const auto receipt = sms::read_receipt(pdu);
    if (receipt && events_ != nullptr) events_->on_sms_receipt(pdu.source_addr, receipt->message_id, sms::word_of(receipt->state));
    return send(smpp::respond(pdu));
  }
  const auto message = reassembly_.add(sms::read_deliver(pdu), clock_.now());
  Taken taken = Taken::yes;
  if (message && events_ != nullptr) taken = events_->on_sms({message->source, message->destination, message->text()});
  send(smpp::respond(pdu, taken == Taken::yes ? smpp::status::ok : smpp::status::esme_temporary));
}

void SmppSession::Session::on_response(const Pdu& pdu) {
  if (asked_.erase(pdu.sequence) == 0) return;   // late, or nobody asked
  if (phase_ == Phase::binding) return on_bind_response(pdu);
  if (phase_ == Phase::unbinding) {
    phase_ = Phase::stopped;
    error_code ignored;
    socket_.close(ignored);
    timer_.cancel();
    pause_timer_.cancel();
    return;
  }
  if (unanswered_.contains(pdu.sequence)) on_submit_response(pdu);
}

void SmppSession::Session::on_bind_response(const Pdu& pdu) {
  if (pdu.status != smpp::status::ok) return lost(fmt::format("bind refused: {}", smpp::status_text(pdu.status)));
  phase_ = Phase::bound;
  failures_ = 0;
  last_error_.clear();
  log_info("smpp_bound").text("smsc", to_string(settings_.smsc)).text("as", settings_.system_id);
  if (events_ != nullptr) events_->on_bearer_ready();
}

void SmppSession::Session::on_submit_response(const Pdu& pdu) {
  auto node = unanswered_.extract(pdu.sequence);
  Segment& segment = node.mapped();
  const auto text = texts_.find(segment.text);
  if (text == texts_.end()) return pump();
  switch (smpp::class_of(pdu.status)) {
    case smpp::StatusClass::ok:
      if (text->second.smsc_id.empty()) text->second.smsc_id = pdu.message_id;
      --text->second.segments_left;
      break;
    case smpp::StatusClass::temporary:
      // Throttled or full (SMPP 3.4 §5.1.3): everybody waits a moment, this one goes first.
      paused_until_ = clock_.now() + settings_.throttle_pause;
      if (++segment.tries < retry_max) {
        waiting_.push_front(std::move(segment));
        return pump();
      }
      // Too often: this text makes room for others, and whoever owns it decides when to try again.
      take_out(segment.text, text->second);
      text->second.refusal = smpp::status_text(pdu.status);
      text->second.deferred = true;
      break;
    case smpp::StatusClass::session: return lost(std::string(smpp::status_text(pdu.status)));
    case smpp::StatusClass::permanent:
      take_out(segment.text, text->second);
      text->second.refusal = smpp::status_text(pdu.status);
      break;
  }
  if (text->second.segments_left == 0) {
    const std::int64_t id = text->first;
    Text done = std::move(text->second);
    texts_.erase(text);
    finish(id, done);
  }
  pump();
}

// Answers to its other segments, which may still come, must not count for a later try of the same text.
void SmppSession::Session::take_out(std::int64_t id, Text& text) {
  std::erase_if(waiting_, [&](const Segment& other) { return other.text == id; });
  for (auto& [sequence, other] : unanswered_) {
    if (other.text == id) other.text = nobodys_text;
  }
  text.segments_left = 0;
}

void SmppSession::Session::finish(std::int64_t id, Text& text) {
  if (events_ == nullptr) return;
  if (text.deferred) events_->on_sms_deferred(id, text.refusal);
  else if (text.refusal.empty()) events_->on_sms_sent(id, text.smsc_id);
  else events_->on_sms_refused(id, text.refusal);
}

void SmppSession::Session::submit(const OutgoingSms& sms) {
  if (phase_ != Phase::bound || texts_.contains(sms.id)) return;
  const auto segments = sms::split_text(sms.text, ++reference_);
  texts_[sms.id] = {.segments_left = segments.size()};
  for (const sms::Segment& segment : segments) {
    Pdu pdu;
    pdu.command = Command::submit_sm;
    set_source(pdu, settings_.source);
    pdu.dest_addr_ton = smpp::ton_international;
    pdu.dest_addr_npi = smpp::npi_e164;
    pdu.destination_addr = sms.to.digits();
    pdu.esm_class = segment.esm_class;
    pdu.data_coding = segment.data_coding;
    pdu.short_message = segment.short_message;
    pdu.registered_delivery = registered_receipt;
    waiting_.push_back({.text = sms.id, .pdu = std::move(pdu)});
  }
  pump();
}

void SmppSession::Session::pump() {
  const Instant now = clock_.now();
  if (phase_ != Phase::bound) return;
  if (now < paused_until_) {
    pause_timer_.expires_after(nanoseconds(paused_until_ - now));
    pause_timer_.async_wait([self = shared_from_this(), connection = connection_](error_code error) {
      if (!error && connection == self->connection_) self->pump();
    });
    return;
  }
  while (!waiting_.empty() && unanswered_.size() < settings_.window) {
    Segment segment = std::move(waiting_.front());
    waiting_.pop_front();
    const std::uint32_t sequence = send_request(segment.pdu);
    unanswered_.emplace(sequence, std::move(segment));
  }
}

std::uint32_t SmppSession::Session::send_request(Pdu& pdu) {
  sequence_ = sequence_ == sequence_max ? 1 : sequence_ + 1;
  pdu.sequence = sequence_;
  asked_[sequence_] = clock_.now() + settings_.response_max;
  send(pdu);
  watch();
  return sequence_;
}

void SmppSession::Session::send(const Pdu& pdu) {
  auto bytes = smpp::encode(pdu);
  if (!bytes) {
    log_error("smpp_not_encodable").error(bytes.error()).number("command_id", static_cast<std::uint32_t>(pdu.command));
    return;
  }
  log_debug("smpp_out").number("command_id", static_cast<std::uint32_t>(pdu.command)).number("sequence", pdu.sequence);
  out_.push_back(std::move(*bytes));
  if (!writing_) write();
}

void SmppSession::Session::write() {
  if (out_.empty() || !socket_.is_open()) return;
  writing_ = true;
  asio::async_write(socket_, asio::buffer(out_.front()), [self = shared_from_this(), connection = connection_](error_code error, std::size_t) {
    if (connection != self->connection_) return;
    self->writing_ = false;
    self->out_.pop_front();
    if (error) return self->lost(error.message());
    if (!self->reading_ && self->out_.size() <= unwritten_max) self->read();
    self->write();
  });
}

// One timer for everything that has a deadline: the oldest unanswered request, and the silence before enquire_link.
void SmppSession::Session::watch() {
  Instant next = last_traffic_ + settings_.enquire_link;
  if (phase_ != Phase::bound) next = clock_.now() + settings_.response_max;
  for (const auto& [sequence, deadline] : asked_) next = std::min(next, deadline);
  const std::int64_t wait = std::max<std::int64_t>((next - clock_.now()).ns, 1'000'000);
  timer_.expires_after(std::chrono::nanoseconds(wait));
  timer_.async_wait([self = shared_from_this(), connection = connection_](error_code error) {
    if (!error && connection == self->connection_) self->on_tick();
  });
}

void SmppSession::Session::on_tick() {
  const Instant now = clock_.now();
  for (const auto& [sequence, deadline] : asked_) {
    if (deadline <= now) return lost("the SMSC does not answer");
  }
  if (phase_ == Phase::bound && now - last_traffic_ >= settings_.enquire_link) {
    last_traffic_ = now;
    Pdu enquire;
    enquire.command = Command::enquire_link;
    send_request(enquire);
    return;
  }
  watch();
}

void SmppSession::Session::lost(const std::string& reason) {
  const bool stopping = phase_ == Phase::unbinding || phase_ == Phase::stopped;
  const bool was_bound = phase_ == Phase::bound;
  ++connection_;
  error_code ignored;
  // What was queued for the other side (unbind_resp, generic_nack) still goes out where the socket takes it at once.
  for (const Bytes& bytes : out_) {
    if (writing_ && &bytes == &out_.front()) continue;
    socket_.non_blocking(true, ignored);
    if (socket_.write_some(asio::buffer(bytes), ignored) != bytes.size() || ignored) break;
  }
  socket_.close(ignored);
  timer_.cancel();
  pause_timer_.cancel();
  in_.clear();
  out_.clear();
  writing_ = false;
  asked_.clear();
  unanswered_.clear();
  waiting_.clear();
  texts_.clear();
  phase_ = stopping ? Phase::stopped : Phase::idle;
  if (stopping) return;

  last_error_ = reason;
  const int doublings = std::min(failures_++, 16);
  const std::int64_t longest = std::min(settings_.rebind_first.ns << doublings, settings_.rebind_most.ns);
  const std::int64_t wait = longest / 2 + static_cast<std::int64_t>(random_u64() % static_cast<std::uint64_t>(longest / 2 + 1));
  LogEvent(was_bound || failures_ == 1 ? LogLevel::warning : LogLevel::debug, "smpp_lost").text("smsc", to_string(settings_.smsc)).text("reason", reason).number("again_in_ms", wait / 1'000'000);
  timer_.expires_after(std::chrono::nanoseconds(wait));
  timer_.async_wait([self = shared_from_this(), connection = connection_](error_code error) {
    if (!error && connection == self->connection_) self->connect();
  });
  if (events_ != nullptr) events_->on_bearer_lost(reason);
}

void SmppSession::Session::stop() {
  if (phase_ != Phase::bound) {
    phase_ = Phase::stopped;
    return lost("stopped");
  }
  phase_ = Phase::unbinding;
  waiting_.clear();
  Pdu unbind;
  unbind.command = Command::unbind;
  send_request(unbind);
  asked_ = {{unbind.sequence, clock_.now() + settings_.response_max}};
  timer_.expires_after(stop_time_max);
  timer_.async_wait([self = shared_from_this(), connection = connection_](error_code error) {
    if (!error && connection == self->connection_) self->lost("stopped");
  });
}

SmppSession::SmppSession(asio::io_context& context, const Clock& clock, SmppSettings settings, BearerEvents& events)
    : session_(std::make_shared<Session>(context, clock, std::move(settings), events)) {}
SmppSession::~SmppSession() { session_->forget(); }
void SmppSession::start() { session_->start(); }
void SmppSession::stop() { session_->stop(); }
bool SmppSession::is_ready() const { return session_->is_ready(); }
std::size_t SmppSession::room() const { return session_->room(); }
void SmppSession::submit(const OutgoingSms& sms) { session_->submit(sms); }
std::string SmppSession::state() const { return session_->state(); }

}  // namespace pushmail::notify
