#include "dataplane/tls/tls_network.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/errors.h"

namespace pushmail {

namespace {

constexpr std::size_t record_size = 16 * 1024;  // of plaintext, the most that one record holds (RFC 8446 §5.1)
// Of what TLS answers by itself on one connection: key updates and refused renegotiations, each of some thirty bytes. An honest peer asks
// for a handful in its life.
constexpr std::uint64_t own_answers_size_max = 16 * 1024;

}  // namespace

/// One stream over another one.
///
///   opening ──TCP is open──> shaking ──both agree──> open ──our close_notify and FIN──> (open, finishing)      on_close beneath: gone
///      └───────────────────────┴── refused, late ──────┴── broken ──> failed: its session has had on_close; alert and FIN are out
class TlsNetwork::Covered final : public Stream, public StreamEvents {
 public:
  enum class Role : std::uint8_t { client, server };
  Covered(TlsNetwork& network, tls::Session session, Role role, StreamEvents* events, std::string label)
      : network_(network), session_(std::move(session)), role_(role), events_(events), label_(std::move(label)) {}
  ~Covered() override { release_all(); }

  /// Before begin().
  void ask(const ClientChecks* checks) { checks_ = checks; }
  void bind(Stream& below) {
    below_ = &below;
    peer_ = below.peer();
  }
  /// Over a stream that is open already.
  void begin() {
    base_ = below_->acknowledged().size;
    below_->set_events(*this);
    start_shaking();
  }

  // Stream, for the session.

  void set_events(StreamEvents& events) override { events_ = &events; }
  void send(ByteView bytes) override {
    if (phase_ == Phase::failed || finishing_ || bytes.empty()) return;
    if (phase_ != Phase::open)
      append(unsent_, bytes);
    else
      encrypt(bytes);
  }
  void send_lent(LentBytes lent) override {
    send(lent.bytes);
    // Encrypting is a copy; the lender hears of it from poll, as with any stream.
    if (lent.release != nullptr) lent_.push_back(lent);
  }
  void finish() override {
    if (std::exchange(finishing_, true) || phase_ == Phase::failed) return;
    if (phase_ == Phase::open) say_goodbye();
  }
  void abort() override {
    phase_ = Phase::failed;
    below_->abort();
  }
  void pause_reading() override {
    paused_ = true;
    below_->pause_reading();
  }
  void resume_reading() override {
    paused_ = false;
    if (!queued_) below_->resume_reading();
  }
  [[nodiscard]] Endpoint peer() const override { return peer_; }
  /// A record of which a byte is missing cannot be read at all, so what is acknowledged in plaintext ends with the last whole record.
  [[nodiscard]] Acknowledged acknowledged() const override {
    const Acknowledged below = below_->acknowledged();
    std::uint64_t size = plain_acknowledged_;
    for (const Record& record : records_) {
      if (record.wire_end > below.size) break;
      size = record.plain_end;
    }
    // Who said close_notify answers nothing more, as after a FIN; his segment carried the last acknowledgement.
    return {.size = size, .is_last = below.is_last || (peer_ended_ && failure_ == nullptr)};
  }
  [[nodiscard]] const ErrorInfo* failure() const override { return failure_; }
  [[nodiscard]] bool is_encrypted() const override { return true; }
  [[nodiscard]] const PeerProof* proof() const override { return proof_ ? &*proof_ : nullptr; }

  // StreamEvents, from beneath.

  void on_open() override { start_shaking(); }
  void on_data(ByteView wire) override {
    if (phase_ == Phase::failed || peer_ended_) return;
    session_.receive(wire);
    if (phase_ == Phase::open) return read_plain();
    wait_for_turn();
    if (!paused_) below_->pause_reading();
  }
  void on_sent() override {
    release_all();
    const std::uint64_t acknowledged_wire = below_->acknowledged().size;
    while (!records_.empty() && records_.front().wire_end <= acknowledged_wire) {
      plain_acknowledged_ = records_.front().plain_end;
      records_.pop_front();
    }
    if (events_ != nullptr && unsent_.empty()) events_->on_sent();
  }
  void on_end() override {
    if (phase_ == Phase::failed || peer_ended_) return;
    if (phase_ != Phase::open) return fail(core_tls_handshake, "the connection ended in the middle of it");
    // RFC 8446 §6.1: without close_notify somebody may have cut it. The session is told, and knows whether it needed more.
    failure_ = &core_tls_cut;
    peer_ended_ = true;
    events_->on_end();
  }
  void on_close(CloseReason reason) override {
    if (phase_ == Phase::shaking) note_failed(core_tls_handshake, "the connection ended in the middle of it");
    if (lingers_) --network_.lingering_;
    if (events_ != nullptr) std::exchange(events_, nullptr)->on_close(reason);
    network_.forget(*this);
  }

  // The network's turn.

  void go_on_shaking() {
    queued_ = false;
    if (phase_ != Phase::shaking) return;
    if (!paused_) below_->resume_reading();
    step();
  }
  void check_deadlines(Instant now) {
    if (phase_ == Phase::shaking && now - since_ > network_.limits_.handshake_time) return fail(core_tls_late, core_tls_late.text);
    if (phase_ == Phase::failed && now - since_ > network_.limits_.linger) below_->abort();
  }
  [[nodiscard]] bool is_queued() const { return queued_; }
  [[nodiscard]] Role role() const { return role_; }

 private:
  enum class Phase : std::uint8_t { opening, shaking, open, failed };
  /// Where a record of ours ends: on the wire, and in what the session sent.
  struct Record {
    std::uint64_t wire_end;
    std::uint64_t plain_end;
  };

  void start_shaking() {
    phase_ = Phase::shaking;
    since_ = network_.now_;
    if (role_ == Role::client) wait_for_turn();
  }
  void wait_for_turn() {
    if (!std::exchange(queued_, true)) network_.waiting_.push_back(this);
  }
  void step() {
    const auto done = session_.handshake();
    send_wire();
    if (!done) return fail(*session_.failure(), session_.reason());
    if (*done == tls::Handshake::needs_wire) return;
    phase_ = Phase::open;
    ++network_.counts_.handshakes;
    if (role_ == Role::server) network_.per_source_.give_back(source_group(peer_.ip).bytes);
    examine_client();
    note_certificate();
    encrypt(std::exchange(unsent_, {}));
    if (finishing_) say_goodbye();
    events_->on_open();
    if (phase_ != Phase::open) return;
    read_plain();
  }

  // Of several reasons the one that a certificate of the right name has says most.
  void examine_client() {
    if (checks_ == nullptr) return;
    PeerProof proof;
    for (const auto& [peer, check] : *checks_) {
      proof.asked.push_back(peer);
      const ErrorInfo* why = session_.refusal_of(check);
      if (why == nullptr)
        proof.peers.push_back(peer);
      else if (proof.refusal == nullptr || proof.refusal == &core_tls_wrong_name)
        proof.refusal = why;
    }
    if (!proof.peers.empty()) proof.refusal = nullptr;
    proof_ = std::move(proof);
    if (!network_.on_certificate_) return;
    for (const std::string& peer : proof_->peers) network_.on_certificate_("client " + peer, *session_.peer_certificate());
  }
  void note_certificate() const {
    if (label_.empty() || !network_.on_certificate_) return;
    if (const auto shown = session_.peer_certificate()) network_.on_certificate_(label_, *shown);
  }

  void read_plain() {
    while (phase_ == Phase::open && !peer_ended_) {
      const auto got = session_.read(network_.plain_);
      if (!got && got.error().is(core_tls_closed)) {
        peer_ended_ = true;
        events_->on_end();
      } else if (!got) {
        fail(*session_.failure(), session_.reason());
      } else if (*got == 0) {
        break;
      } else {
        events_->on_data(ByteView{network_.plain_}.first(*got));
      }
    }
    if (phase_ != Phase::open) return;
    // An alert, or the answer to a key update.
    const std::uint64_t before = wire_sent_;
    send_wire();
    own_answers_size_ += wire_sent_ - before;
    if (own_answers_size_ > own_answers_size_max) fail(core_tls_broken, "it asks for new keys again and again");
  }

  void encrypt(ByteView bytes) {
    while (!bytes.empty()) {
      const ByteView piece = bytes.first(std::min(bytes.size(), record_size));
      // It takes everything, unless the peer broke the connection, and then the next read says so.
      if (!session_.write(piece)) return;
      send_wire();
      plain_sent_ += piece.size();
      records_.push_back({.wire_end = wire_sent_ + base_, .plain_end = plain_sent_});
      bytes = bytes.subspan(piece.size());
    }
  }
  void send_wire() {
    const Bytes wire = session_.take_wire();
    if (wire.empty()) return;
    wire_sent_ += wire.size();
    below_->send(wire);
  }
  void say_goodbye() {
    session_.close();
    send_wire();
    below_->finish();
  }

  void note_failed(const ErrorInfo& why, std::string_view reason) {
    failure_ = &why;
    ++network_.counts_.failed;
    network_.note_failure(*this, reason);
  }
  /// The session hears of it at once; the alert leaves, and with it our FIN.
  void fail(const ErrorInfo& why, std::string_view reason) {
    note_failed(why, reason);
    phase_ = Phase::failed;
    since_ = network_.now_;
    send_wire();
    below_->resume_reading();
    lingers_ = network_.lingering_ < network_.limits_.lingering_max;
    if (lingers_) {
      ++network_.lingering_;
      below_->finish();
    } else {
      below_->abort();
    }
    if (events_ != nullptr) std::exchange(events_, nullptr)->on_close(CloseReason::aborted);
  }
  void release_all() {
    for (const LentBytes& lent : std::exchange(lent_, {})) lent.release(lent.context);
  }

  TlsNetwork& network_;
  Stream* below_ = nullptr;
  Endpoint peer_;
  tls::Session session_;
  Role role_;
  StreamEvents* events_;  // null once it has had on_close
  std::string label_;
  const ClientChecks* checks_ = nullptr;
  std::optional<PeerProof> proof_;
  Phase phase_ = Phase::opening;
  Instant since_{};  // of shaking, of having failed
  bool queued_ = false;
  bool paused_ = false;
  bool finishing_ = false;
  bool peer_ended_ = false;
  bool lingers_ = false;  // has failed, and waits for the alert to leave
  std::uint64_t own_answers_size_ = 0;
  const ErrorInfo* failure_ = nullptr;
  Bytes unsent_;  // before both sides agreed
  std::vector<LentBytes> lent_;
  std::uint64_t base_ = 0;  // acknowledged beneath before we came
  std::uint64_t wire_sent_ = 0;
  std::uint64_t plain_sent_ = 0;
  std::uint64_t plain_acknowledged_ = 0;
  std::deque<Record> records_;  // not acknowledged when last looked at
};

TlsNetwork::TlsNetwork(Network& below, TlsLimits limits)
    : below_(below), limits_(limits), per_source_(limits.per_source), plain_(record_size) {}
TlsNetwork::~TlsNetwork() = default;

std::size_t TlsNetwork::poll(Instant now) {
  now_ = now;
  std::size_t work = below_.poll(now);
  for (std::uint32_t i = 0; i < limits_.handshakes_per_turn && !waiting_.empty(); ++i) {
    Covered& next = *waiting_.front();
    waiting_.pop_front();
    next.go_on_shaking();
    ++work;
  }
  if (now < next_check_) return work;
  next_check_ = now + timers::session_check;
  for (std::size_t i = 0; i < streams_.size(); ++i) streams_[i]->check_deadlines(now);
  return work;
}

void TlsNetwork::wait(int wake_fd, Duration longest) {
  if (waiting_.empty()) below_.wait(wake_fd, longest);
}

TlsNetwork::Covered& TlsNetwork::add(std::unique_ptr<Covered> made) {
  streams_.push_back(std::move(made));
  return *streams_.back();
}

void TlsNetwork::forget(Covered& stream) {
  if (stream.is_queued()) std::erase(waiting_, &stream);
  std::erase_if(streams_, [&](const auto& each) { return each.get() == &stream; });
}

Result<Stream*> TlsNetwork::connect(const Endpoint& peer, StreamEvents& events, tls::Session session, std::string label) {
  auto made = std::make_unique<Covered>(*this, std::move(session), Covered::Role::client, &events, std::move(label));
  PM_TRY(Stream* const below, below_.connect(peer, *made));
  made->bind(*below);
  return &add(std::move(made));
}

Stream* TlsNetwork::cover_as_client(Stream& below, StreamEvents& events, tls::Session session, std::string label) {
  Covered& made = add(std::make_unique<Covered>(*this, std::move(session), Covered::Role::client, &events, std::move(label)));
  made.bind(below);
  made.begin();
  return &made;
}

bool TlsNetwork::is_exempt(const IpAddress& source) const {
  return std::ranges::any_of(exempt_, [&](const IpNetwork& network) { return network.contains(source); });
}

bool TlsNetwork::refuses(const Stream& below) {
  const IpAddress source = below.peer().ip;
  if (is_exempt(source) || per_source_.has(source_group(source).bytes, now_)) return false;
  ++counts_.refused;
  refusals_.note(source, core_tls_too_many.text, now_);
  return true;
}

Result<Stream*> TlsNetwork::cover_as_server(Stream& below, const tls::ServerSettings& settings, const ClientChecks* checks) {
  if (refuses(below)) return fail(core_tls_too_many);
  const IpAddress source = below.peer().ip;
  if (!is_exempt(source)) static_cast<void>(per_source_.take(source_group(source).bytes, now_));
  PM_TRY(auto session, tls::Session::open(settings));
  Covered& made = add(std::make_unique<Covered>(*this, std::move(session), Covered::Role::server, nullptr, std::string()));
  made.ask(checks);
  made.bind(below);
  made.begin();
  return &made;
}

void TlsNetwork::note_failure(const Covered& stream, std::string_view reason) {
  std::string text(stream.failure()->text);
  if (reason != text) text.append(": ").append(reason);
  refusals_.note(stream.peer().ip, text, now_);
}

void TlsListener::use(tls::ServerSettings settings, ClientChecks checks) {
  settings_ = std::move(settings);
  checks_ = std::move(checks);
}

void TlsListener::on_accept(Stream& below) {
  const auto covered = network_.cover_as_server(below, settings_, asked());
  if (!covered) return below.abort();
  behind_->on_accept(**covered);
}

const ErrorInfo* TlsListener::refusal(const Stream& below) { return network_.refuses(below) ? &core_tls_too_many : nullptr; }

Result<Stream*> TlsListener::cover(Stream& below, StreamEvents& events) {
  PM_TRY(Stream* const covered, network_.cover_as_server(below, settings_, asked()));
  covered->set_events(events);
  return covered;
}

Result<Stream*> TlsPeer::connect(const Endpoint& peer, StreamEvents& events) {
  PM_TRY(auto session, tls::Session::open(settings_, name_));
  return network_.connect(peer, events, std::move(session), label_);
}

Result<Stream*> TlsPeer::cover(Stream& below, StreamEvents& events) {
  PM_TRY(auto session, tls::Session::open(settings_, name_));
  return network_.cover_as_client(below, events, std::move(session), label_);
}

}  // namespace pushmail
