// What sessions tell the relay, and how the relay answers. Sessions see Stream and these, nothing else: no journal, no nic.
//
//   HTTP server ── Mm7Sink ──>  relay  (DeliverReq, DeliveryReportReq, ReadReplyReq: whole, read, authenticated)
//   SMTP server ── MailSink ──> relay  (RCPT questions, whole mails)
//   relay ── HttpClient / SmtpClient ──> peers (clients: http_client.h, smtp_client.h)
//
// A question is answered later, by its Ticket: a ticket whose connection has gone is answered into nothing, without harm.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "codec/mm7/message.h"
#include "core/bytes.h"
#include "core/contract/worker.h"
#include "core/endpoint.h"

namespace pushmail {

/// Names one unanswered request of one connection: slot and generation, so that a reused slot does not get an old answer.
struct Ticket {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
  WorkerIndex worker{};  // whose session asks: the answer goes back there
  auto operator<=>(const Ticket&) const = default;
};

/// A DeliverReq, DeliveryReportReq or ReadReplyReq that came in whole from an authenticated peer. `body` owns the bytes that `request`
/// views.
struct Mm7Inbound {
  std::string peer;  // name of [peer.NAME]
  std::string content_type;
  std::unique_ptr<Bytes> body;  // the HTTP body as received: what the journal keeps
  mm7::Request request;
};

class Mm7Sink {
 public:
  virtual ~Mm7Sink() = default;
  /// Answered by Mm7Service::reply_of(ticket, status), only after the commit.
  virtual void on_mm7(Ticket ticket, Mm7Inbound inbound) = 0;
};

/// How the SMTP server answers a RCPT or a whole mail (RFC 5321 §4.2, RFC 3463).
struct SmtpReply {
  int code = 250;
  std::string_view enhanced;  // "2.1.5"
  std::string_view text;
};

/// A recipient that RCPT named, and what the sender wants to be told about it (RFC 3461 §4.1, §4.2; smtp_dsn.h).
struct MailRecipient {
  std::string address;
  std::string notify{};    // `NEVER`, `SUCCESS,FAILURE,DELAY` or some of these; empty: not given
  std::string original{};  // `rfc822;joe@example.com`; empty: not given
  bool operator==(const MailRecipient&) const = default;
};

/// A mail that came in whole by SMTP. Recipients are those that RCPT accepted.
struct MailInbound {
  Endpoint source;
  std::string helo;
  std::string mail_from;  // empty for <>
  std::vector<MailRecipient> recipients;
  std::unique_ptr<Bytes> mail;  // dot-unstuffed, CRLF
  std::string ret{};            // `FULL` or `HDRS`: what a notification gives back of the mail (RFC 3461 §4.3); empty: not given
  std::string envelope_id{};    // the sender's own name for this mail (RFC 3461 §4.4); empty: not given
};

/// A RCPT. Views last for the call.
struct RecipientInbound {
  std::string_view address;
  std::string_view mail_from{};  // empty for <>
  IpAddress source{};            // of the host that hands the mail in
};

class MailSink {
 public:
  virtual ~MailSink() = default;
  /// Whether we take this mail for this address; answered by SmtpServer::answer_recipient(ticket, reply).
  virtual void on_recipient(Ticket ticket, const RecipientInbound& recipient) = 0;
  /// Answered by SmtpServer::answer_mail(ticket, reply), a 250 only after the commit.
  virtual void on_mail(Ticket ticket, MailInbound inbound) = 0;
};

}  // namespace pushmail
