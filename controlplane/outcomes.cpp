#include "controlplane/outcomes.h"

#include <fmt/format.h>

#include <algorithm>

#include "codec/sms/automatic.h"
#include "controlplane/news.h"
#include "controlplane/store/ledger.h"
#include "core/contract/handoff/peer.h"
#include "core/log.h"
#include "core/record_fields.h"

namespace pushmail {

namespace {

using handoff::Tag;
using handoff::tag;

// How the data plane may end an item, and what that is.
constexpr auto outcomes = std::to_array<std::pair<ItemState, ItemEvent>>({
    {ItemState::submitted, ItemEvent::submitted},
    {ItemState::delivered, ItemEvent::delivered},
    {ItemState::rejected, ItemEvent::rejected},
    {ItemState::expired, ItemEvent::expired},
    {ItemState::failed, ItemEvent::failed},
    {ItemState::withdrawn, ItemEvent::withdrawn},
    {ItemState::unconfirmed, ItemEvent::unconfirmed},
});
std::optional<ItemEvent> event_of(std::optional<ItemState> outcome) {
  for (const auto& [state, event] : outcomes) {
    if (state == outcome) return event;
  }
  return std::nullopt;
}

// What the data plane does with an item on its way, that moves it. The rest of its words are history.
struct WorkRow {
  std::string_view name;  // of handoff::Kind::event
  ItemEvent event;
  std::string_view reason;
};
constexpr auto works = std::to_array<WorkRow>({
    {"converting", ItemEvent::converting, "the message is being converted"},
    {"submit_req", ItemEvent::submit_req, "the message is being submitted to the MMSC"},
});

}  // namespace

Result<Effects> Outcomes::take_outcome(const RecordView& record) {
  return in_one_write(ports_.store, [&] { return apply_outcome(record); });
}

Result<Effects> Outcomes::apply_outcome(const RecordView& record) {
  const ItemId id = record.header().item;
  // However it ended: no more of the mail is needed.
  Effects effects{.over = {id}};
  const auto state = parse_word<ItemState>(text_or_empty(record, Tag::state));
  const auto event = event_of(state);
  PM_TRY(auto found, ports_.store.item(id));
  if (!event || !found) {
    // Acknowledged all the same: nobody will ever know more about it.
    log_error("outcome_of_nothing").item(id).text("state", text_or_empty(record, Tag::state));
    return effects;
  }
  Item item = std::move(*found);
  const Timestamp time{record.i64(tag(Tag::time)).value_or(ports_.clock.wall().us)};
  const std::string message_id = text_or_empty(record, Tag::message_id);
  const std::string reason = text_or_empty(record, Tag::reason);
  Details details;
  for (const auto& [key, field] :
       {std::pair{"message_id", Tag::message_id}, std::pair{"peer", Tag::peer}, std::pair{"status_text", Tag::status_text}}) {
    if (std::string value = text_or_empty(record, field); !value.empty()) details.emplace_back(key, std::move(value));
  }
  if (const auto code = record.u64(tag(Tag::status_code))) details.emplace_back("status", fmt::to_string(*code));
  const bool duplicate_possible = record.u64(tag(Tag::duplicate_possible)).value_or(0) != 0;
  if (duplicate_possible) details.emplace_back("duplicate_possible", "1");
  // Kept also where the state moves no more: a report of the first sending may have settled what was just sent again.
  if (duplicate_possible && !item.duplicate_possible) {
    item.duplicate_possible = true;
    PM_TRY_VOID(ports_.store.update_item(item));
  }

  // A refusal that follows our own answer to a question about an item that went out before says nothing new.
  const bool went_out = item.state == ItemState::submitted || item.state == ItemState::reported;
  const bool names_it = *state == ItemState::submitted && item.message_id.empty() && !message_id.empty();
  if (went_out && (*state == ItemState::rejected || *state == ItemState::submitted) && !names_it) {
    PM_TRY_VOID(note(ports_.store, item, "outcome_repeated", time, Program::data, std::move(details)));
    return effects;
  }

  item.unknown_until = {};
  item.asked_in_doubt = false;
  if (*state == ItemState::submitted) {
    item.message_id = message_id;
    item.duplicate_possible = item.duplicate_possible || duplicate_possible;
    if (const PeerProfile* peer = ports_.settings.peer(item.peer)) item.expires = {time.us + peer->duration("expiry").us()};
    const std::string words = reason.empty() ? "the MMSC has taken the message; the phone has not fetched it yet" : reason;
    PM_TRY(const bool moved,
           move_item(ports_.store, item,
                     {.event = ItemEvent::submitted, .reason = words, .time = time, .by = Program::data, .details = std::move(details)}));
    if (!moved) return effects;
    log_info("submitted").trace(item.trace).item(id).text("message_id", message_id);
    PM_TRY_VOID(ports_.reports.take_early(item));
    return effects;
  }

  item.duplicate_possible = item.duplicate_possible || duplicate_possible;
  std::string words = reason;
  if (words.empty() && *state == ItemState::delivered) words = "the next mail server has taken the mail";
  if (words.empty()) words = text_or_empty(record, Tag::status_text);
  PM_TRY(const bool moved, move_item(ports_.store, item,
                                     {.event = *event, .reason = words, .time = time, .by = Program::data, .details = std::move(details)}));
  if (!moved) return effects;
  log_info("settled").trace(item.trace).item(id).text("state", to_string(*state));
  // Delivered with a reason: some of several recipients did not get it.
  const bool all_well = *state == ItemState::delivered && (reason.empty() || item.way == Way::to_phone);
  const bool to_mail = item.way == Way::to_mail;
  // Withdrawn: its binding is gone, and with it whoever would want to know.
  if (all_well || *state == ItemState::withdrawn || item.msisdn.empty()) return effects;
  // What a phone sends by itself is not answered: its next answer would fail too.
  if (to_mail && sms::is_automatic(item.subject, {})) return effects;
  // Nothing fails in silence: the phone's owner is told, in either direction. Of the reason only what another mail server wrote is his.
  const bool is_server_reply = *state == ItemState::delivered || record.u64(tag(Tag::status_code)).value_or(0) != 0;
  const notify::MailNews news = news_of(item, ports_.settings);
  std::string text = to_mail ? notify::mail_failed_text(item.correspondent, item.subject, is_server_reply ? words : "")
                             : notify::not_delivered_text(news, *state);
  if (*state == ItemState::unconfirmed) text = notify::unconfirmed_text(to_mail ? item.correspondent : std::string(), news);
  PM_TRY_VOID(
      ports_.store.queue_sms({.msisdn = item.msisdn, .text = std::move(text), .kind = SmsKind::failure, .created = ports_.clock.wall()}));
  effects.sms_queued = true;
  return effects;
}

void Outcomes::take_event(const RecordView& record) {
  const ItemId id = record.header().item;
  const std::string name = text_or_empty(record, Tag::name);
  const Timestamp time{record.i64(tag(Tag::time)).value_or(ports_.clock.wall().us)};
  Details details;
  std::string trouble;
  record.for_each([&](std::uint16_t field, ByteView value) {
    if (field != tag(Tag::detail)) return;
    const std::string_view pair = text_of(value);
    const std::size_t equals = pair.find('=');
    details.emplace_back(pair.substr(0, equals), equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1));
    if (details.back().first == "reason") trouble = details.back().second;
  });
  const auto work = std::ranges::find(works, name, &WorkRow::name);
  if (const std::string reason = text_or_empty(record, Tag::reason); !reason.empty()) trouble = reason;

  const auto done = ports_.store.write([&]() -> Result<void> {
    PM_TRY(auto item, ports_.store.item(id));
    if (!item) {
      // Events are faster than the route question that makes the item.
      return ports_.store.add_history({.item = id,
                                       .trace = record.trace(tag(Tag::trace)).value_or(TraceId()),
                                       .time = time,
                                       .program = Program::data,
                                       .event = name,
                                       .state = {},
                                       .details = std::move(details)});
    }
    // Work that goes on, or is late, moves nothing.
    if (work != works.end() && next_of(item_steps, item->state, work->event)) {
      std::erase_if(details, [](const auto& detail) { return detail.first == "reason"; });
      PM_TRY([[maybe_unused]] const bool moved, move_item(ports_.store, *item,
                                                          {.event = work->event,
                                                           .reason = std::string(work->reason),
                                                           .time = time,
                                                           .by = Program::data,
                                                           .details = std::move(details)}));
      return {};
    }
    if ((name == "retry" || name == "mail_in_doubt") && !is_final(item->state) && !trouble.empty()) {
      item->reason = (name == "retry" ? "tried again: "
                                      : "it is not known whether the next mail server took the mail; sent again after half an hour: ") +
                     trouble;
      item->updated = time;
      if (const auto written = ports_.store.update_item(*item); !written) return written;
    }
    return note(ports_.store, *item, name, time, Program::data, std::move(details));
  });
  if (!done) log_error("event_not_stored").item(id).error(done.error());
}

}  // namespace pushmail
