// One worker: its network, its sessions, its relay, and the turn that drives them. Read turn() in worker.cpp first.
//
// Came from: main (what was opened), the reloader (settings that changed). Goes to: rings to the I/O thread and the codec lane. A worker
// owns all of this alone: no lock, nothing shared but the rings and the counters.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "core/clock.h"
#include "core/contract/counters/counters.h"
#include "dataplane/certificates.h"
#include "dataplane/link.h"
#include "dataplane/mail_out.h"
#include "dataplane/messages.h"
#include "dataplane/relay/relay.h"
#include "dataplane/reload.h"
#include "dataplane/ring.h"
#include "dataplane/session/http_server.h"
#include "dataplane/session/mm7_service.h"
#include "dataplane/session/smtp_server.h"
#include "dataplane/submit_out.h"
#include "dataplane/tls/tls_network.h"

namespace pushmail {

/// What the process wants of its worker; it only rises. drain: what is under way is finished, within timers::drain. now: the end comes at
/// once, and resets what is open.
enum class Stopping : std::uint8_t { no, drain, now };

struct WorkerRings {
  Ring<ToIo>& to_io;
  Ring<ToWorker>& from_io;
  Ring<relay::Conversion>& to_codec;
  Ring<relay::Converted>& from_codec;
  Ring<Reload>& reloads;
  Wake& bell;
};

class Worker final : relay::JournalPort, relay::HandoffPort, relay::CodecPort, relay::AnswerPort, relay::OutgoingPort {
 public:
  Worker(WorkerSettings settings, Link& link, WorkerRings rings, const Clock& clock, Counters& counters, FaultPoints faults);
  ~Worker() override;

  /// Opens the ports; while privileges are still there.
  [[nodiscard]] Result<void> listen();
  /// For replay and last-known, before run().
  [[nodiscard]] relay::Relay& relay() { return relay_; }
  void set_peers(const RecordView& peers);

  /// The thread: turns until it is to stop and is drained, then one more, and everything it wants of the I/O thread is in the ring. Ring
  /// its bell when `stopping` has risen.
  void run(const std::atomic<Stopping>& stopping);
  /// One turn; returns how much work it found.
  std::size_t turn();

 private:
  // Ports of the relay.
  void append(journal::Kind kind, const ItemId& item, RecordWriter record, std::uint64_t token) override;
  void settle(journal::Kind kind, const ItemId& item) override;
  std::string_view refusal() const override { return refusal_; }
  bool is_ready() const override { return handoff_ready_; }
  void send(handoff::Kind kind, const ItemId& item, RecordWriter record) override;
  void start(relay::Conversion conversion) override;
  void answer_mm7(Ticket ticket, const mm7::Status& status) override { http_.answer(ticket, mm7_.reply_of(ticket, status)); }
  void refuse_mm7(Ticket ticket) override { http_.refuse_temporarily(ticket); }
  void answer_recipient(Ticket ticket, const SmtpReply& reply) override { smtp_.answer_recipient(ticket, reply); }
  void answer_mail(Ticket ticket, const SmtpReply& reply) override { smtp_.answer_mail(ticket, reply); }
  void send_mail(const relay::MailOrder& order) override { mail_out_.send(order); }
  void submit(const relay::SubmitOrder& order) override { submit_out_.submit(order); }
  void peer_overloaded(std::string_view peer) override { submit_out_.peer_overloaded(peer); }

  [[nodiscard]] std::optional<TlsListener> listener_for(Acceptor& behind);
  /// From the budgets of handshakes: who forwards mail, and the peers whose addresses are known.
  void exempt_named_sources();
  void publish_sessions();
  [[nodiscard]] bool goes_on(Stopping wanted);
  void begin_drain();
  /// Connections of either role that have not ended.
  [[nodiscard]] std::size_t open_count() const;
  std::size_t take_completions();
  void take(ToWorker message);
  void take(Reload reload);
  /// Those that need no restart.
  void take(WorkerSettings fresh);
  void take(const TlsFiles& fresh);
  void send_reloaded();
  void send_certificates();
  void sleep();

  WorkerSettings settings_;
  Link& link_;
  TlsNetwork network_;
  std::optional<TlsPeer> smart_host_;
  WorkerRings rings_;
  const Clock& clock_;
  Counters& counters_;
  Instant now_;
  Instant counters_due_{};
  std::optional<Instant> drain_ends_;  // set when the drain has begun
  bool handoff_ready_ = false;
  std::string_view refusal_;
  std::optional<Reload> reloaded_;  // the last one, without its settings
  Certificates certificates_;

  relay::Relay relay_;
  Mm7Service mm7_;
  HttpServer http_;
  std::optional<TlsListener> http_tls_;
  std::optional<TlsListener> smtp_tls_;  // and STARTTLS of smtp_
  SmtpServer smtp_;
  SubmitOut submit_out_;
  MailOut mail_out_;
};

}  // namespace pushmail
