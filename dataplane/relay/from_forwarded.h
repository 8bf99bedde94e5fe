// Mail forwarded to <msisdn>@<our domain> by SMTP: RCPT checked against the bindings, one journal item for each recipient, 250 when all of
// them are durable (RFC 5321 §6.1: with the 250 the responsibility is ours).
//
// Came from: MailSink. Goes to: items, which are relayed once the mail is answered. What the journal holds at start becomes items again.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dataplane/relay/admission.h"
#include "dataplane/relay/commits.h"
#include "dataplane/relay/history.h"
#include "dataplane/relay/items.h"

namespace pushmail::relay {

class FromForwarded {
 public:
  FromForwarded(const Context& context, Items& items, Commits& commits, History& history, Admission& admission)
      : context_(context), items_(items), commits_(commits), history_(history), admission_(admission) {}

  void on_recipient(Ticket ticket, const RecipientInbound& recipient);
  void on_mail(Ticket ticket, MailInbound inbound);
  /// The items of a mail that was answered "accepted"; none while some recipient's is not durable, or when it was not accepted.
  [[nodiscard]] std::vector<ItemId> committed(const ForwardedCommit& commit, const Result<void>& result);
  /// An unsettled record of kind accepted_mail: everything but what all items have (Relay::restore).
  [[nodiscard]] Origin restored(const RecordView& record) const;

  /// Of a mail that waits until all its items are durable.
  struct Waiting {
    Ticket ticket;
    std::vector<ItemId> items;
    std::size_t missing = 0;
    bool failed = false;
  };
  [[nodiscard]] const std::unordered_map<std::uint64_t, Waiting>& waiting() const { return waiting_; }

 private:
  [[nodiscard]] bool is_postmaster(std::string_view address) const;
  [[nodiscard]] const SmtpReply& reply_to(std::string_view address, Verdict verdict) const;
  void answer_recipient(Ticket ticket, std::string_view address, Verdict verdict);
  /// Null when there is room for the mail now.
  [[nodiscard]] const SmtpReply* no_room_for(const MailInbound& inbound) const;
  /// Without an address for it: takes the postmaster out of the recipients, and the log is where the mail arrives.
  void log_mail_for_postmaster(MailInbound& inbound) const;
  [[nodiscard]] ItemId add(std::uint64_t mail, const TraceId& trace, const MailInbound& inbound, const MailRecipient& recipient);

  const Context& context_;
  Items& items_;
  Commits& commits_;
  History& history_;
  Admission& admission_;
  std::uint64_t last_mail_ = 0;
  std::unordered_map<std::uint64_t, Waiting> waiting_;
};

}  // namespace pushmail::relay
