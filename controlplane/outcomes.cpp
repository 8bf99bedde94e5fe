#include "controlplane/outcomes.h"

#include <fmt/format.h>

#include <algorithm>

#include "codec/sms/automatic.h"
#include "controlplane/destination.h"
#include "controlplane/news.h"
#include "core/contract/handoff/peer.h"
#include "core/log.h"
#include "core/record_fields.h"

namespace pushmail {

namespace {

using handoff::Tag;
using handoff::tag;

// MMStatus of TS 23.140 §8.4.2, §8.4.3 and §8.7 -> what it is for the item, and words. Deferred, Forwarded and Indeterminate are not the
// end.
struct StatusRow {
  std::string_view mm_status;
  ItemEvent event;
  std::string_view reason;
};
constexpr auto statuses = std::to_array<StatusRow>({
    {"Retrieved", ItemEvent::delivered, "the phone has fetched the message"},
    {"Rejected", ItemEvent::rejected, "the phone, or its owner, rejected the message"},
    {"DeliveryConditionNotMet", ItemEvent::rejected, "the phone does not meet the conditions that were set for the message"},
    {"Unrecognised", ItemEvent::rejected, "the phone could not make anything of the message"},
    {"Expired", ItemEvent::expired, "the phone did not fetch the message before it expired; the mail stays in the mailbox"},
    {"Deferred", ItemEvent::report, "the phone was told by the MMSC and has not fetched the message yet"},
    {"Forwarded", ItemEvent::report, "the message was forwarded to another address"},
    // Read replies; what was read has been fetched.
    {"Read", ItemEvent::delivered, "the phone's owner has read the message"},
    {"Deleted", ItemEvent::report, "the message was deleted on the phone without being read"},
    {"Indeterminate", ItemEvent::report, "the MMSC cannot tell whether the message arrived"},
});

const StatusRow& row_of(std::string_view mm_status) {
  for (const StatusRow& row : statuses) {
    if (ascii_equal_nocase(row.mm_status, mm_status)) return row;
  }
  return statuses.back();
}

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

constexpr std::int64_t minute_us = 60'000'000;
// How far the clocks of an MMSC and of ours may be apart: so far a report's date is taken for the true order, and so far at most where
// nothing else of the thread went out.
constexpr std::int64_t clocks_agree_us = minute_us;
constexpr std::int64_t clocks_differ_most_us = 10 * minute_us;

// By our clock: its id was drawn when it came.
bool came_before(const Report& report, Timestamp time) {
  const auto came_ms = static_cast<std::int64_t>(load<std::uint64_t>(report.id.bytes.data(), std::endian::big) >> 16);
  return came_ms < time.us / 1000;
}

}  // namespace

Result<void> Outcomes::take_outcome(const RecordView& record) {
  bool queued = false;
  const auto done = ports_.store.write([&] { return apply_outcome(record, queued); });
  if (!done) return done;
  ports_.forget(record.header().item);
  if (queued) ports_.sms_queued();
  return {};
}

Result<void> Outcomes::apply_outcome(const RecordView& record, bool& queued) {
  const ItemId id = record.header().item;
  const auto state = parse_word<ItemState>(text_or_empty(record, Tag::state));
  const auto event = event_of(state);
  PM_TRY(auto found, ports_.store.item(id));
  if (!event || !found) {
    // Acknowledged all the same: nobody will ever know more about it.
    log_error("outcome_of_nothing").item(id).text("state", text_or_empty(record, Tag::state));
    return {};
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
    if (const auto written = ports_.store.update_item(item); !written) return written;
  }

  // A refusal that follows our own answer to a question about an item that went out before says nothing new.
  const bool went_out = item.state == ItemState::submitted || item.state == ItemState::reported;
  const bool names_it = *state == ItemState::submitted && item.message_id.empty() && !message_id.empty();
  if (went_out && (*state == ItemState::rejected || *state == ItemState::submitted) && !names_it) {
    return note(ports_.store, item, "outcome_repeated", time, Program::data, std::move(details));
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
    if (!moved) return {};
    log_info("submitted").trace(item.trace).item(id).text("message_id", message_id);
    return take_early_reports(item);
  }

  item.duplicate_possible = item.duplicate_possible || duplicate_possible;
  std::string words = reason;
  if (words.empty() && *state == ItemState::delivered) words = "the next mail server has taken the mail";
  if (words.empty()) words = text_or_empty(record, Tag::status_text);
  PM_TRY(const bool moved, move_item(ports_.store, item,
                                     {.event = *event, .reason = words, .time = time, .by = Program::data, .details = std::move(details)}));
  if (!moved) return {};
  log_info("settled").trace(item.trace).item(id).text("state", to_string(*state));
  // Delivered with a reason: some of several recipients did not get it.
  const bool all_well = *state == ItemState::delivered && (reason.empty() || item.way == Way::to_phone);
  const bool to_mail = item.way == Way::to_mail;
  // Withdrawn: its binding is gone, and with it whoever would want to know.
  if (all_well || *state == ItemState::withdrawn || item.msisdn.empty()) return {};
  // What a phone sends by itself is not answered: its next answer would fail too.
  if (to_mail && sms::is_automatic(item.subject, {})) return {};
  // Nothing fails in silence: the phone's owner is told, in either direction. Of the reason only what another mail server wrote is his.
  const bool is_server_reply = *state == ItemState::delivered || record.u64(tag(Tag::status_code)).value_or(0) != 0;
  const notify::MailNews news = news_of(item, ports_.settings);
  std::string text = to_mail ? notify::mail_failed_text(item.correspondent, item.subject, is_server_reply ? words : "")
                             : notify::not_delivered_text(news, *state);
  if (*state == ItemState::unconfirmed) text = notify::unconfirmed_text(to_mail ? item.correspondent : std::string(), news);
  queued = true;
  return ports_.store.queue_sms({.msisdn = item.msisdn, .text = std::move(text), .kind = SmsKind::failure, .created = ports_.clock.wall()});
}

Result<void> Outcomes::take_early_reports(Item& item) {
  PM_TRY(const auto early, ports_.store.orphan_reports(item.peer, item.message_id));
  for (const Report& report : early) {
    // Without a MessageID the suffix decides, which a whole thread shares: what came earlier is about another message of it.
    if (item.message_id.empty() && came_before(report, item.created)) continue;
    const wap::Numbering& numbering = ports_.settings.numbering;
    const bool names_phone =
        msisdn_of_form(numbering, report.recipient) == item.msisdn || msisdn_of_form(numbering, report.sender) == item.msisdn;
    if (item.message_id.empty() && !names_phone) continue;
    PM_TRY(const auto match, find_item(report));
    if (!match || match->id != item.id) continue;
    item.message_id = match->message_id;
    PM_TRY([[maybe_unused]] const bool applied, apply_report(report, item));
  }
  return {};
}

Result<void> Outcomes::take_report(const RecordView& record) {
  Report report{.id = record.header().item,
                .trace = record.trace(tag(Tag::trace)).value_or(TraceId()),
                .peer = text_or_empty(record, Tag::peer),
                .message_id = text_or_empty(record, Tag::message_id),
                .recipient = text_or_empty(record, Tag::recipient),
                .sender = text_or_empty(record, Tag::sender),
                .mm_status = text_or_empty(record, Tag::mm_status),
                .status_text = text_or_empty(record, Tag::status_text),
                .time = {record.i64(tag(Tag::date)).value_or(record.i64(tag(Tag::time)).value_or(0))}};
  std::optional<Item> settled;
  const auto done = ports_.store.write([&]() -> Result<void> {
    settled.reset();
    PM_TRY(const bool is_new, ports_.store.add_report(report));
    if (!is_new) return {};
    PM_TRY(auto item, find_item(report));
    if (!item) return keep_orphan(report);
    // What was in doubt may be on its way once more, or wait for the phone to ask.
    const bool may_go_out = item->state < ItemState::submitted;
    PM_TRY([[maybe_unused]] const bool applied, apply_report(report, *item));
    if (may_go_out) settled = std::move(item);
    return {};
  });
  if (done && settled) ports_.withdraw(*settled);
  return done;
}

Result<void> Outcomes::keep_orphan(const Report& report) {
  constexpr std::uint64_t orphans_of_peer_max = 10'000, trim_every = 100;
  ++orphans_;
  if (orphan_lines_.take(report.peer, ports_.clock.now())) {
    log_warning("report_waits")
        .peer(report.peer)
        .text("message_id", report.message_id)
        .text("mm_status", report.mm_status)
        .number("since_start", static_cast<std::int64_t>(orphans_));
  }
  if (const auto told = tell_near_miss(report); !told) return told;
  return orphans_ % trim_every == 0 ? ports_.store.trim_orphan_reports(report.peer, orphans_of_peer_max) : Result<void>();
}

// The phone has a message of this peer whose report is missing, and this one names another: `item show` shows both.
Result<void> Outcomes::tell_near_miss(const Report& report) {
  for (const std::string* form : {&report.recipient, &report.sender}) {
    const auto phone = msisdn_of_form(ports_.settings.numbering, *form);
    if (!phone) continue;
    PM_TRY(const auto waiting, ports_.store.items({.states = {ItemState::submitted, ItemState::reported},
                                                   .way = Way::to_phone,
                                                   .msisdn = *phone,
                                                   .peer = report.peer,
                                                   .count_max = 1}));
    if (waiting.empty() || waiting.front().message_id.empty() || !near_misses_.take(phone->digits(), ports_.clock.now())) continue;
    return note(ports_.store, waiting.front(), "report_unmatched", ports_.clock.wall(), Program::control,
                {{"report_id", report.message_id},
                 {"mm_status", report.mm_status},
                 {"message_id", waiting.front().message_id},
                 {"peer", report.peer},
                 {"reason", fmt::format("a report for this phone names no message of ours; peer.{}.message_id says how ids are compared",
                                        report.peer)}});
  }
  return {};
}

Result<std::optional<Item>> Outcomes::find_item(const Report& report) {
  const auto recipient = msisdn_of_form(ports_.settings.numbering, report.recipient);
  const auto sender = msisdn_of_form(ports_.settings.numbering, report.sender);
  PM_TRY(auto candidates, ports_.store.items_of_message(report.peer, report.message_id));
  const PeerProfile* peer = ports_.settings.peer(report.peer);
  const bool exact = peer != nullptr && peer->is({"message_id", "exact"});
  std::erase_if(candidates,
                [&](const Item& item) { return (exact && item.message_id != report.message_id) || names_another(report, item); });
  const auto is_phone = [&](const Item& item) { return recipient == item.msisdn || sender == item.msisdn; };
  if (const auto named = std::ranges::find_if(candidates, is_phone); named != candidates.end()) return std::optional(std::move(*named));
  // An id that is known says enough where nobody can read the addresses.
  if (candidates.size() == 1) return std::optional(std::move(candidates.front()));
  // There was no answer to the submission, or one without MessageID: phone and suffix say which one it was.
  const auto ends_with = [](std::string_view form, const std::string& suffix) { return !suffix.empty() && form.ends_with(suffix); };
  for (const auto& phone : {recipient, sender}) {
    if (!phone) continue;
    PM_TRY(auto nameless,
           ports_.store.items(
               {.way = Way::to_phone, .msisdn = *phone, .peer = report.peer, .nameless = true, .order = ItemOrder::oldest_first}));
    for (Item& item : nameless) {
      const bool about_suffix = ends_with(report.recipient, item.suffix) || ends_with(report.sender, item.suffix);
      const bool is_open = !is_final(item.state) || item.state == ItemState::unconfirmed;
      if (!about_suffix || !is_open) continue;
      PM_TRY(const bool older, is_older(report, item));
      if (older) continue;
      item.message_id = report.message_id;
      return std::optional(std::move(item));
    }
  }
  return std::optional<Item>();
}

// Addresses of ours, and what nobody can read for sure, say nothing against an id; a number whose end is the phone's may lack its country
// code.
bool Outcomes::names_another(const Report& report, const Item& item) const {
  constexpr std::size_t same_tail_digits = 7;
  const PeerProfile* peer = ports_.settings.peer(report.peer);
  bool another = false;
  for (const std::string* form : {&report.recipient, &report.sender}) {
    const auto number = msisdn_of_form(ports_.settings.numbering, *form);
    if (!number) continue;
    if (*number == item.msisdn || (number->digits().size() >= same_tail_digits && item.msisdn.digits().ends_with(number->digits())))
      return false;
    const bool is_ours =
        peer != nullptr && !peer->text("service_number").empty() && number->digits().starts_with(peer->text("service_number"));
    another = another || !is_ours;
  }
  return another;
}

// A whole thread shares the suffix: a report from before the try is about another message of it. One that only says so may come from an
// MMSC whose clock is behind; then no other message of the thread may have gone out, or have been heard of, that late.
Result<bool> Outcomes::is_older(const Report& report, const Item& item) {
  if (item.doubts == 0) return false;
  if (came_before(report, {item.doubt_began.us - clocks_agree_us})) return true;
  const std::int64_t behind_us = item.doubt_began.us - report.time.us;
  if (behind_us <= clocks_agree_us) return false;
  if (behind_us > clocks_differ_most_us) return true;
  PM_TRY(const auto others, ports_.store.items({.way = Way::to_phone, .msisdn = item.msisdn, .peer = item.peer}));
  return std::ranges::any_of(others, [&](const Item& other) {
    const bool went_out = other.state >= ItemState::submitting || other.doubts > 0;
    return other.id != item.id && other.suffix == item.suffix && went_out && other.updated.us >= report.time.us - clocks_differ_most_us;
  });
}

Result<bool> Outcomes::apply_report(const Report& report, Item& item) {
  const StatusRow& row = row_of(report.mm_status);
  if (const auto matched = ports_.store.match_report(report.id, item.id); !matched) return std::unexpected(matched.error());
  std::string reason(row.reason);
  if (!report.status_text.empty()) reason += " (" + report.status_text + ")";
  const Timestamp now = ports_.clock.wall();
  const bool delivered = row.event == ItemEvent::delivered;
  const bool was_unknown = item.is_unknown();
  // A reader takes his own time.
  const bool is_read_reply = report.mm_status == "Read" || report.mm_status == "Deleted";
  if (!is_read_reply && (was_unknown || item.state == ItemState::submitted)) {
    const Timestamp since = was_unknown ? item.doubt_began : item.updated;
    if (const auto learnt = ports_.report_times.add(item.peer, microseconds(now.us - since.us)); !learnt)
      return std::unexpected(learnt.error());
  }
  if (item.state < ItemState::submitted) {
    // In doubt until now: the report proves that the MMSC took it.
    item.unknown_until = {};
    item.asked_in_doubt = false;
    if (const PeerProfile* peer = ports_.settings.peer(item.peer)) item.expires = {now.us + peer->duration("expiry").us()};
    if (const auto withdrawn = ports_.store.withdraw_sms(item.id); !withdrawn) return std::unexpected(withdrawn.error());
  }
  if (delivered && item.source == Source::mailbox && item.mark == MarkProgress::none) {
    PM_TRY(const auto binding, ports_.store.binding(item.binding));
    if (binding && binding->mark != MarkPolicy::none) {
      item.mark = MarkProgress::pending;
      // From here on they count how often the mailbox was asked to mark it.
      item.attempts = 0;
      item.retry_at = {};
    }
  }
  PM_TRY(const bool moved, move_item(ports_.store, item,
                                     {.event = row.event,
                                      .reason = std::move(reason),
                                      .time = now,
                                      .details = {{"mm_status", report.mm_status},
                                                  {"message_id", report.message_id},
                                                  {"peer", report.peer},
                                                  {"reported_at", format_rfc3339(report.time)}}}));
  log_info("reported").trace(item.trace).item(item.id).peer(report.peer).text("mm_status", report.mm_status);
  return moved;
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
