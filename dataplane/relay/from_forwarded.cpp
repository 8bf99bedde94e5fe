#include "dataplane/relay/from_forwarded.h"

#include <utility>

#include "codec/mime/message.h"
#include "core/contract/journal/schema.h"
#include "core/log.h"
#include "core/record_fields.h"

namespace pushmail::relay {

namespace {

namespace jn = journal;

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
bool FromForwarded::is_postmaster(std::string_view address) const {
  constexpr std::string_view name = "postmaster";
  if (!ascii_starts_with_nocase(address, name)) return false;
  address.remove_prefix(name.size());
  return address.empty() || (address.front() == '@' && ascii_equal_nocase(address.substr(1), context_.settings.domain));
}

// ---- RCPT -------------------------------------------------------------------------------------------------------------------------

void FromForwarded::on_recipient(Ticket ticket, const RecipientInbound& recipient) {
  AnswerPort& answers = context_.ports.answers;
  const std::string_view address = recipient.address;
  if (!context_.refusal().empty()) return answers.answer_recipient(ticket, storage_full);
  if (is_postmaster(address)) {
    context_.counters.add(Counter::recipients_accepted);
    return answers.answer_recipient(ticket, recipient_good);
  }
  const auto mailbox = mime::parse_address(address);
  if (!mailbox) return answers.answer_recipient(ticket, recipient_bad);
  if (!ascii_equal_nocase(mailbox->domain, context_.settings.domain)) {
    context_.counters.add(Counter::recipients_refused);
    return answers.answer_recipient(ticket, no_relaying);
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
  admission_.ask(question, context_.now, [this, ticket, canonical](const Verdicts& verdicts) {
    answer_recipient(ticket, canonical, verdicts.recipients.empty() ? Verdict::unavailable : verdicts.recipients.front());
  });
}

const SmtpReply& FromForwarded::reply_to(std::string_view address, Verdict verdict) const {
  switch (verdict) {
    case Verdict::accepted:
      return items_.has_room(address, 1) ? recipient_good : recipient_full;
    case Verdict::not_bound:
    case Verdict::suspended:
      return recipient_unknown;
    case Verdict::bad_address:
      return recipient_bad;
    case Verdict::recipient_busy:
      return recipient_full;
    case Verdict::sender_busy:
      return sender_too_often;
    case Verdict::unavailable:
      break;
  }
  return ask_later;
}

void FromForwarded::answer_recipient(Ticket ticket, std::string_view address, Verdict verdict) {
  const SmtpReply& reply = reply_to(address, verdict);
  const bool accepted = &reply == &recipient_good;
  context_.counters.add(accepted ? Counter::recipients_accepted : Counter::recipients_refused);
  if (!accepted) log_info("recipient_refused").number("status", reply.code).person("recipient", address);
  context_.ports.answers.answer_recipient(ticket, reply);
}

// ---- the mail ---------------------------------------------------------------------------------------------------------------------

const SmtpReply* FromForwarded::no_room_for(const MailInbound& inbound) const {
  const std::uint64_t size = inbound.mail->size();
  if (!context_.refusal().empty() || !items_.has_memory_for_forwarded(size * inbound.recipients.size())) return &storage_full;
  for (const MailRecipient& recipient : inbound.recipients) {
    if (!items_.has_room(recipient.address, size)) return &recipient_full;
  }
  return nullptr;
}

void FromForwarded::log_mail_for_postmaster(MailInbound& inbound) const {
  const auto gone = std::erase_if(inbound.recipients, [&](const MailRecipient& recipient) { return is_postmaster(recipient.address); });
  if (gone == 0) return;
  context_.counters.add(Counter::postmaster_mails);
  log_warning("mail_for_postmaster")
      .person("from", inbound.mail_from)
      .text("source", to_string(inbound.source.ip))
      .number("size", static_cast<std::int64_t>(inbound.mail->size()))
      .text("reason", "smtp.postmaster is not configured");
}

void FromForwarded::on_mail(Ticket ticket, MailInbound inbound) {
  for (MailRecipient& recipient : inbound.recipients) recipient.address = recipient_of(recipient.address);
  if (const SmtpReply* no_room = no_room_for(inbound)) {
    context_.counters.add(Counter::mails_delayed);
    return context_.ports.answers.answer_mail(ticket, *no_room);
  }
  if (context_.settings.postmaster.empty()) {
    log_mail_for_postmaster(inbound);
    if (inbound.recipients.empty()) return context_.ports.answers.answer_mail(ticket, mail_good);
  }
  const TraceId trace = new_trace_id();
  const std::uint64_t mail = ++last_mail_;
  Waiting& waiting = waiting_[mail];
  waiting.ticket = ticket;
  waiting.missing = inbound.recipients.size();
  for (const MailRecipient& recipient : inbound.recipients) waiting.items.push_back(add(mail, trace, inbound, recipient));
}

ItemId FromForwarded::add(std::uint64_t mail, const TraceId& trace, const MailInbound& inbound, const MailRecipient& recipient) {
  const ItemId id = context_.new_item();
  Item& item = items_.add(id, trace,
                          ForwardedOrigin{.mail_from = inbound.mail_from,
                                          .recipient = recipient.address,
                                          .source_address = to_string(inbound.source.ip),
                                          .is_for_postmaster = is_postmaster(recipient.address),
                                          .notify = recipient.notify,
                                          .original_recipient = recipient.original,
                                          .ret = inbound.ret,
                                          .envelope_id = inbound.envelope_id});
  item.body = *inbound.mail;
  items_.count_memory(item);
  history_.event(
      item, "mail_received",
      {{"from", inbound.mail_from}, {"recipient", recipient.address}, {"source", to_string(inbound.source)}, {"helo", inbound.helo}});
  RecordWriter record = jn::make(jn::Kind::accepted_mail, id);
  record.trace(jn::tag(jn::Tag::trace), trace)
      .i64(jn::tag(jn::Tag::time), item.accepted.us)
      .text(jn::tag(jn::Tag::mail_from), inbound.mail_from)
      .text(jn::tag(jn::Tag::recipient), recipient.address)
      .text(jn::tag(jn::Tag::source), to_string(inbound.source));
  // RFC 3461 §4: what the sender wants to be told, for as long as the item lives.
  const std::pair<jn::Tag, std::string_view> wishes[] = {{jn::Tag::notify, recipient.notify},
                                                         {jn::Tag::original_recipient, recipient.original},
                                                         {jn::Tag::ret, inbound.ret},
                                                         {jn::Tag::envelope_id, inbound.envelope_id}};
  for (const auto& [tag, value] : wishes) {
    if (!value.empty()) record.text(jn::tag(tag), value);
  }
  record.bytes(jn::tag(jn::Tag::body), *inbound.mail);
  commits_.append(jn::Kind::accepted_mail, id, std::move(record), ForwardedCommit{.mail = mail, .item = id});
  return id;
}

std::vector<ItemId> FromForwarded::committed(const ForwardedCommit& commit, const Result<void>& result) {
  const auto found = waiting_.find(commit.mail);
  PM_CHECK(found != waiting_.end());
  if (!result) found->second.failed = true;
  if (--found->second.missing > 0) return {};
  Waiting whole = std::move(found->second);
  waiting_.erase(found);
  if (whole.failed) {
    // All or nothing: the client sends the whole mail again, so what became durable of it must not live on.
    for (const ItemId& id : whole.items) {
      context_.ports.journal.settle(jn::Kind::accepted_mail, id);
      items_.drop(id);
    }
    context_.counters.add(Counter::mails_delayed);
    context_.ports.answers.answer_mail(whole.ticket, storage_full);
    return {};
  }
  context_.faults.at(step::sync_before_answer);
  context_.counters.add(Counter::mails_accepted, whole.items.size());
  context_.ports.answers.answer_mail(whole.ticket, mail_good);
  return std::move(whole.items);
}

Origin FromForwarded::restored(const RecordView& record) const {
  ForwardedOrigin origin{.mail_from = text_or_empty(record, jn::Tag::mail_from), .recipient = text_or_empty(record, jn::Tag::recipient)};
  origin.notify = text_or_empty(record, jn::Tag::notify);
  origin.original_recipient = text_or_empty(record, jn::Tag::original_recipient);
  origin.ret = text_or_empty(record, jn::Tag::ret);
  origin.envelope_id = text_or_empty(record, jn::Tag::envelope_id);
  origin.is_for_postmaster = is_postmaster(origin.recipient);
  if (const auto source = parse_endpoint(text_or_empty(record, jn::Tag::source))) origin.source_address = to_string(source->ip);
  return origin;
}

}  // namespace pushmail::relay
