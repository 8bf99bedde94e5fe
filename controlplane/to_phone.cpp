#include "controlplane/to_phone.h"

#include <fmt/format.h>

#include <utility>

#include "codec/mime/authentication.h"
#include "codec/mime/message.h"
#include "controlplane/news.h"
#include "controlplane/store/errors.h"
#include "controlplane/store/ledger.h"
#include "controlplane/submission.h"
#include "controlplane/watermark.h"
#include "core/contract/worker.h"
#include "core/log.h"
#include "core/record_fields.h"
#include "core/timers.h"

namespace pushmail {

namespace {

using mailbox::tag;
using mailbox::Tag;

constexpr std::size_t waiting_max = 200;         // looked at in one turn
constexpr std::uint32_t ready_attempts_max = 3;  // a mailbox that keeps failing does not start anew whenever it answers

}  // namespace

// ---- 401: a mail is there ---------------------------------------------------------------------------------------------------------

Effects ToPhone::on_new_mail(const RecordView& record) {
  std::string id = text_or_empty(record, Tag::binding);
  auto taken = in_one_write(ports_.store, [&]() -> Result<Effects> {
    PM_TRY(const auto binding, ports_.store.binding(id));
    if (!binding || binding->state == BindingState::removed) return {};
    return take_new_mail(record, *binding);
  });
  if (taken) return std::move(*taken);
  // Nothing was written: the mail is news again as soon as the fetcher hears where the store stands.
  log_error("new_mail_not_stored").binding(id).error(taken.error());
  return {.news_lost = {std::move(id)}};
}

Result<Effects> ToPhone::take_new_mail(const RecordView& record, const Binding& binding) {
  Item item = item_of(record, binding);
  if (item.uid.empty()) return {};
  // It came before the fetcher heard of the suspension. The watermark stays below it, so that it is news when the binding is resumed.
  if (!binding.is_active()) return {};
  PM_TRY(const bool is_seen_again, follow_watermark(record, binding, item));

  item.reason = "the mail was seen";
  if (is_seen_again) {
    // Whoever had this store before may have sent it; what is sent now says so.
    item.reason = "the mail was seen after the store came out of a backup: it may have been sent before";
    item.doubts = 1;
    item.duplicate_possible = true;
  }
  PM_TRY(const bool is_new, ports_.store.add_item(item));
  if (!is_new) return {};  // the fetcher told us twice
  log_info("mail_seen").trace(item.trace).item(item.id).binding(item.binding);
  const Timestamp now = ports_.clock.wall();
  const Timestamp seen{record.i64(tag(Tag::time)).value_or(now.us)};
  Details details{{"binding", binding.id},
                  {"uid", item.uid},
                  {"uid_validity", fmt::to_string(item.uid_validity)},
                  {"size", fmt::to_string(item.size)},
                  {"from", item.correspondent},
                  {"subject", item.subject}};
  // The mail server did not hand out its header: it is announced with what is known.
  if (const std::string trouble = text_or_empty(record, Tag::reason); !trouble.empty()) details.emplace_back("without_header", trouble);
  PM_TRY([[maybe_unused]] const bool accepted,
         move_item(
             ports_.store, item,
             {.event = ItemEvent::mail_seen, .reason = item.reason, .time = seen, .by = Program::fetcher, .details = std::move(details)}));
  if (item.size > ports_.settings.mail_size_max) {
    PM_TRY([[maybe_unused]] const bool ended,
           move_item(ports_.store, item, {.event = ItemEvent::too_large, .reason = explain_fetch("too_large", binding), .time = now}));
    PM_TRY_VOID(ports_.store.queue_sms(
        {.msisdn = item.msisdn, .text = notify::too_large_text(news_of(item, ports_.settings)), .kind = SmsKind::failure, .created = now}));
    return Effects{.sms_queued = true};
  }
  Effects effects;
  PM_TRY(effects.sms_queued, ports_.asking.begin(item, binding.policy));
  if (item.state == ItemState::requested) effects.requested.push_back(std::move(item));
  return effects;
}

Item ToPhone::item_of(const RecordView& record, const Binding& binding) const {
  const Timestamp now = ports_.clock.wall();
  Item item;
  item.id = new_item_id(now, node_and_worker(ports_.settings.node, {}));
  item.trace = record.trace(tag(Tag::trace)).value_or(new_trace_id());
  item.source = Source::mailbox;
  item.binding = binding.id;
  item.msisdn = binding.msisdn;
  item.peer = binding.peer;
  item.uid_validity = number_or_zero(record, Tag::uid_validity);
  item.uid = text_or_empty(record, Tag::uid);
  item.subject = text_or_empty(record, Tag::subject);
  item.size = number_or_zero(record, Tag::size);
  item.mail_message_id = text_or_empty(record, Tag::message_id);
  item.mail_references = all_texts(record, Tag::reference);
  const auto senders = mime::parse_mailboxes(text_or_empty(record, Tag::sender));
  if (!senders.empty()) {
    item.correspondent = senders.front().address();
    item.correspondent_name = senders.front().display_name;
  }
  // Where an answer goes (RFC 5322 §3.6.2).
  if (const auto reply_to = mime::parse_mailboxes(text_or_empty(record, Tag::reply_to));
      !reply_to.empty() && !reply_to.front().domain.empty()) {
    // The phone is shown who wrote it, whoever gets its answer.
    if (item.correspondent != reply_to.front().address()) item.author = std::exchange(item.correspondent, reply_to.front().address());
  }
  if (const auto check = mime::trusted_check(text_or_empty(record, Tag::authentication), ports_.settings.trusted_authserv);
      check != mime::SenderCheck::unknown) {
    item.authentication = mime::to_string(check);
  }
  item.created = item.updated = now;
  return item;
}

Result<bool> ToPhone::follow_watermark(const RecordView& record, const Binding& binding, const Item& item) {
  PM_TRY(MailboxState state, ports_.store.mailbox(binding.id));
  if (state.uid_validity != item.uid_validity && state.uid_validity != 0) {
    log_warning("uid_validity_changed").binding(binding.id);
  }
  take_watermark(record, state);
  PM_TRY_VOID(ports_.store.set_mailbox(binding.id, state));
  // What the session wants kept beside its cursor.
  if (const auto known = record.text(tag(mailbox::Tag::known_uid))) PM_TRY_VOID(ports_.store.add_known_uid(binding.id, *known));
  return state.restored.us != 0;
}

// ---- 404: fetch and hand over -----------------------------------------------------------------------------------------------------

Effects ToPhone::fetch() {
  Effects effects;
  if (!ports_.data_plane.is_ready() || ports_.clock.now() < resume_at_ || !ports_.transfers.has_room()) return effects;
  const auto waiting = ports_.store.items({.states = {ItemState::requested},
                                           .way = Way::to_phone,
                                           .due = ports_.clock.wall(),
                                           .order = ItemOrder::oldest_first,
                                           .count_max = waiting_max});
  if (!waiting) {
    log_error("items_not_read").error(waiting.error());
    return effects;
  }
  for (const Item& item : *waiting) {
    if (!ports_.transfers.has_room()) break;
    const bool forwarded = item.source == Source::smtp;
    // A forwarded mail was answered for when it was requested; without a time of its own it is not offered again.
    if (forwarded ? item.retry_at.us == 0 : ports_.transfers.contains(item.id) || !ports_.fetchers.is_up(item.binding)) continue;
    const auto binding = ports_.store.binding(item.binding);
    if (!binding) continue;
    const bool removed = !*binding || (*binding)->state == BindingState::removed;
    if (!removed && !(*binding)->is_active()) {
      put_off(item);
    } else if (forwarded) {
      ports_.forwarded.answer(item);
    } else if (removed) {
      effects.not_fetched.push_back({item, ItemEvent::withdrawn, "the binding was removed"});
    } else {
      start(item);
    }
  }
  return effects;
}

void ToPhone::start(Item item) {
  RecordWriter submission = handoff::make(handoff::Kind::submission, item.id);
  const auto done = ports_.store.write([&]() -> Result<void> {
    const Timestamp now = ports_.clock.wall();
    PM_TRY_VOID(describe_submission(ports_.store, ports_.settings, now, item, submission));
    PM_TRY([[maybe_unused]] const bool moved,
           move_item(ports_.store, item,
                     {.event = ItemEvent::fetching,
                      .reason = "the mail is being fetched from the mailbox",
                      .time = now,
                      .details = {{"uid", item.uid}, {"size", fmt::to_string(item.size)}, {"suffix", item.suffix}}}));
    return {};
  });
  if (done) return ports_.transfers.begin(item, std::move(submission));
  log_error("fetch_not_stored").item(item.id).error(done.error());
  ports_.transfers.break_off(item.id, explain_submission(done.error(), item),
                             done.error().is(store_no_suffix) ? Transfers::Retry::late : Transfers::Retry::backing_off);
}

// The binding rests: what the phone asked for waits, and goes on when the binding does.
void ToPhone::put_off(Item item) {
  item.retry_at = {ports_.clock.wall().us + timers::suspended_retry.us()};
  item.reason = "the binding is suspended; the mail is sent when it is resumed";
  if (const auto done = ports_.store.write([&] { return ports_.store.update_item(item); }); !done)
    log_error("retry_not_stored").error(done.error());
}

Effects ToPhone::end(NotFetched what) {
  Item item = what.item;
  Effects effects{.withdrawn = {std::move(what.item)}};
  const Timestamp now = ports_.clock.wall();
  // An earlier try may have arrived: then this is no failure that anybody could be sure of.
  const bool in_doubt = item.doubts > 0;
  const auto done = ports_.store.write([&]() -> Result<void> {
    PM_TRY(const bool moved,
           move_item(ports_.store, item,
                     {.event = in_doubt ? ItemEvent::unconfirmed : what.event, .reason = std::move(what.reason), .time = now}));
    if (!moved) return {};
    PM_TRY_VOID(ports_.store.withdraw_sms(item.id));
    const notify::MailNews news = news_of(item, ports_.settings);
    std::string text = in_doubt ? notify::unconfirmed_text({}, news) : notify::not_delivered_text(news, item.state);
    effects.sms_queued = true;
    return ports_.store.queue_sms({.msisdn = item.msisdn, .text = std::move(text), .kind = SmsKind::failure, .created = now});
  });
  if (!done) log_error("failure_not_stored").item(item.id).error(done.error());
  return effects;
}

// ---- what breaks and comes back ---------------------------------------------------------------------------------------------------

void ToPhone::resume() {
  ports_.transfers.clear();
  ask_again();
}

// Items that somebody else was working on, and of whom nothing is known any more.
void ToPhone::ask_again() {
  const auto read = for_each_item(
      ports_.store, {.states = {ItemState::fetching, ItemState::converting, ItemState::submitting}, .way = Way::to_phone},
      [&](const Item& item) {
        // A forwarded mail lies in the data plane's journal: it asks for its route again by itself. What is in doubt is nobody's work now.
        if (item.source != Source::mailbox || item.is_unknown() || ports_.transfers.contains(item.id)) return;
        ports_.transfers.break_off(item.id, "a program was restarted in the middle; fetched again", Transfers::Retry::at_once);
      });
  if (!read) log_error("items_not_read").error(read.error());
}

void ToPhone::on_data_plane_ready(handoff::Other other) {
  // What the other side kept only in memory is gone with it. What it had submitted, it says now; so wait a moment.
  resume_at_ = ports_.clock.now() + timers::after_hello;
  if (other == handoff::Other::restarted) ask_again();
}

Effects ToPhone::on_mailbox_ready(std::string_view binding) {
  const auto waiting = ports_.store.items({.binding = std::string(binding), .states = {ItemState::requested}, .way = Way::to_phone});
  if (!waiting) return {};
  for (Item item : *waiting) {
    if (item.retry_at.us == 0 || item.attempts > ready_attempts_max) continue;
    item.retry_at = {};
    if (const auto done = ports_.store.write([&] { return ports_.store.update_item(item); }); !done)
      log_error("retry_not_stored").error(done.error());
  }
  return {.fetch = true};
}

}  // namespace pushmail
