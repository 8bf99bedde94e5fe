// A converted mail -> SubmitReq (RFC 4356 §2.1.2 where the MMSC's side is MM7).
//
// Came from: mail_to_mm and the envelope. Goes to: codec/mm7 encode(SubmitReq).
#include <algorithm>

#include "codec/convert/convert.h"
#include "codec/convert/mail_header.h"

namespace pushmail::convert {
namespace {

bool has_address(std::span<const mime::MailboxView> mailboxes, std::string_view address) {
  const std::size_t at = address.rfind('@');
  if (at == std::string_view::npos) return false;
  return std::any_of(mailboxes.begin(), mailboxes.end(), [&](const mime::MailboxView& mailbox) {
    return mailbox.local_part == address.substr(0, at) && ascii_equal_nocase(mailbox.domain, address.substr(at + 1));
  });
}

/// An address that stands in the envelope alone is a blind copy, which the others must not see; when it is the only one, nobody can.
mm7::RecipientField field_of(const MailToMm& made, const PhoneRecipient& recipient, std::size_t recipient_count) {
  if (has_address(made.to, recipient.address)) return mm7::RecipientField::to;
  if (has_address(made.cc, recipient.address)) return mm7::RecipientField::cc;
  return recipient_count == 1 ? mm7::RecipientField::to : mm7::RecipientField::bcc;
}

void add_display_only(mm7::SubmitReq& request, mm7::RecipientField field, std::span<const mime::MailboxView> mailboxes,
                      const SubmissionOptions& options) {
  for (const mime::MailboxView& mailbox : mailboxes) {
    if (mailbox.domain.empty()) continue;
    const std::string address = std::string(mailbox.local_part) + "@" + std::string(mailbox.domain);
    const auto is_this = [&](const PhoneRecipient& recipient) { return recipient.address == address; };
    if (std::any_of(options.recipients.begin(), options.recipients.end(), is_this)) continue;
    request.recipients.push_back({.field = field, .address = {.kind = mm7::AddressKind::rfc2822, .value = address, .display_only = true}});
  }
}

}  // namespace

Submission submission_of(const MailToMm& made, const SubmissionOptions& options) {
  Submission out;
  mm7::SubmitReq& request = out.request;
  request.transaction_id = options.transaction_id;
  request.sender = options.sender;
  for (const PhoneRecipient& recipient : options.recipients) {
    request.recipients.push_back({.field = field_of(made, recipient, options.recipients.size()), .address = recipient.phone});
    // RFC 3461 §4.1: without NOTIFY the sender hears of failures.
    const Notify notify = recipient.notify.value_or(Notify{.failure = true});
    out.report_success |= notify.success;
    out.report_failure = notify.failure;
  }
  if (options.display_only_recipients) {
    add_display_only(request, mm7::RecipientField::to, made.to, options);
    add_display_only(request, mm7::RecipientField::cc, made.cc, options);
  }
  request.linked_id = options.linked_id;
  request.message_class = made.automatic || options.null_sender ? "Auto" : "Personal";
  // A clock of the sender's that is ahead would show a mail from tomorrow.
  request.time_stamp = made.date && *made.date <= options.accepted ? *made.date : options.accepted;
  request.expiry = options.expiry;
  if (options.deliver_by && options.deliver_by->mode == DeliverBy::Mode::return_it) request.expiry = seconds(options.deliver_by->seconds);
  out.report_relayed = options.deliver_by && options.deliver_by->mode == DeliverBy::Mode::notify;
  request.read_reply = options.read_reports && !made.read_report_to.empty();
  request.priority = made.priority;
  request.subject = options.subject.empty() ? made.mm.subject : short_subject(options.subject, options.subject_length_max);
  request.content = &made.mm;
  return out;
}

}  // namespace pushmail::convert
