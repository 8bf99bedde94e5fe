#include "dataplane/mail_out.h"

namespace pushmail {

namespace {

SmtpClientSettings settings_of(const std::string& domain, StreamCover* starttls, std::optional<SmtpLogin> login) {
  SmtpClientSettings settings;
  settings.domain = domain;
  settings.starttls = starttls;
  settings.login = std::move(login);
  return settings;
}

std::string text_of_answer(const SmtpAnswer& answer) { return answer.enhanced.empty() ? answer.text : answer.enhanced + " " + answer.text; }

}  // namespace

relay::MailResult replies_of(const SmtpResult& result, std::size_t recipient_count) {
  relay::MailResult replies;
  for (std::size_t i = 0; i < recipient_count; ++i) {
    relay::MailReply reply;
    const bool has_own = i < result.recipients.size() && result.recipients[i].code >= 400;
    const SmtpAnswer& decided = has_own ? result.recipients[i] : result.answer;
    reply.code = decided.code;
    reply.text = text_of_answer(decided);
    if (!has_own) {
      switch (result.outcome) {
        case SmtpOutcome::delivered:
          break;
        case SmtpOutcome::refused_permanent:
          if (reply.code < 500) reply.code = 554;
          break;
        case SmtpOutcome::refused_temporary:
          if (reply.code < 400 || reply.code >= 500) reply.code = 451;
          break;
        case SmtpOutcome::not_sent:
        case SmtpOutcome::unknown:
          // What was said on the way (an old 250 to MAIL, say) decides nothing.
          reply.unknown = result.outcome == SmtpOutcome::unknown;
          if (reply.code < 400 || reply.code >= 500) reply.code = 0;
          if (result.error) reply.text = result.error->info->text;
          break;
      }
    }
    replies.push_back(std::move(reply));
  }
  return replies;
}

MailOut::MailOut(Network& network, const std::string& domain, const Clock& clock, FaultPoints faults, StreamCover* starttls,
                 std::optional<SmtpLogin> login)
    : client_(network, settings_of(domain, starttls, std::move(login)), *this, clock, faults) {}

void MailOut::send(const relay::MailOrder& order) {
  const Sending sending{.item = order.item, .recipient_count = order.recipients.size()};
  // The item keeps the mail until its result; nothing is copied while it waits.
  const auto queued =
      client_.send({.host = order.next_hop, .mail_from = order.mail_from, .recipients = order.recipients, .mail = {.bytes = order.mail}});
  if (queued) {
    sending_.emplace(*queued, sending);
  } else {
    refused_.emplace_back(sending, queued.error());
  }
}

void MailOut::tick(Instant now) {
  client_.tick(now);
  const auto refused = std::exchange(refused_, {});
  for (const auto& [sending, error] : refused) {
    const int code = error.temporary() ? 0 : 554;
    relay_->on_mail_result(sending.item, relay::MailResult(sending.recipient_count, {.code = code, .text = std::string(error.info->text)}));
  }
}

void MailOut::on_smtp_result(std::uint64_t mail, SmtpResult result) {
  const auto found = sending_.find(mail);
  PM_CHECK(found != sending_.end());
  const Sending sending = found->second;
  sending_.erase(found);
  relay_->on_mail_result(sending.item, replies_of(result, sending.recipient_count));
}

}  // namespace pushmail
