#include "controlplane/reports.h"

#include <fmt/format.h>

#include <algorithm>

#include "controlplane/destination.h"
#include "controlplane/store/ledger.h"
#include "core/contract/handoff/peer.h"
#include "core/log.h"
#include "core/record_fields.h"
#include "core/timers.h"

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

Result<void> Reports::take_early(Item& item) {
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
    PM_TRY([[maybe_unused]] const bool applied, apply(report, item));
  }
  return {};
}

Result<Effects> Reports::take(const RecordView& record) {
  Report report{.id = record.header().item,
                .trace = record.trace(tag(Tag::trace)).value_or(TraceId()),
                .peer = text_or_empty(record, Tag::peer),
                .message_id = text_or_empty(record, Tag::message_id),
                .recipient = text_or_empty(record, Tag::recipient),
                .sender = text_or_empty(record, Tag::sender),
                .mm_status = text_or_empty(record, Tag::mm_status),
                .status_text = text_or_empty(record, Tag::status_text),
                .time = {record.i64(tag(Tag::date)).value_or(record.i64(tag(Tag::time)).value_or(0))}};
  return in_one_write(ports_.store, [&]() -> Result<Effects> {
    PM_TRY(const bool is_new, ports_.store.add_report(report));
    if (!is_new) return {};
    PM_TRY(auto item, find_item(report));
    if (!item) {
      PM_TRY_VOID(keep_orphan(report));
      return {};
    }
    // What was in doubt may be on its way once more, or wait for the phone to ask: nothing of it is sent any more.
    const bool may_go_out = item->state < ItemState::submitted;
    PM_TRY([[maybe_unused]] const bool applied, apply(report, *item));
    Effects effects;
    if (may_go_out) effects.withdrawn.push_back(std::move(*item));
    return effects;
  });
}

Result<void> Reports::keep_orphan(const Report& report) {
  constexpr std::uint64_t orphans_of_peer_max = 10'000, trim_every = 100;
  ++orphans_;
  if (orphan_lines_.take(report.peer, ports_.clock.now())) {
    log_warning("report_waits")
        .peer(report.peer)
        .text("message_id", report.message_id)
        .text("mm_status", report.mm_status)
        .number("since_start", static_cast<std::int64_t>(orphans_));
  }
  if (const auto noted = note_near_miss(report); !noted) return noted;
  return orphans_ % trim_every == 0 ? ports_.store.trim_orphan_reports(report.peer, orphans_of_peer_max) : Result<void>();
}

// The phone has a message of this peer whose report is missing, and this one names another: `item show` shows both.
Result<void> Reports::note_near_miss(const Report& report) {
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

Result<std::optional<Item>> Reports::find_item(const Report& report) {
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
bool Reports::names_another(const Report& report, const Item& item) const {
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
Result<bool> Reports::is_older(const Report& report, const Item& item) {
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

Result<bool> Reports::apply(const Report& report, Item& item) {
  const StatusRow& row = row_of(report.mm_status);
  if (const auto matched = ports_.store.match_report(report.id, item.id); !matched) return std::unexpected(matched.error());
  std::string reason(row.reason);
  if (!report.status_text.empty()) reason += " (" + report.status_text + ")";
  const Timestamp now = ports_.clock.wall();
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
  if (row.event == ItemEvent::delivered) {
    PM_TRY_VOID(ports_.marks.begin(item));
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

void Reports::tick() {
  if (ports_.clock.now() < tick_at_) return;
  tick_at_ = ports_.clock.now() + timers::item_ends;
  const Timestamp now = ports_.clock.wall();
  auto submitted = ports_.store.items({.states = {ItemState::submitted, ItemState::reported},
                                       .way = Way::to_phone,
                                       .expired_by = Timestamp{now.us - timers::no_report.us()},
                                       .order = ItemOrder::oldest_first});
  if (!submitted) return;
  for (Item& item : *submitted) {
    const auto done = ports_.store.write([&]() -> Result<void> {
      PM_TRY([[maybe_unused]] const bool moved,
             move_item(ports_.store, item,
                       {.event = ItemEvent::unconfirmed,
                        .reason = "the MMSC took the message, but no report came within a day after its expiry",
                        .time = now}));
      return {};
    });
    if (!done) log_error("unconfirmed_not_stored").item(item.id).error(done.error());
  }
}

}  // namespace pushmail
