// The life of an item: accepted once, durable once, converted, sent until it is settled.
//
//   from_phone, from_forwarded, from_mailbox ──> converting, routes ──> to_mail, to_phone ──> life ──> remembered
//
// Came from: sessions (Mm7Sink, MailSink), the control plane (submissions, routes), the journal's replay. Goes to: the codec lane, the
// next SMTP hop or the MMSC, and the control plane (outcome, report, event). This class is the switchboard: each part has one job and its
// own containers, gives back what an item needs next, and knows no part that comes after it. Invariants:
//  - a peer is answered "accepted" only from on_committed;
//  - nothing is sent before the record of its attempt is durable (attempt.h), and a submission in doubt is offered again by nobody but
//    the control plane, after it has acknowledged the doubt;
//  - a journal record of kind accepted_* is settled only after the outcome's own record is durable, and that one only when the control
//    plane acknowledged it;
//  - whatever is refused for now (full disk, no memory, nobody to ask) is refused with the protocol's temporary code.
// Threads: belongs to the worker.
#pragma once

#include <cstdint>
#include <deque>

#include "core/contract/handoff/peer.h"
#include "dataplane/journal/journal.h"
#include "dataplane/relay/admission.h"
#include "dataplane/relay/answering.h"
#include "dataplane/relay/commits.h"
#include "dataplane/relay/context.h"
#include "dataplane/relay/converting.h"
#include "dataplane/relay/from_forwarded.h"
#include "dataplane/relay/from_mailbox.h"
#include "dataplane/relay/from_phone.h"
#include "dataplane/relay/history.h"
#include "dataplane/relay/in_doubt.h"
#include "dataplane/relay/items.h"
#include "dataplane/relay/life.h"
#include "dataplane/relay/paused_peers.h"
#include "dataplane/relay/ports.h"
#include "dataplane/relay/remembered.h"
#include "dataplane/relay/reports.h"
#include "dataplane/relay/routes.h"
#include "dataplane/relay/settings.h"
#include "dataplane/relay/to_mail.h"
#include "dataplane/relay/to_phone.h"
#include "dataplane/session/http_client.h"

namespace pushmail::relay {

class Relay final : public Mm7Sink, public MailSink {
 public:
  Relay(Settings settings, Ports ports, const Clock& clock, Counters& counters, FaultPoints faults = {});
  Relay(const Relay&) = delete;  // its parts point at each other
  Relay& operator=(const Relay&) = delete;

  // Before the first turn: what the journal held, every record in order, then what is unsettled.
  void remember(const RecordView& record);
  void restore(journal::Replayed replayed);
  /// A `peers` record: from last-known at start, or from the control plane.
  void set_peers(const RecordView& peers);
  [[nodiscard]] const PeerTable& peers() const { return context_.peers; }
  /// Waits, limits and addresses, from now on; who we are, and what is drawn or kept by it, stays.
  void take(Settings fresh);

  // Sessions.
  void on_mm7(Ticket ticket, Mm7Inbound inbound) override;
  void on_recipient(Ticket ticket, const RecipientInbound& recipient) override { from_forwarded_.on_recipient(ticket, recipient); }
  void on_mail(Ticket ticket, MailInbound inbound) override { from_forwarded_.on_mail(ticket, std::move(inbound)); }

  // Ports' results.
  void on_committed(std::uint64_t token, const Result<void>& result);
  void on_handoff_ready(handoff::Other other);
  void on_handoff_lost();
  void on_handoff_record(handoff::Kind kind, const RecordView& record);
  void on_handoff_acknowledged(handoff::Kind kind, const ItemId& item);
  void on_converted(Converted converted);
  void on_mail_result(const ItemId& item, const MailResult& result);
  void on_submit_result(const ItemId& item, const HttpResult& result);

  /// The process ends: what was accepted stays in the journal for the next one, and nothing leaves any more. Before the clients drain.
  void stop_sending() { context_.stopping = true; }
  /// Something was given to the journal and is not answered yet.
  [[nodiscard]] bool waits_for_disk() const { return !commits_.is_empty(); }

  /// Timers and what was put off to this turn. Once a turn.
  void tick(Instant now);
  /// When tick has something to do next; Instant{} for never.
  [[nodiscard]] Instant next_due() const;

  [[nodiscard]] std::size_t item_count() const { return items_.count(); }
  [[nodiscard]] std::uint64_t memory_used() const { return items_.memory(); }

  /// Stops the program when the parts do not agree: an item that is in no place or in two, a budget that is not the sum of what is held,
  /// a try or a commit without its item. For tests and simulations, after each step.
  void check() const;

 private:
  /// Sees to it that what the item needs next is done.
  void go(Item& item, Next next);
  void start(Item& item);
  void on_due(Item& item);
  void take_route(const RecordView& answer);
  void check_stage(const Item& item, std::size_t commits) const;
  void check_attempt(const Item& item) const;

  Context context_;
  Commits commits_;
  History history_;
  Items items_;
  Remembered remembered_;
  InDoubt in_doubt_;
  PausedPeers paused_;
  Life life_;
  Answering answering_;
  Admission admission_;
  ToPhone to_phone_;
  ToMail to_mail_;
  Routes routes_;
  Converting converting_;
  FromPhone from_phone_;
  FromForwarded from_forwarded_;
  FromMailbox from_mailbox_;
  Reports reports_;

  std::deque<ItemId> answered_;  // in this turn: the network has not sent the answer yet
  std::deque<ItemId> starting_;  // in the last turn, or replayed: relayed at the next tick
};

}  // namespace pushmail::relay
