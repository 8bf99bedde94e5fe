// Where an accepted message goes: asked of the control plane, converted in the codec lane, sent by SMTP (step 506).
#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "core/log.h"
#include "core/record_fields.h"
#include "dataplane/relay/relay.h"

namespace pushmail::relay {

namespace {

using handoff::Tag;
using handoff::tag;

// After a want of memory: one message must not fill the log, nor ask for all that there is each turn.
constexpr RetryPolicy convert_again{.first = seconds(2), .most = seconds(300)};

constexpr std::uint32_t mail_doubts_max = 3;  // so often a mail is sent again that may have arrived

std::string joined(const std::vector<std::string>& parts) { return fmt::format("{}", fmt::join(parts, "; ")); }

}  // namespace

void Relay::start_relay(Item& of) {
  if (is_for_postmaster(of)) return send_to_postmaster(of);
  of.stage.move(StageEvent::peek);
  Conversion conversion;
  conversion.item = of.id;
  conversion.trace = of.trace;
  conversion.work = Work::peek;
  conversion.content = of.source == Source::phone ? Content::mm7 : Content::mail;
  conversion.content_type = of.content_type;
  conversion.body = std::move(of.body);
  if (of.source == Source::phone) {
    const auto forms = sender_forms_of(of.peer);
    conversion.sender_forms.assign(forms.begin(), forms.end());
    conversion.numbering = settings_.numbering;
  }
  conversion.under_rules = of.source == Source::forwarded;
  ports_.codec.start(std::move(conversion));
}

void Relay::ask_route(Item& of) {
  const bool waits = of.stage == Stage::waiting;
  if (!waits) of.stage.move(StageEvent::ask);
  // Without a control plane on_handoff_ready asks; with one, a lost question is asked again after a while.
  if (!ports_.handoff.is_ready()) return;
  // The control plane must know of the doubt before it decides; its acknowledgement asks.
  if (unknown_.contains(of.id)) return;
  if (!waits) set_due(of, now_ + settings_.ask_again);
  RecordWriter query = handoff::make(handoff::Kind::route_query, of.id);
  query.trace(tag(Tag::trace), of.trace).text(tag(Tag::source), of.source == Source::phone ? "mm7" : "smtp");
  if (!of.peer.empty()) query.text(tag(Tag::peer), of.peer);
  const Peeked& seen = of.peeked;
  if (!seen.sender.empty()) query.text(tag(Tag::sender), seen.sender);
  if (of.source == Source::forwarded) {
    query.text(tag(Tag::recipient), "mail:" + of.recipient)
        .text(tag(Tag::mail_from), of.mail_from)
        .u64(tag(Tag::mail_size), of.body.size());
    if (!of.source_address.empty()) query.text(tag(Tag::source_address), of.source_address);
  }
  for (const std::string& recipient : seen.recipients) {
    const bool is_refused = std::find(of.refused.begin(), of.refused.end(), recipient) != of.refused.end();
    if (!is_refused) query.text(tag(Tag::recipient), recipient);
  }
  const std::pair<Tag, const std::string&> optional[] = {
      {Tag::subject, seen.subject},         {Tag::first_line, seen.first_line},         {Tag::linked_id, seen.linked_id},
      {Tag::header_from, seen.header_from}, {Tag::authentication, seen.authentication}, {Tag::message_id, seen.message_id}};
  for (const auto& [field, value] : optional) {
    if (!value.empty()) query.text(tag(field), value);
  }
  for (const std::string& reference : seen.references) query.text(tag(Tag::reference), reference);
  ports_.handoff.send(handoff::Kind::route_query, of.id, std::move(query));
}

void Relay::take_route(Item& of, const RecordView& record) {
  const std::string_view decision = record.text(tag(Tag::decision)).value_or("");
  set_due(of, {});
  if (decision == handoff::decision::wait) {
    of.stage.move(StageEvent::wait);
    return;
  }
  if (decision == handoff::decision::refuse) {
    return finish(of, {.state = ItemState::rejected, .reason = record.text(tag(Tag::reason)).value_or("refused by the control plane")});
  }
  if (decision == handoff::decision::submit && of.source == Source::forwarded) {
    if (take_mm_route(of, record)) return of.converted ? submit_item(of) : convert_item(of);
    // Our own mistake as well, or a table of peers that is still on its way.
    log_error("bad_route").item(of.id).trace(of.trace).text("decision", decision).text("peer", record.text(tag(Tag::peer)).value_or(""));
    of.stage.move(StageEvent::bad_route);
    return set_due(of, now_ + settings_.ask_again);
  }
  of.next_hop = text_or_empty(record, Tag::next_hop);
  of.mail_route = {.mail_from = text_or_empty(record, Tag::mail_from),
                   .recipients = all_texts(record, Tag::mail_recipient),
                   .header_from = text_or_empty(record, Tag::header_from),
                   .header_to = all_texts(record, Tag::header_to),
                   .in_reply_to = text_or_empty(record, Tag::in_reply_to),
                   .references = all_texts(record, Tag::reference),
                   .new_subject = text_or_empty(record, Tag::new_subject),
                   .drop_first_line = record.u64(tag(Tag::drop_first_line)).value_or(0) != 0,
                   .drop_address_only = record.u64(tag(Tag::drop_first_line)).value_or(0) == handoff::drop_address};
  if (decision != handoff::decision::mail || of.source != Source::phone || !parse_endpoint(of.next_hop) ||
      of.mail_route.recipients.empty()) {
    // A route that cannot be used is our own mistake somewhere: the message stays, the question is asked again.
    log_error("bad_route").item(of.id).trace(of.trace).text("decision", decision).text("next_hop", of.next_hop);
    of.stage.move(StageEvent::bad_route);
    return set_due(of, now_ + settings_.ask_again);
  }
  of.to_phone = false;
  // Those that got their final reply before a restart do not get the mail again.
  of.left.clear();
  for (const std::string& recipient : of.mail_route.recipients) {
    if (std::ranges::find(of.attempt.done, recipient) == of.attempt.done.end()) of.left.push_back(recipient);
  }
  const Duration age{(clock_.wall().us - of.accepted.us) * 1000};
  of.expires = now_ + Duration{settings_.smtp_expire.ns - age.ns};
  if (of.left.empty()) return finish_mail(of, nullptr);
  convert_item(of);
}

void Relay::convert_item(Item& of) {
  of.stage.move(StageEvent::convert);
  event(of, "converting", {{"peer", of.peer}});
  Conversion conversion;
  conversion.item = of.id;
  conversion.trace = of.trace;
  conversion.work = of.to_phone ? Work::mm : Work::mail;
  conversion.content = of.source == Source::phone ? Content::mm7 : Content::mail;
  conversion.content_type = of.content_type;
  conversion.body = std::move(of.body);
  conversion.our_domain = settings_.domain;
  conversion.accepted = of.accepted;
  conversion.mail_route = of.mail_route;
  conversion.mm_route = of.mm_route;
  // Forwarded mail was looked at when it was handed in.
  conversion.under_rules = of.source != Source::forwarded;
  ports_.codec.start(std::move(conversion));
}

void Relay::on_converted(Converted converted) {
  Item* of = item(converted.item);
  // Withdrawn, and perhaps offered again: this is the conversion of something that is gone.
  if (of == nullptr || (of->stage != Stage::peeking && of->stage != Stage::converting)) return;
  of->body = std::move(converted.body);
  if (converted.error && converted.error->info->lasting == Lasting::temporary) {
    log_warning("conversion_put_off").item(of->id).trace(of->trace).error(*converted.error);
    if (of->stage == Stage::converting) of->stage.move(StageEvent::put_off);
    return set_due(*of, now_ + retry_delay(convert_again, ++of->put_off, settings_.random()));
  }
  of->put_off = 0;
  const std::size_t told = std::min(converted.rules.size(), rule_match_count_max);
  for (const RuleMatch& rule : std::span(converted.rules).first(told))
    event(*of, "content_rule", {{"rule", rule.id}, {"action", scan::name_of(rule.action)}, {"tag", rule.tag}});
  if (const RuleMatch* rule = stopping_rule(converted); rule != nullptr) {
    counters_.add(Counter::rules_rejected);
    // The rule's name is for the operator: in the history and the log, never in a reason, which may come to a subscriber's eyes.
    return finish(
        *of, {.state = ItemState::rejected, .reason = fmt::format("refused by the operator's policy, reference {}", to_string(of->id))});
  }
  if (converted.work == Work::peek) {
    if (converted.error && of->source == Source::phone) return finish(*of, {.reason = converted.error->info->text});
    // A mail of which not even the head can be read still has its recipient; conversion will say what is wrong.
    of->peeked = std::move(converted.peeked);
    return ask_route(*of);
  }
  if (converted.error) {
    log_warning("conversion_failed").item(of->id).trace(of->trace).error(*converted.error);
    return finish(*of, {.reason = fmt::format("the message cannot be converted: {}", converted.error->info->text)});
  }
  for (const std::string& decision : converted.decisions) event(*of, "converted", {{"decision", decision}});
  of->converted = true;
  of->output = std::move(converted.output);
  of->output_type = std::move(converted.content_type);
  // The original is not needed again in memory: the journal has it, or the store's mailbox.
  of->body = Bytes{};
  of->mail_size = 0;
  count_memory(*of);
  if (of->to_phone) return submit_item(*of);
  send_item(*of);
}

void Relay::send_item(Item& of) {
  if (now_ < of.not_before) return wait_in_doubt(of, "the data plane was restarted before the reply came");
  begin_attempt(of);
}

void Relay::wait_in_doubt(Item& of, std::string_view trouble) {
  event(of, "mail_in_doubt",
        {{"next_hop", of.next_hop},
         {"reason", trouble},
         {"try", fmt::to_string(of.attempt.number)},
         {"wait_ms", fmt::to_string((of.not_before - now_).ms())}});
  of.stage.move(StageEvent::put_off);
  set_due(of, of.not_before);
}

void Relay::send_mail(Item& of) {
  event(of, "mail_sending",
        {{"next_hop", of.next_hop},
         {"try", fmt::to_string(of.attempt.number)},
         {"size", fmt::to_string(of.output.size())},
         {"duplicate_possible", of.duplicate_possible ? "1" : ""}});
  ports_.outgoing.send_mail({.item = of.id,
                             .next_hop = *parse_endpoint(of.next_hop),
                             .mail_from = of.mail_route.mail_from,
                             .recipients = of.left,
                             .mail = of.output});
}

void Relay::on_mail_result(const ItemId& id, const MailResult& result) {
  Item* of = item(id);
  if (of == nullptr || of->stage != Stage::sending) return;
  PM_CHECK(result.size() == of->left.size());
  const std::vector<std::string> asked = std::exchange(of->left, {});
  const MailReply* taken = nullptr;
  const MailReply* last_refusal = nullptr;
  bool unknown = false;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const MailReply& reply = result[i];
    if (reply.code >= 200 && reply.code < 300) {
      taken = &reply;
      of->attempt.done.push_back(asked[i]);
    } else if (reply.code >= 500) {
      of->attempt.done.push_back(asked[i]);
      of->attempt.rejected.push_back(fmt::format("{}: {} {}", asked[i], reply.code, reply.text));
      last_refusal = &reply;
    } else {
      of->left.push_back(asked[i]);
      unknown = unknown || reply.unknown;
      of->last_trouble = reply.code != 0 ? fmt::format("{} {}", reply.code, reply.text) : reply.text;
    }
  }
  if (taken != nullptr) {
    counters_.add(Counter::mails_sent);
    event(*of, "mail_sent",
          {{"next_hop", of->next_hop},
           {"status", fmt::to_string(taken->code)},
           {"reply", taken->text},
           {"message_id", to_string(of->id) + "@" + settings_.domain},
           {"try", fmt::to_string(of->attempt.number)}});
  }
  if (unknown) return mail_lost(*of);
  if (of->left.empty()) return finish_mail(*of, taken != nullptr ? taken : last_refusal);
  end_attempt(*of, taken != nullptr ? AttemptEvent::success : AttemptEvent::refusal);
  retry_mail(*of);
}

// Every recipient has its final reply; `last` is the one that decided, nothing after a restart.
void Relay::finish_mail(Item& of, const MailReply* last) {
  const std::string rejected = joined(of.attempt.rejected);
  const int code = last != nullptr ? last->code : of.any_taken() ? 250 : 0;
  const std::string text = last != nullptr ? last->text : std::string();
  if (!of.any_taken()) counters_.add(Counter::mails_failed);
  finish(
      of,
      {.state = of.any_taken() ? ItemState::delivered : ItemState::failed, .reason = rejected, .status_code = code, .status_text = text});
}

// The mail was out whole and no reply came. RFC 5321 §4.5.4.1: again after 30 minutes at least; the same Message-ID lets the other side see
// that it is the same mail.
void Relay::mail_lost(Item& of) {
  of.attempt.apply(AttemptEvent::loss);
  counters_.add(Counter::mails_unknown);
  if (of.attempt.doubts > mail_doubts_max || now_ + settings_.unknown_retry >= of.expires) {
    counters_.add(Counter::mails_failed);
    const std::string reason = fmt::format("nobody knows whether the next mail server took it: {} {} without a reply to the whole mail; {}",
                                           of.attempt.doubts, of.attempt.doubts == 1 ? "try" : "tries", of.last_trouble);
    return finish(of, {.state = ItemState::unconfirmed, .reason = reason});
  }
  counters_.add(Counter::mails_retried);
  of.not_before = now_ + settings_.unknown_retry;
  wait_in_doubt(of, of.last_trouble);
}

void Relay::retry_mail(Item& of) {
  if (now_ >= of.expires) {
    counters_.add(Counter::mails_failed);
    std::string reason = fmt::format("given up after {} tries: {}", of.attempt.number, of.last_trouble);
    if (!of.attempt.rejected.empty()) reason += "; " + joined(of.attempt.rejected);
    const ItemState end = of.any_taken() ? ItemState::delivered : of.attempt.doubts > 0 ? ItemState::unconfirmed : ItemState::failed;
    return finish(of, {.state = end, .reason = reason});
  }
  const Duration wait = retry_delay(settings_.smtp_retry, of.attempt.number, settings_.random());
  counters_.add(Counter::mails_retried);
  event(of, "retry",
        {{"next_hop", of.next_hop},
         {"reason", of.last_trouble},
         {"try", fmt::to_string(of.attempt.number)},
         {"wait_ms", fmt::to_string(wait.ms())}});
  of.stage.move(StageEvent::put_off);
  set_due(of, now_ + wait);
}

}  // namespace pushmail::relay
