#include "dataplane/relay/routes.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/contract/handoff/peer.h"
#include "core/log.h"

namespace pushmail::relay {

namespace {

using handoff::Tag;
using handoff::tag;

}  // namespace

void Routes::ask(Item& item) {
  const bool waits = item.stage == Stage::waiting;
  if (!waits) item.stage.move(StageEvent::ask);
  // Without a control plane its next connection asks; with one, a lost question is asked again after a while.
  if (!context_.ports.handoff.is_ready()) return;
  // The control plane must know of the doubt before it decides; its acknowledgement asks.
  if (in_doubt_.contains(item.id)) return;
  if (!waits) items_.set_due(item, context_.now + context_.settings.ask_again);
  RecordWriter query = handoff::make(handoff::Kind::route_query, item.id);
  query.trace(tag(Tag::trace), item.trace).text(tag(Tag::source), item.is_from_phone() ? "mm7" : "smtp");
  if (!item.peer().empty()) query.text(tag(Tag::peer), item.peer());
  const Peeked& seen = item.peeked;
  if (!seen.sender.empty()) query.text(tag(Tag::sender), seen.sender);
  if (const ForwardedOrigin* forwarded = item.forwarded()) {
    query.text(tag(Tag::recipient), "mail:" + forwarded->recipient)
        .text(tag(Tag::mail_from), forwarded->mail_from)
        .u64(tag(Tag::mail_size), item.body.size());
    if (!forwarded->source_address.empty()) query.text(tag(Tag::source_address), forwarded->source_address);
  }
  const auto* phone = std::get_if<PhoneOrigin>(&item.origin);
  for (const std::string& recipient : seen.recipients) {
    const bool is_refused = phone != nullptr && std::ranges::find(phone->refused, recipient) != phone->refused.end();
    if (!is_refused) query.text(tag(Tag::recipient), recipient);
  }
  const std::pair<Tag, const std::string&> optional[] = {
      {Tag::subject, seen.subject},         {Tag::first_line, seen.first_line},         {Tag::linked_id, seen.linked_id},
      {Tag::header_from, seen.header_from}, {Tag::authentication, seen.authentication}, {Tag::message_id, seen.message_id}};
  for (const auto& [field, value] : optional) {
    if (!value.empty()) query.text(tag(field), value);
  }
  for (const std::string& reference : seen.references) query.text(tag(Tag::reference), reference);
  context_.ports.handoff.send(handoff::Kind::route_query, item.id, std::move(query));
}

Next Routes::take(Item& item, const RecordView& answer) {
  const std::string_view decision = answer.text(tag(Tag::decision)).value_or("");
  items_.set_due(item, {});
  if (decision == handoff::decision::wait) {
    item.stage.move(StageEvent::wait);
    return Next::nothing;
  }
  if (decision == handoff::decision::refuse) {
    life_.finish(item, {.state = ItemState::rejected, .reason = answer.text(tag(Tag::reason)).value_or("refused by the control plane")});
    return Next::nothing;
  }
  if (decision == handoff::decision::submit && item.forwarded() != nullptr) {
    if (!to_phone_.take_route(item, answer)) return ask_later(item, answer);
    return item.converted ? Next::attempt : Next::convert;
  }
  const bool is_mail = decision == handoff::decision::mail && item.is_from_phone();
  if (!is_mail || !to_mail_.take_route(item, answer)) return ask_later(item, answer);
  return to_mail_.after_route(item);
}

Next Routes::ask_later(Item& item, const RecordView& answer) {
  log_error("bad_route")
      .item(item.id)
      .trace(item.trace)
      .text("decision", answer.text(tag(Tag::decision)).value_or(""))
      .text("peer", answer.text(tag(Tag::peer)).value_or(""))
      .text("next_hop", answer.text(tag(Tag::next_hop)).value_or(""));
  item.stage.move(StageEvent::bad_route);
  items_.set_due(item, context_.now + context_.settings.ask_again);
  return Next::nothing;
}

}  // namespace pushmail::relay
