// One SMPP 3.4 session as ESME without its socket: bind, a window of submit_sm, enquire_link, rebind with back-off, unbind.
// Bytes and time come in by calls, bytes go out through SmppWire: SmppSession gives it a TCP socket, the simulation a clock moved by hand.
//
// Came from: Notifier (texts), the SMSC (deliver_sm, data_sm). Goes to: BearerEvents. A text is one or several submit_sm; it counts as sent
// when every one was answered. A text that the SMSC leaves without an answer while it answers later ones is in doubt alone; the session
// goes on. Invariants: states are those of smpp_state.h; every request of ours has a deadline; deliver_sm is answered with 0 only after
// on_sms said that it is durable; only an answered submit_sm, or five minutes that hold, make the next rebind quick again (an SMSC that
// takes the bind and then ends the session is one that fails). SMPP 3.4 §2, §4, §7.2.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/sms/automatic.h"
#include "codec/sms/gsm.h"
#include "codec/sms/smpp.h"
#include "controlplane/notify/bearer.h"
#include "controlplane/notify/smpp_state.h"
#include "core/clock.h"
#include "core/endpoint.h"
#include "core/timers.h"
#include "core/tls.h"

namespace pushmail::notify {

/// What a session may be used for (SMPP 3.4 §2.2).
enum class SmppRole : std::uint8_t { transceiver, transmitter, receiver };
/// How we bind: once for both ways, with two sessions, or once and with two where the SMSC refuses the one.
enum class SmppBind : std::uint8_t { automatic, transceiver, pair };

struct SmppSettings {
  Endpoint smsc{};
  std::optional<tls::ClientSettings> tls{};  // whom we trust as the SMSC; nothing: without TLS
  std::string tls_name{};                    // that its certificate must carry
  std::string system_id{};
  std::string password{};
  std::string system_type{};
  std::string source{};  // sender of our messages
  SmppBind bind = SmppBind::automatic;
  sms::Alphabet in_zero = sms::Alphabet::gsm;  // what the SMSC takes data_coding 0 for
  std::size_t window = 10;                     // unanswered submit_sm
  Duration enquire_link = seconds(30);         // time without an answer to anything of ours before enquire_link
  Duration response_max = timers::smpp_response;
  Duration slow_after = timers::answer_usual;              // a submit_sm without an answer gives its place in the window to others
  Duration throttle_pause = timers::smpp_throttled.first;  // the first one; doubles with each refusal for now
  Duration throttle_pause_most = timers::smpp_throttled.most;
  Duration rebind_first = timers::smpp_rebind.first;
  Duration rebind_most = timers::smpp_rebind.most;
  Duration stable = timers::smpp_stable;  // a session that held so long was a good one
};

/// What becomes of a PDU whose turn has not come when we end the connection.
enum class AtEnd : std::uint8_t { dropped, sent };

/// The connection as the protocol sees it. None of these calls back from within.
class SmppWire {
 public:
  virtual ~SmppWire() = default;
  /// on_connected() or on_closed() follows.
  virtual void connect() = 0;
  virtual void write(Bytes pdu, AtEnd at_end) = 0;
  /// What is not dropped still goes out where the connection takes it at once. on_closed() does not follow. Returns of how many PDUs that
  /// are dropped at the end no byte has left: the last ones.
  virtual std::size_t close() = 0;
};

class SmppProtocol final : public Bearer {
 public:
  using Random = std::function<std::uint64_t()>;
  /// All of them outlive it.
  SmppProtocol(const Clock& clock, SmppSettings settings, BearerEvents& events, SmppWire& wire, Random random,
               SmppRole role = SmppRole::transceiver);

  void start() override;
  /// Unbinds; the session is over when the SMSC answers or after two seconds.
  void stop() override;
  /// The owner of the events is gone: nothing is told any more.
  void forget() { events_ = nullptr; }

  void on_connected();
  void on_bytes(ByteView bytes);
  void on_closed(const std::string& reason);
  /// To be called at deadline(), and harmless at any other time.
  void on_time();
  /// When on_time() has something to do; nothing when it never will again.
  [[nodiscard]] std::optional<Instant> deadline() const;

  [[nodiscard]] bool is_ready() const override { return state_ == SmppState::bound; }
  [[nodiscard]] std::size_t room() const override;
  void submit(const OutgoingNotice& notice) override;
  [[nodiscard]] std::string state() const override;
  [[nodiscard]] SmppState phase() const { return state_; }
  /// Why the session ended last, or that there was none yet.
  [[nodiscard]] std::string last_error() const override { return last_error_; }
  [[nodiscard]] std::string address() const override { return to_string(settings_.smsc); }
  /// Bound to send alone: what phones write and receipts need a session of their own.
  [[nodiscard]] bool needs_receiver() const { return state_ == SmppState::bound && role_ == SmppRole::transmitter; }

 private:
  struct Segment {
    std::int64_t text = 0;   // that waits for its answer
    std::int64_t owner = 0;  // of which it is a part, also when nobody waits for it any more
    smpp::Pdu pdu{};
    Instant sent{};
  };
  struct Text {
    std::size_t segments_left = 0;
    std::uint64_t first_request = 0;      // in `requests_`, of its first segment that was written; 0: none was
    bool taken = false;                   // a segment of it was answered with success
    std::vector<std::string> smsc_ids{};  // of the parts that were taken
    std::string refusal{};
    bool deferred = false;        // the refusal holds for now only
    int tries = 0;                // rounds of refusals since a segment was taken
    std::vector<Segment> held{};  // of a text that was refused for now: not to be sent before the others are answered
  };
  struct Asked {
    smpp::Command command = smpp::Command::enquire_link;
    Instant deadline{};
  };

  void move(SmppEvent event) { state_ = next_state(state_, event); }
  void connect();
  void on_frame(const smpp::Frame& frame);
  void on_request(const smpp::Pdu& pdu);
  void on_response(const smpp::Pdu& pdu);
  void on_bind_response(const smpp::Pdu& pdu);
  void on_submit_response(const smpp::Pdu& pdu);
  void on_message(const smpp::Pdu& pdu);
  void look_at_late();
  [[nodiscard]] std::optional<Instant> session_deadline() const;
  void on_receipt(const smpp::Pdu& pdu, const sms::Judgement& judgement);
  [[nodiscard]] bool is_slow(const Segment& segment) const { return clock_.now() - segment.sent >= settings_.slow_after; }
  [[nodiscard]] bool is_overtaken(const Segment& segment) const { return segment.sent < answered_sent_; }
  [[nodiscard]] std::size_t places() const;
  void give_up(std::uint32_t sequence);
  void slow_down(const Segment& refused);
  void put_off(Segment segment, Text& text, std::string_view reason);
  void go_on(std::int64_t id, Text& text);
  void take_out(std::int64_t id, Text& text);
  void finish(std::int64_t id, const Text& text);
  void pump();
  std::uint32_t send_request(smpp::Pdu& pdu);
  void send(const smpp::Pdu& pdu, AtEnd at_end = AtEnd::sent);
  void lost(const std::string& reason);
  void try_other_bind();
  void end(std::string_view reason);

  const Clock& clock_;
  const SmppSettings settings_;
  BearerEvents* events_;
  SmppWire& wire_;
  const Random random_;

  SmppRole role_;
  SmppState state_ = SmppState::idle;
  std::uint64_t connection_ = 0;  // grows when one ends: a loop over the bytes of an older one stops
  std::string last_error_ = "not yet connected";
  int closed_binds_ = 0;        // connections that ended before the first bind was answered
  std::uint32_t failures_ = 0;  // ends since the last answered submit_sm or stable time
  Instant due_{};               // idle: the next connect; connecting, unbinding: the end of patience
  Instant bound_at_{};
  Instant proved_at_{};  // the last answer of the SMSC to anything of ours
  // How much the SMSC takes (AIMD, as TCP does): a refusal for now halves the window and doubles the pause, what is taken widens it by one.
  // Kept over a rebind, which is no cure for what the SMSC cannot take.
  std::size_t window_;
  std::uint32_t refusals_ = 0;  // steps since something was taken
  std::int64_t refused_ = 0;    // the text that was refused for now last
  Instant slowed_at_{};
  Instant paused_until_{};
  bool enquiring_ = false;
  std::uint64_t requests_ = 0;  // of ours that were written on this connection
  Instant answered_sent_{};     // when the newest submit_sm that has its answer was sent: the SMSC answers such
  Bytes in_;
  std::uint32_t sequence_ = 0;
  std::map<std::uint32_t, Asked> asked_;  // our requests without an answer
  std::map<std::uint32_t, Segment> unanswered_;
  std::deque<std::uint32_t> passed_over_;  // sequence numbers that nobody waits for, oldest first
  std::deque<Segment> waiting_;
  std::map<std::int64_t, Text> texts_;
  sms::Reassembly reassembly_;
};

}  // namespace pushmail::notify
