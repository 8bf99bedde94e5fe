#include "dataplane/relay/to_mail.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/contract/handoff/peer.h"
#include "core/log.h"
#include "core/record_fields.h"

namespace pushmail::relay {

namespace {

using handoff::Tag;
using handoff::tag;

constexpr std::uint32_t doubts_max = 3;  // so often a mail is sent again that may have arrived

std::string joined(const std::vector<std::string>& parts) { return fmt::format("{}", fmt::join(parts, "; ")); }

MailTarget& target_of(Item& item) { return std::get<MailTarget>(item.target); }

}  // namespace

// ---- where it goes ----------------------------------------------------------------------------------------------------------------

bool ToMail::take_route(Item& item, const RecordView& record) {
  std::string next_hop = text_or_empty(record, Tag::next_hop);
  std::vector<std::string> recipients = all_texts(record, Tag::mail_recipient);
  if (!parse_endpoint(next_hop) || recipients.empty()) return false;
  // Those that got their final reply before a restart do not get the mail again.
  std::vector<std::string> left;
  for (const std::string& recipient : recipients) {
    if (std::ranges::find(item.attempt.done, recipient) == item.attempt.done.end()) left.push_back(recipient);
  }
  item.target = MailTarget{.next_hop = std::move(next_hop),
                           .route = {.mail_from = text_or_empty(record, Tag::mail_from),
                                     .recipients = std::move(recipients),
                                     .header_from = text_or_empty(record, Tag::header_from),
                                     .header_to = all_texts(record, Tag::header_to),
                                     .in_reply_to = text_or_empty(record, Tag::in_reply_to),
                                     .references = all_texts(record, Tag::reference),
                                     .new_subject = text_or_empty(record, Tag::new_subject),
                                     .drop_first_line = number_or_zero(record, Tag::drop_first_line) != 0,
                                     .drop_address_only = number_or_zero(record, Tag::drop_first_line) == handoff::drop_address},
                           .left = std::move(left)};
  const Duration age{(context_.clock.wall().us - item.accepted.us) * 1000};
  item.expires = context_.now + Duration{context_.settings.smtp_expire.ns - age.ns};
  return true;
}

Next ToMail::after_route(Item& item) {
  if (!target_of(item).left.empty()) return Next::convert;
  finish(item, nullptr);
  return Next::nothing;
}

Next ToMail::take_postmaster(Item& item) {
  const ForwardedOrigin& origin = *item.forwarded();
  const Settings& settings = context_.settings;
  context_.counters.add(Counter::postmaster_mails);
  // It waited in the journal, and the configuration has changed meanwhile.
  if (settings.postmaster.empty() || !parse_endpoint(settings.smart_host)) {
    log_warning("mail_for_postmaster").item(item.id).person("from", origin.mail_from).text("reason", "smtp.postmaster is not configured");
    life_.finish(item, {.state = ItemState::delivered, .reason = "taken for the postmaster, who has no address"});
    return Next::nothing;
  }
  MailTarget target{.next_hop = settings.smart_host, .route = {}, .left = {settings.postmaster}};
  target.route.mail_from = origin.mail_from;
  target.route.recipients = target.left;
  item.target = std::move(target);
  item.expires = context_.now + settings.smtp_expire;
  item.output = std::move(item.body);
  item.converted = true;
  return Next::attempt;
}

// ---- sending ----------------------------------------------------------------------------------------------------------------------

void ToMail::attempt(Item& item) {
  if (context_.now < item.not_before) return wait_in_doubt(item, "the data plane was restarted before the reply came");
  life_.begin_attempt(item);
}

void ToMail::send(Item& item) {
  const MailTarget& target = target_of(item);
  history_.event(item, "mail_sending",
                 {{"next_hop", target.next_hop},
                  {"try", fmt::to_string(item.attempt.number)},
                  {"size", fmt::to_string(item.output.size())},
                  {"duplicate_possible", item.duplicate_possible ? "1" : ""}});
  context_.ports.outgoing.send_mail({.item = item.id,
                                     .next_hop = *parse_endpoint(target.next_hop),
                                     .mail_from = target.route.mail_from,
                                     .recipients = target.left,
                                     .mail = item.output});
}

void ToMail::on_result(Item& item, const MailResult& result) {
  MailTarget& target = target_of(item);
  PM_CHECK(result.size() == target.left.size());
  const std::vector<std::string> asked = std::exchange(target.left, {});
  const MailReply* taken = nullptr;
  const MailReply* last_refusal = nullptr;
  bool unknown = false;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const MailReply& reply = result[i];
    if (reply.code >= 200 && reply.code < 300) {
      taken = &reply;
      item.attempt.done.push_back(asked[i]);
    } else if (reply.code >= 500) {
      item.attempt.done.push_back(asked[i]);
      item.attempt.rejected.push_back(fmt::format("{}: {} {}", asked[i], reply.code, reply.text));
      last_refusal = &reply;
    } else {
      target.left.push_back(asked[i]);
      unknown = unknown || reply.unknown;
      item.last_trouble = reply.code != 0 ? fmt::format("{} {}", reply.code, reply.text) : reply.text;
    }
  }
  if (taken != nullptr) {
    context_.counters.add(Counter::mails_sent);
    history_.event(item, "mail_sent",
                   {{"next_hop", target.next_hop},
                    {"status", fmt::to_string(taken->code)},
                    {"reply", taken->text},
                    {"message_id", to_string(item.id) + "@" + context_.settings.domain},
                    {"try", fmt::to_string(item.attempt.number)}});
  }
  if (unknown) return lost(item);
  if (target.left.empty()) return finish(item, taken != nullptr ? taken : last_refusal);
  life_.end_attempt(item, taken != nullptr ? AttemptEvent::success : AttemptEvent::refusal);
  retry(item);
}

void ToMail::finish(Item& item, const MailReply* last) {
  const std::string rejected = joined(item.attempt.rejected);
  const int code = last != nullptr ? last->code : item.any_taken() ? 250 : 0;
  const std::string text = last != nullptr ? last->text : std::string();
  if (!item.any_taken()) context_.counters.add(Counter::mails_failed);
  life_.finish(
      item,
      {.state = item.any_taken() ? ItemState::delivered : ItemState::failed, .reason = rejected, .status_code = code, .status_text = text});
}

// The mail was out whole and no reply came. RFC 5321 §4.5.4.1: again after 30 minutes at least; the same Message-ID lets the other side see
// that it is the same mail.
void ToMail::lost(Item& item) {
  const Duration wait = context_.settings.unknown_retry;
  item.attempt.apply(AttemptEvent::loss);
  context_.counters.add(Counter::mails_unknown);
  if (item.attempt.doubts > doubts_max || context_.now + wait >= item.expires) {
    context_.counters.add(Counter::mails_failed);
    const std::string reason = fmt::format("nobody knows whether the next mail server took it: {} {} without a reply to the whole mail; {}",
                                           item.attempt.doubts, item.attempt.doubts == 1 ? "try" : "tries", item.last_trouble);
    return life_.finish(item, {.state = ItemState::unconfirmed, .reason = reason});
  }
  context_.counters.add(Counter::mails_retried);
  item.not_before = context_.now + wait;
  wait_in_doubt(item, item.last_trouble);
}

void ToMail::wait_in_doubt(Item& item, std::string_view trouble) {
  history_.event(item, "mail_in_doubt",
                 {{"next_hop", target_of(item).next_hop},
                  {"reason", trouble},
                  {"try", fmt::to_string(item.attempt.number)},
                  {"wait_ms", fmt::to_string((item.not_before - context_.now).ms())}});
  life_.put_off(item, item.not_before);
}

void ToMail::retry(Item& item) {
  if (context_.now >= item.expires) {
    context_.counters.add(Counter::mails_failed);
    std::string reason = fmt::format("given up after {} tries: {}", item.attempt.number, item.last_trouble);
    if (!item.attempt.rejected.empty()) reason += "; " + joined(item.attempt.rejected);
    const ItemState end = item.any_taken() ? ItemState::delivered : item.attempt.doubts > 0 ? ItemState::unconfirmed : ItemState::failed;
    return life_.finish(item, {.state = end, .reason = reason});
  }
  const Duration wait = retry_delay(context_.settings.smtp_retry, item.attempt.number, context_.settings.random());
  context_.counters.add(Counter::mails_retried);
  history_.event(item, "retry",
                 {{"next_hop", target_of(item).next_hop},
                  {"reason", item.last_trouble},
                  {"try", fmt::to_string(item.attempt.number)},
                  {"wait_ms", fmt::to_string(wait.ms())}});
  life_.put_off(item, context_.now + wait);
}

}  // namespace pushmail::relay
