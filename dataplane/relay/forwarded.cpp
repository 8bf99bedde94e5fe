// Mail forwarded to <msisdn>@<our domain> by SMTP: RCPT checked against the bindings, one journal item for each recipient, 250 when all of
// them are durable (RFC 5321 6.1: with the 250 the responsibility is ours).
#include "codec/mime/message.h"
#include "core/contract/journal/schema.h"
#include "core/log.h"
#include "dataplane/relay/relay.h"

namespace pushmail::relay {

namespace {

using journal::Kind;

constexpr SmtpReply recipient_good{.code = 250, .enhanced = "2.1.5", .text = "recipient ok"};
constexpr SmtpReply recipient_unknown{.code = 550, .enhanced = "5.1.1", .text = "no such recipient here"};
constexpr SmtpReply recipient_bad{.code = 553, .enhanced = "5.1.3", .text = "not a phone number"};
constexpr SmtpReply no_relaying{.code = 550, .enhanced = "5.7.1", .text = "we do not relay"};
constexpr SmtpReply ask_later{.code = 451, .enhanced = "4.3.0", .text = "cannot check the recipient now, try later"};
constexpr SmtpReply storage_full{.code = 452, .enhanced = "4.3.1", .text = "no room for mail now, try later"};
constexpr SmtpReply recipient_full{.code = 452, .enhanced = "4.2.2", .text = "too much waits for this recipient, try later"};
constexpr SmtpReply sender_too_often{.code = 451, .enhanced = "4.7.1", .text = "too many mails from you for this recipient, try later"};
constexpr SmtpReply mail_good{.code = 250, .enhanced = "2.0.0", .text = "mail accepted"};

// One spelling for each mailbox, whatever quotes or letters its client chose: its share of memory is one, and all that judge it read alike.
std::string recipient_of(std::string_view address) {
  const auto mailbox = mime::parse_address(address);
  return mailbox ? mailbox->address() : std::string(address);
}

}  // namespace

// RFC 5321 §4.5.1: postmaster, alone or at our domain, in any case, is always an address.
bool Relay::is_postmaster(std::string_view address) const {
  constexpr std::string_view name = "postmaster";
  if (!ascii_starts_with_nocase(address, name)) return false;
  address.remove_prefix(name.size());
  return address.empty() || (address.front() == '@' && ascii_equal_nocase(address.substr(1), settings_.domain));
}

void Relay::on_recipient(Ticket ticket, const RecipientInbound& recipient) {
  const std::string_view address = recipient.address;
  if (!refusal().empty()) return ports_.answers.answer_recipient(ticket, storage_full);
  if (is_postmaster(address)) {
    counters_.add(Counter::recipients_accepted);
    return ports_.answers.answer_recipient(ticket, recipient_good);
  }
  const auto mailbox = mime::parse_address(address);
  if (!mailbox) return ports_.answers.answer_recipient(ticket, recipient_bad);
  if (!ascii_equal_nocase(mailbox->domain, settings_.domain)) {
    counters_.add(Counter::recipients_refused);
    return ports_.answers.answer_recipient(ticket, no_relaying);
  }
  const std::string canonical = mailbox->address();
  const Question question{.source = "smtp",
                          .peer = {},
                          .sender = {},
                          .recipients = {"mail:" + canonical},
                          .item = {},
                          .trace = {},
                          .mail_from = std::string(recipient.mail_from),
                          .source_address = to_string(recipient.source)};
  admission_.ask(question, now_, [this, ticket, canonical](const Verdicts& verdicts) {
    answer_recipient(ticket, canonical, verdicts.recipients.empty() ? Verdict::unavailable : verdicts.recipients.front());
  });
}

bool Relay::has_room(std::string_view recipient, std::uint64_t size) const {
  const auto held = recipient_memory_.find(recipient);
  return (held == recipient_memory_.end() ? 0 : held->second) + size <= settings_.recipient_memory_max;
}

void Relay::answer_recipient(Ticket ticket, std::string_view address, Verdict verdict) {
  const SmtpReply* reply = &ask_later;
  switch (verdict) {
    case Verdict::accepted:
      reply = has_room(address, 1) ? &recipient_good : &recipient_full;
      break;
    case Verdict::not_bound:
    case Verdict::suspended:
      reply = &recipient_unknown;
      break;
    case Verdict::bad_address:
      reply = &recipient_bad;
      break;
    case Verdict::recipient_busy:
      reply = &recipient_full;
      break;
    case Verdict::sender_busy:
      reply = &sender_too_often;
      break;
    case Verdict::unavailable:
      break;
  }
  const bool accepted = reply == &recipient_good;
  counters_.add(accepted ? Counter::recipients_accepted : Counter::recipients_refused);
  if (!accepted) log_info("recipient_refused").number("status", reply->code).person("recipient", address);
  ports_.answers.answer_recipient(ticket, *reply);
}

void Relay::on_mail(Ticket ticket, MailInbound inbound) {
  for (std::string& recipient : inbound.recipients) recipient = recipient_of(recipient);
  const std::uint64_t needed = inbound.mail->size() * inbound.recipients.size();
  if (!refusal().empty() || !has_memory_for(needed) || forwarded_memory_ + needed > settings_.memory_max / 2) {
    counters_.add(Counter::mails_delayed);
    return ports_.answers.answer_mail(ticket, storage_full);
  }
  for (const std::string& recipient : inbound.recipients) {
    if (has_room(recipient, inbound.mail->size())) continue;
    counters_.add(Counter::mails_delayed);
    return ports_.answers.answer_mail(ticket, recipient_full);
  }
  if (settings_.postmaster.empty()) {
    // Nobody to send it to: the operator's log is where it arrives, and that is where it ends.
    const auto gone = std::erase_if(inbound.recipients, [&](const std::string& recipient) { return is_postmaster(recipient); });
    if (gone > 0) {
      counters_.add(Counter::postmaster_mails);
      log_warning("mail_for_postmaster")
          .person("from", inbound.mail_from)
          .text("source", to_string(inbound.source.ip))
          .number("size", static_cast<std::int64_t>(inbound.mail->size()))
          .text("reason", "smtp.postmaster is not configured");
    }
    if (inbound.recipients.empty()) return ports_.answers.answer_mail(ticket, mail_good);
  }
  const TraceId trace = new_trace_id();
  const std::uint64_t mail = ++last_token_;
  Forwarded& waiting = forwarded_[mail];
  waiting.ticket = ticket;
  waiting.missing = inbound.recipients.size();
  for (const std::string& recipient : inbound.recipients) {
    const ItemId id = new_item();
    waiting.items.push_back(id);
    Item& of = add_item(id, trace, Source::forwarded);
    of.mail_from = inbound.mail_from;
    of.recipient = recipient;
    of.source_address = to_string(inbound.source.ip);
    of.body = *inbound.mail;
    count_memory(of);
    event(of, "mail_received",
          {{"from", inbound.mail_from}, {"recipient", recipient}, {"source", to_string(inbound.source)}, {"helo", inbound.helo}});
    RecordWriter record = journal::make(Kind::accepted_mail, id);
    record.trace(journal::tag(journal::Tag::trace), trace)
        .i64(journal::tag(journal::Tag::time), of.accepted.us)
        .text(journal::tag(journal::Tag::mail_from), inbound.mail_from)
        .text(journal::tag(journal::Tag::recipient), recipient)
        .text(journal::tag(journal::Tag::source), to_string(inbound.source))
        .bytes(journal::tag(journal::Tag::body), *inbound.mail);
    append(Kind::accepted_mail, id, std::move(record), [this, mail](const Result<void>& result) { forwarded_committed(mail, result); });
  }
}

void Relay::send_to_postmaster(Item& of) {
  counters_.add(Counter::postmaster_mails);
  // It waited in the journal, and the configuration has changed meanwhile.
  if (settings_.postmaster.empty() || !parse_endpoint(settings_.smart_host)) {
    log_warning("mail_for_postmaster").item(of.id).person("from", of.mail_from).text("reason", "smtp.postmaster is not configured");
    return finish(of, {.state = ItemState::delivered, .reason = "taken for the postmaster, who has no address"});
  }
  of.to_phone = false;
  of.next_hop = settings_.smart_host;
  of.mail_route.mail_from = of.mail_from;
  of.mail_route.recipients = {settings_.postmaster};
  of.left = of.mail_route.recipients;
  of.expires = now_ + settings_.smtp_expire;
  of.output = std::move(of.body);
  of.converted = true;
  send_item(of);
}

void Relay::forwarded_committed(std::uint64_t mail, const Result<void>& result) {
  Forwarded& waiting = forwarded_.at(mail);
  if (!result) waiting.failed = true;
  if (--waiting.missing > 0) return;
  const Forwarded whole = std::move(waiting);
  forwarded_.erase(mail);
  if (whole.failed) {
    // All or nothing: the client sends the whole mail again, so what became durable of it must not live on.
    for (const ItemId& id : whole.items) {
      ports_.journal.settle(Kind::accepted_mail, id);
      drop_item(id);
    }
    counters_.add(Counter::mails_delayed);
    return ports_.answers.answer_mail(whole.ticket, storage_full);
  }
  faults_.at(step::sync_before_answer);
  counters_.add(Counter::mails_accepted, whole.items.size());
  ports_.answers.answer_mail(whole.ticket, mail_good);
  for (const ItemId& id : whole.items) answered_.push_back(id);
}

}  // namespace pushmail::relay
