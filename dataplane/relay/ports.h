// What the relay stands on, as small seams: the worker wires them to rings, sessions and the codec lane; tests wire them to fakes.
// None of them calls the relay back from inside; results come later through the relay's on_... functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "codec/mm7/message.h"
#include "core/contract/handoff/schema.h"
#include "core/contract/worker.h"
#include "core/endpoint.h"
#include "core/record.h"
#include "dataplane/journal/journal.h"
#include "dataplane/relay/conversion.h"
#include "dataplane/session/sinks.h"

namespace pushmail::relay {

/// The journal behind the rings. on_committed(token, ...) follows for every append.
class JournalPort {
 public:
  virtual ~JournalPort() = default;
  virtual void append(journal::Kind kind, const ItemId& item, RecordWriter record, std::uint64_t token) = 0;
  virtual void settle(journal::Kind kind, const ItemId& item) = 0;
  /// Why it takes no messages now; empty when it does.
  [[nodiscard]] virtual std::string_view refusal() const = 0;
};

/// The control plane behind the rings.
class HandoffPort {
 public:
  virtual ~HandoffPort() = default;
  [[nodiscard]] virtual bool is_ready() const = 0;
  /// Owned kinds are kept until acknowledged; others are lost when nobody is there.
  virtual void send(handoff::Kind kind, const ItemId& item, RecordWriter record) = 0;
};

/// The thread that converts. on_converted(...) follows for every start.
class CodecPort {
 public:
  virtual ~CodecPort() = default;
  virtual void start(Conversion conversion) = 0;
};

/// The other workers of this data plane (docs/design.md, Several workers).
class WorkersPort {
 public:
  virtual ~WorkersPort() = default;
  /// `owner` takes it by its relay's on_mm7, and answers with the ticket, which names the worker whose session it is.
  virtual void pass(WorkerIndex owner, Ticket ticket, Mm7Inbound inbound) = 0;
};

/// The servers' answers, of whichever worker the ticket names; a ticket whose connection has gone is answered into nothing.
class AnswerPort {
 public:
  virtual ~AnswerPort() = default;
  virtual void answer_mm7(Ticket ticket, const mm7::Status& status) = 0;
  /// Nothing was kept, the peer sends again: HTTP 503 with Retry-After.
  virtual void refuse_mm7(Ticket ticket) = 0;
  virtual void answer_recipient(Ticket ticket, const SmtpReply& reply) = 0;
  virtual void answer_mail(Ticket ticket, const SmtpReply& reply) = 0;
};

/// A mail for the next hop. `mail` is lent until on_mail_result.
struct MailOrder {
  ItemId item;
  Endpoint next_hop;
  std::string mail_from;
  std::vector<std::string> recipients;
  ByteView mail;
};
/// What the next hop said for one recipient: the code of the reply that decided (RCPT's, or DATA's when RCPT was good), 0 when there
/// was none. `unknown`: the mail was out whole and the reply was lost.
struct MailReply {
  int code = 0;
  std::string text;
  bool unknown = false;
};
/// One reply per recipient, in the order of the MailOrder.
using MailResult = std::vector<MailReply>;

/// A SubmitReq for a peer. `body` is lent until on_submit_result.
struct SubmitOrder {
  ItemId item;
  std::string peer;
  std::string content_type;
  ByteView body;
};

/// Sends; on_mail_result and on_submit_result follow for every call.
class OutgoingPort {
 public:
  virtual ~OutgoingPort() = default;
  virtual void send_mail(const MailOrder& order) = 0;
  virtual void submit(const SubmitOrder& order) = 0;
  /// The peer's answer said that it has too much to do. No result follows.
  virtual void peer_overloaded(std::string_view peer) = 0;
};

struct Ports {
  JournalPort& journal;
  HandoffPort& handoff;
  CodecPort& codec;
  AnswerPort& answers;
  OutgoingPort& outgoing;
  WorkersPort* workers = nullptr;  // where there are several
};

}  // namespace pushmail::relay
