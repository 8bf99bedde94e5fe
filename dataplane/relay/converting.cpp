#include "dataplane/relay/converting.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "core/log.h"

namespace pushmail::relay {

namespace {

// After a want of memory: one message must not fill the log, nor ask for all that there is each turn.
constexpr RetryPolicy convert_again{.first = seconds(2), .most = seconds(300)};

}  // namespace

Conversion Converting::conversion_of(Item& item, Work work) const {
  Conversion conversion;
  conversion.item = item.id;
  conversion.trace = item.trace;
  conversion.work = work;
  conversion.content = item.is_from_phone() ? Content::mm7 : Content::mail;
  if (const auto* phone = std::get_if<PhoneOrigin>(&item.origin)) conversion.content_type = phone->content_type;
  conversion.body = std::move(item.body);
  return conversion;
}

void Converting::peek(Item& item) {
  item.stage.move(StageEvent::peek);
  Conversion conversion = conversion_of(item, Work::peek);
  if (item.is_from_phone()) {
    const auto forms = context_.sender_forms_of(item.peer());
    conversion.sender_forms.assign(forms.begin(), forms.end());
    conversion.numbering = context_.settings.numbering;
  }
  conversion.under_rules = item.forwarded() != nullptr;
  context_.ports.codec.start(std::move(conversion));
}

void Converting::convert(Item& item) {
  item.stage.move(StageEvent::convert);
  history_.event(item, "converting", {{"peer", item.peer()}});
  Conversion conversion = conversion_of(item, item.is_to_phone() ? Work::mm : Work::mail);
  conversion.our_domain = context_.settings.domain;
  conversion.accepted = item.accepted;
  if (const auto* mail = std::get_if<MailTarget>(&item.target)) conversion.mail_route = mail->route;
  if (const auto* phone = std::get_if<PhoneTarget>(&item.target)) conversion.mm_route = phone->route;
  // Forwarded mail was looked at when it was handed in.
  conversion.under_rules = item.forwarded() == nullptr;
  context_.ports.codec.start(std::move(conversion));
}

Next Converting::take(Item& item, Converted converted) {
  item.body = std::move(converted.body);
  if (converted.error && converted.error->info->lasting == Lasting::temporary) {
    put_off(item, *converted.error);
    return Next::nothing;
  }
  item.put_off = 0;
  const std::size_t told = std::min(converted.rules.size(), rule_match_count_max);
  for (const RuleMatch& rule : std::span(converted.rules).first(told))
    history_.event(item, "content_rule", {{"rule", rule.id}, {"action", scan::name_of(rule.action)}, {"tag", rule.tag}});
  if (stopping_rule(converted) != nullptr) {
    context_.counters.add(Counter::rules_rejected);
    // The rule's name is for the operator: in the history and the log, never in a reason, which may come to a subscriber's eyes.
    life_.finish(
        item, {.state = ItemState::rejected, .reason = fmt::format("refused by the operator's policy, reference {}", to_string(item.id))});
    return Next::nothing;
  }
  return converted.work == Work::peek ? take_peeked(item, std::move(converted)) : take_output(item, std::move(converted));
}

void Converting::put_off(Item& item, const Error& error) {
  log_warning("conversion_put_off").item(item.id).trace(item.trace).error(error);
  if (item.stage == Stage::converting) item.stage.move(StageEvent::put_off);
  items_.set_due(item, context_.now + retry_delay(convert_again, ++item.put_off, context_.settings.random()));
}

Next Converting::take_peeked(Item& item, Converted converted) {
  if (converted.error && item.is_from_phone()) {
    life_.finish(item, {.reason = converted.error->info->text});
    return Next::nothing;
  }
  // A mail of which not even the head can be read still has its recipient; conversion will say what is wrong.
  item.peeked = std::move(converted.peeked);
  return Next::ask;
}

Next Converting::take_output(Item& item, Converted converted) {
  if (converted.error) {
    log_warning("conversion_failed").item(item.id).trace(item.trace).error(*converted.error);
    life_.finish(item, {.reason = fmt::format("the message cannot be converted: {}", converted.error->info->text)});
    return Next::nothing;
  }
  for (const std::string& decision : converted.decisions) history_.event(item, "converted", {{"decision", decision}});
  item.converted = true;
  item.output = std::move(converted.output);
  item.output_type = std::move(converted.content_type);
  // The original is not needed again in memory: the journal has it, or the store's mailbox.
  item.body = Bytes{};
  if (auto* mailbox = std::get_if<MailboxOrigin>(&item.origin)) mailbox->mail_size = 0;
  items_.count_memory(item);
  return Next::attempt;
}

}  // namespace pushmail::relay
