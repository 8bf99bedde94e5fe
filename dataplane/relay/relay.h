// The life of an item: accepted once, durable once, converted, sent until it is settled.
//
// Came from: sessions (Mm7Sink, MailSink), the control plane (submissions, routes), the journal's replay. Goes to: the codec lane, the
// next SMTP hop or the MMSC, and the control plane (outcome, report, event). Invariants:
//  - a peer is answered "accepted" only from on_committed;
//  - nothing is sent before the record of its attempt is durable (attempt.h), and a submission in doubt is offered again by nobody but
//    the control plane, after it has acknowledged the doubt;
//  - a journal record of kind accepted_* is settled only after the outcome's own record is durable, and that one only when the control
//    plane acknowledged it;
//  - whatever is refused for now (full disk, no memory, nobody to ask) is refused with the protocol's temporary code.
// Threads: belongs to the worker. Files: relay.cpp (tick, timers, events), phone.cpp (MM7 in), forwarded.cpp (SMTP in), route.cpp (route,
// conversion, mail out), submission.cpp (mailbox to phone), doubt.cpp (attempts), outcome.cpp (the end, replay).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "codec/wap/numbering.h"
#include "core/budget.h"
#include "core/clock.h"
#include "core/contract/counters/counters.h"
#include "core/contract/handoff/peer.h"
#include "core/limits.h"
#include "core/timers.h"
#include "dataplane/journal/journal.h"
#include "dataplane/relay/admission.h"
#include "dataplane/relay/backoff.h"
#include "dataplane/relay/idempotence.h"
#include "dataplane/relay/item.h"
#include "dataplane/relay/peer_table.h"
#include "dataplane/relay/ports.h"
#include "dataplane/session/fault_points.h"
#include "dataplane/session/http_client.h"

namespace pushmail::relay {

/// Steps at which a kill test may stop the process (dataplane/faults.h); the two of the sessions are in session/fault_points.h.
namespace step {
inline constexpr std::string_view append_before_sync = "append_before_sync";
inline constexpr std::string_view sync_before_answer = "sync_before_answer";
inline constexpr std::string_view answer_before_relay = "answer_before_relay";
inline constexpr std::string_view attempt_before_sync = "attempt_before_sync";
inline constexpr std::string_view attempt_before_send = "attempt_before_send";
inline constexpr std::string_view submit_rsp_before_settle = "submit_rsp_before_settle";
}  // namespace step

struct Settings {
  std::string domain;
  wap::Numbering numbering;
  std::uint16_t node = 0;
  WorkerIndex worker{};
  std::uint16_t workers = 1;  // all of this data plane
  RetryPolicy smtp_retry;
  Duration smtp_expire = timers::mail_expire;
  Duration unknown_retry = timers::mail_doubt;  // a mail whose final dot got no reply (RFC 5321 §4.5.4.1)
  RetryPolicy submit_retry{.first = timers::submit_retry.first, .most = timers::submit_retry.most};
  std::map<std::string, RetryPolicy, std::less<>> peer_retry;
  Duration submit_expire = timers::submit_expire;                     // where a submission gives none
  std::map<std::string, std::uint32_t, std::less<>> unbound_senders;  // a minute, of each peer; 600 where it is not named
  std::string postmaster;                                             // where mail to postmaster goes, by smart_host; empty: to the log
  std::string smart_host;                                             // address:port
  Duration admission_time = timers::admission;
  Duration ask_again = timers::route_again;  // a route question without an answer
  std::uint64_t memory_max = limits::item_memory_size_max;
  std::uint64_t recipient_memory_max = 64 * limits::MiB;  // forwarded mails that wait for one phone
  std::uint64_t mail_size_max = limits::mail_size_max;
  HashKey digest_secret = new_hash_key();  // of repeats; one that outlives the process recognises them after a restart
  std::function<std::uint64_t()> random = random_u64;
};

struct Ports {
  JournalPort& journal;
  HandoffPort& handoff;
  CodecPort& codec;
  AnswerPort& answers;
  OutgoingPort& outgoing;
  WorkersPort* workers = nullptr;  // where there are several
};

class Relay final : public Mm7Sink, public MailSink {
 public:
  Relay(Settings settings, Ports ports, const Clock& clock, Counters& counters, FaultPoints faults = {});

  // Before the first turn: what the journal held, every record in order, then what is unsettled.
  void remember(const RecordView& record);
  void restore(journal::Replayed replayed);
  /// A `peers` record: from last-known at start, or from the control plane.
  void set_peers(const RecordView& peers);
  [[nodiscard]] const PeerTable& peers() const { return peers_; }

  // Sessions.
  void on_mm7(Ticket ticket, Mm7Inbound inbound) override;
  void on_recipient(Ticket ticket, const RecipientInbound& recipient) override;
  void on_mail(Ticket ticket, MailInbound inbound) override;

  // Ports' results.
  void on_committed(std::uint64_t token, const Result<void>& result);
  void on_handoff_ready(handoff::Other other);
  void on_handoff_lost();
  void on_handoff_record(handoff::Kind kind, const RecordView& record);
  void on_handoff_acknowledged(handoff::Kind kind, const ItemId& item);
  void on_converted(Converted converted);
  void on_mail_result(const ItemId& item, const MailResult& result);
  void on_submit_result(const ItemId& item, const HttpResult& result);

  /// Timers and what was put off to this turn. Once a turn.
  void tick(Instant now);
  /// When tick has something to do next; Instant{} for never.
  [[nodiscard]] Instant next_due() const;

  [[nodiscard]] std::size_t item_count() const { return items_.size(); }
  [[nodiscard]] std::uint64_t memory_used() const { return memory_; }
  [[nodiscard]] const Item* find(const ItemId& id) const;

 private:
  using Details = std::initializer_list<std::pair<std::string_view, std::string_view>>;
  // A DeliverReq or report that waits for its verdict or its commit.
  struct Arrival {
    ItemId id;
    TraceId trace;
    Ticket ticket;
    Mm7Inbound inbound;
    DigestKey key{};
    std::string transaction_id;
    std::uint64_t memory = 0;  // of a body that waits for its verdict; then its item's
  };
  // A mail by SMTP that waits until all its items are durable.
  struct Forwarded {
    Ticket ticket;
    std::vector<ItemId> items;
    std::size_t missing = 0;
    bool failed = false;
  };

  // relay.cpp
  Item& add_item(const ItemId& id, const TraceId& trace, Source source);
  Item* item(const ItemId& id);
  void drop_item(const ItemId& id);
  /// Why no new message is taken now; empty when one is.
  [[nodiscard]] std::string_view refusal() const;
  /// In the budget of all items, and of the machine.
  [[nodiscard]] bool has_memory_for(std::uint64_t size) const;
  void count_memory(Item& of);
  void set_memory(Item& of, std::uint64_t size);
  void set_due(Item& of, Instant due);
  void append(journal::Kind kind, const ItemId& id, RecordWriter record, std::function<void(const Result<void>&)> done);
  void event(const ItemId& id, const TraceId& trace, std::string_view name, Details details);
  void event(const Item& of, std::string_view name, Details details) { event(of.id, of.trace, name, details); }
  void flush_events();
  void on_due(Item& of);

  // phone.cpp
  [[nodiscard]] std::span<const std::string> sender_forms_of(std::string_view peer) const;
  [[nodiscard]] Budget& unbound_senders_of(const std::string& peer);
  [[nodiscard]] ItemId new_item() const;
  /// False: the request is another worker's to remember, and has gone there.
  [[nodiscard]] bool is_ours(const DigestKey& key, Ticket ticket, Mm7Inbound& inbound);
  void on_deliver(Ticket ticket, Mm7Inbound inbound);
  void decide(const ItemId& id, const Verdicts& verdicts);
  void refuse(const ItemId& id, int code, std::string_view reason, std::string details = {});
  void delay(Ticket ticket, std::string_view reason);
  void accept(const ItemId& id, std::vector<std::string> refused, const mm7::Status& status, bool decided);
  void deliver_committed(const ItemId& id, const mm7::Status& status, const Result<void>& result);
  void answer_repeats(const DigestKey& key, const mm7::Status* status);
  void on_report(Ticket ticket, Mm7Inbound inbound);
  /// A read reply travels as a report of its own status: Read, or Deleted.
  void on_read_reply(Ticket ticket, Mm7Inbound inbound);
  void report_committed(const ItemId& id, const Bytes& report, const Result<void>& result);

  // forwarded.cpp
  [[nodiscard]] bool is_postmaster(std::string_view address) const;
  [[nodiscard]] bool is_for_postmaster(const Item& of) const { return of.source == Source::forwarded && is_postmaster(of.recipient); }
  /// Mail to postmaster needs no route: it goes to the address that the configuration gives.
  void send_to_postmaster(Item& of);
  [[nodiscard]] bool has_room(std::string_view recipient, std::uint64_t size) const;
  void answer_recipient(Ticket ticket, std::string_view address, Verdict verdict);
  void forwarded_committed(std::uint64_t mail, const Result<void>& result);

  // route.cpp
  void start_relay(Item& of);
  void ask_route(Item& of);
  void take_route(Item& of, const RecordView& record);
  void convert_item(Item& of);
  void send_item(Item& of);
  void send_mail(Item& of);
  void retry_mail(Item& of);
  void mail_lost(Item& of);
  void wait_in_doubt(Item& of, std::string_view trouble);
  void finish_mail(Item& of, const MailReply* last);

  // submission.cpp
  void on_submission(const RecordView& record);
  void on_chunk(const RecordView& record);
  void grant_first(Item& of);
  void grant(const Item& of, std::uint64_t chunks);
  [[nodiscard]] bool take_mm_route(Item& of, const RecordView& record);
  void submit_item(Item& of);
  void post(Item& of);
  [[nodiscard]] bool is_about_another(Item& of, const std::string& transaction_id, int status);
  void take_submit_rsp(Item& of, const mm7::SubmitRsp& response);
  void submit_answered(Item& of, int code, std::string_view text, std::string_view message_id);
  void retry_submit(Item& of, std::string_view trouble, std::optional<Duration> wait);
  void pause_peer(Item& of, std::string_view trouble);
  void pause(const std::string& peer, std::string_view trouble);
  void forget_pause(const std::string& peer);
  void tell_pause(const std::string& peer);
  [[nodiscard]] const RetryPolicy& retry_of(std::string_view peer) const;

  // doubt.cpp
  enum class Loss : std::uint8_t { no_answer, gateways_answer, meaningless_answer };
  void begin_attempt(Item& of);
  void attempt_committed(const ItemId& id, const Attempt& before, const Result<void>& result);
  void end_attempt(Item& of, AttemptEvent event);
  void submission_lost(Item& of, std::string_view trouble, Loss loss);
  enum class Again : std::uint8_t { later, at_once };
  enum class Left : std::uint8_t { once, perhaps_twice };
  void hand_over_doubt(const ItemId& id, const TraceId& trace, const Attempt& attempt, std::string_view trouble, Again again, Left left);
  void doubt_acknowledged(const ItemId& id);
  void count_unknown(const std::string& peer);
  void restore_attempt(const ItemId& id, const RecordView& record);
  void lost_in_restart(const ItemId& id, const TraceId& trace, const Attempt& attempt);
  void hand_over_lost_in_restart();
  void withdraw(const RecordView& record);

  // outcome.cpp
  struct End {
    ItemState state = ItemState::failed;
    std::string_view reason = {};
    int status_code = 0;
    std::string_view status_text = {};
    std::string_view message_id = {};
  };
  void finish(Item& of, const End& end);
  void append_outcome(Item& of);
  void hand_over(const RecordView& outcome);
  void remember_outcome(const RecordView& outcome);
  void settle_all(const Item& of);

  Settings settings_;
  Ports ports_;
  const Clock& clock_;
  Counters& counters_;
  FaultPoints faults_;
  Instant now_;

  bool draining_ = false;  // the control plane said so; until this process ends
  PeerTable peers_;
  Admission admission_;
  Repeats repeats_;
  std::map<std::string, Budget, std::less<>> unbound_senders_;  // by peer
  std::unordered_map<ItemId, std::unique_ptr<Item>> items_;
  std::unordered_map<ItemId, Arrival> arrivals_;
  std::unordered_map<std::uint64_t, Forwarded> forwarded_;
  std::set<std::pair<Instant, ItemId>> due_;
  std::uint64_t memory_ = 0;
  // Of memory_, what mails from strangers hold while they wait for a phone: at most half, so that MMSC traffic always has the rest.
  std::uint64_t forwarded_memory_ = 0;
  std::map<std::string, std::uint64_t, std::less<>> recipient_memory_;

  std::uint64_t last_token_ = 0;
  std::unordered_map<std::uint64_t, std::function<void(const Result<void>&)>> commits_;
  std::map<DigestKey, std::vector<Ticket>> repeated_;   // tickets of repeats that came before the first one was answered
  std::deque<ItemId> answered_;                         // in this turn: the network has not sent the answer yet
  std::deque<ItemId> starting_;                         // in the last turn, or replayed: relayed at the next tick
  std::deque<std::pair<ItemId, RecordWriter>> events_;  // while no control plane is there

  // What became of items lately: a submission that is sent again after its end gets its outcome again.
  std::unordered_map<ItemId, Bytes> outcomes_;
  std::deque<ItemId> outcome_order_;
  // (peer, MessageID) -> item, so that a report stands in its item's history.
  std::map<std::pair<std::string, std::string>, std::pair<ItemId, TraceId>> messages_;
  std::deque<std::pair<std::string, std::string>> message_order_;

  // Submissions in doubt that the control plane has not acknowledged; their attempts stay in the journal.
  std::set<ItemId> unknown_;
  struct LostInRestart {
    ItemId id;
    TraceId trace;
    Attempt attempt;
  };
  std::vector<LostInRestart> lost_in_restart_;

  struct Paused {
    Instant until;
    std::uint32_t times = 0;
    std::uint32_t unknowns = 0;  // in a row
    std::string reason;
  };
  std::map<std::string, Paused, std::less<>> paused_;
};

/// The same record once more as a writer, for a new sequence number.
[[nodiscard]] RecordWriter rewrite(const RecordView& record);

}  // namespace pushmail::relay
