#include "controlplane/forwarded.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "codec/mime/authentication.h"
#include "codec/mime/message.h"
#include "controlplane/destination.h"
#include "controlplane/store/ledger.h"
#include "controlplane/strangers.h"
#include "controlplane/submission.h"
#include "core/contract/handoff/peer.h"
#include "core/log.h"
#include "core/record_fields.h"

namespace pushmail {

namespace {

using handoff::Tag;
using handoff::tag;

}  // namespace

Effects Forwarded::on_route_query(const RecordView& record) {
  return send_route(ports_.data_plane, record.header().item, in_one_write(ports_.store, [&] { return route(record); }));
}

Result<Routed> Forwarded::route(const RecordView& record) {
  const ItemId id = record.header().item;
  PM_TRY(auto known, ports_.store.item(id));
  if (known) {
    PM_TRY(RecordWriter same, answer_of(*known));
    return Routed{.answer = std::move(same)};
  }

  Item item = item_of(record);
  const auto recipients = all_texts(record, Tag::recipient);
  const auto phone = recipients.empty() ? std::nullopt : msisdn_of_form(ports_.settings.numbering, recipients.front());
  item.msisdn = phone.value_or(Msisdn());
  std::optional<Binding> binding;
  if (phone) {
    PM_TRY(const auto bound, ports_.store.bindings_of(*phone));
    const auto active = std::ranges::find_if(bound, &Binding::is_active);
    if (active != bound.end()) binding = *active;
  }
  if (binding) {
    item.binding = binding->id;
    item.peer = binding->peer;
  }
  PM_TRY([[maybe_unused]] const bool added, ports_.store.add_item(item));
  const Timestamp now = ports_.clock.wall();
  if (!binding) {
    const std::string reason = "nobody is bound to the recipient's number";
    PM_TRY([[maybe_unused]] const bool moved, move_item(ports_.store, item, {.event = ItemEvent::refused, .reason = reason, .time = now}));
    return Routed{.answer = route_answer(id, handoff::decision::refuse, reason)};
  }

  log_info("mail_seen").trace(item.trace).item(item.id).binding(item.binding);
  PM_TRY(
      [[maybe_unused]] const bool seen,
      move_item(
          ports_.store, item,
          {.event = ItemEvent::mail_seen,
           .reason = item.reason,
           .time = now,
           .details = {
               {"binding", binding->id}, {"from", item.correspondent}, {"subject", item.subject}, {"size", fmt::to_string(item.size)}}}));
  PM_TRY(const bool sms_queued, ports_.asking.begin(item, binding->policy));
  PM_TRY(RecordWriter answer, answer_of(item));
  return Routed{.answer = std::move(answer), .sms_queued = sms_queued};
}

Item Forwarded::item_of(const RecordView& record) const {
  const Timestamp now = ports_.clock.wall();
  Item item{.id = record.header().item,
            .trace = record.trace(tag(Tag::trace)).value_or(TraceId()),
            .way = Way::to_phone,
            .source = Source::smtp,
            .created = now,
            .updated = now};
  item.source_address = text_or_empty(record, Tag::source_address);
  item.sender_domain = domain_of_sender(text_or_empty(record, Tag::mail_from));
  item.subject = text_or_empty(record, Tag::subject);
  item.mail_message_id = text_or_empty(record, Tag::message_id);
  item.mail_references = all_texts(record, Tag::reference);
  item.size = number_or_zero(record, Tag::mail_size);
  const auto from = mime::parse_mailboxes(text_or_empty(record, Tag::header_from));
  if (!from.empty()) {
    item.correspondent = from.front().address();
    item.correspondent_name = from.front().display_name;
  } else {
    item.correspondent = text_or_empty(record, Tag::mail_from);
  }
  if (const auto check = mime::trusted_check(text_or_empty(record, Tag::authentication), ports_.settings.trusted_authserv);
      check != mime::SenderCheck::unknown) {
    item.authentication = mime::to_string(check);
  }
  return item;
}

Result<RecordWriter> Forwarded::answer_of(Item& item) {
  if (is_final(item.state) || item.state == ItemState::submitted || item.state == ItemState::reported) {
    return route_answer(item.id, handoff::decision::refuse, item.reason.empty() ? std::string_view("settled before") : item.reason);
  }
  if (item.state == ItemState::accepted || item.state == ItemState::notified || item.is_unknown())
    return route_answer(item.id, handoff::decision::wait, item.reason);
  RecordWriter answer = route_answer(item.id, handoff::decision::submit);
  if (const auto described = describe_submission(ports_.store, ports_.settings, ports_.clock.wall(), item, answer); !described)
    return std::unexpected(described.error());
  return answer;
}

void Forwarded::answer(const Item& item) {
  Item current = item;
  current.retry_at = {};
  RecordWriter answer = route_answer(item.id, handoff::decision::submit);
  const auto done =
      ports_.store.write([&] { return describe_submission(ports_.store, ports_.settings, ports_.clock.wall(), current, answer); });
  if (!done) {
    log_error("route_not_answered").item(item.id).error(done.error());
    return ports_.transfers.break_off(item.id, explain_submission(done.error(), item), Transfers::Retry::backing_off);
  }
  if (!ports_.data_plane.is_ready()) return;
  if (ports_.data_plane.send(handoff::Kind::route_answer, item.id, std::move(answer)) == DataPlanePort::Sent::no)
    ports_.transfers.break_off(item.id, "the data plane takes no more at the moment", Transfers::Retry::backing_off);
}

void Forwarded::refuse(const Item& item) {
  // Without a data plane it asks again when it is back, and gets the same answer.
  if (item.source != Source::smtp || !ports_.data_plane.is_ready()) return;
  ports_.data_plane.send(handoff::Kind::route_answer, item.id, route_answer(item.id, handoff::decision::refuse, item.reason));
}

}  // namespace pushmail
