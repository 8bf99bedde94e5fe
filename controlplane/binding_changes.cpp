// What becomes of items under way when their binding is removed, suspended or resumed (README, D-6).
#include "controlplane/news.h"
#include "controlplane/to_phone.h"
#include "core/log.h"
#include "core/timers.h"

namespace pushmail {

namespace {

using handoff::Tag;
using handoff::tag;

constexpr std::size_t all_of_them = 1'000'000;

}  // namespace

void ToPhone::on_binding_changed(const Binding& binding) {
  if (binding.state == BindingState::removed) return on_binding_removed(binding.id);
  if (binding.is_active()) return on_binding_resumed(binding.id);
  on_binding_suspended(binding.id);
}

// What waits for the phone, or is not yet with the data plane, is withdrawn.
void ToPhone::on_binding_removed(std::string_view binding) {
  const auto waiting = ports_.store.items({.binding = std::string(binding),
                                           .states = {ItemState::accepted, ItemState::notified, ItemState::requested, ItemState::fetching},
                                           .way = Way::to_phone,
                                           .count_max = all_of_them});
  if (!waiting) return;
  for (Item item : *waiting) {
    // An earlier try may have arrived, and its report may still come.
    const ItemEvent end = item.doubts > 0 ? ItemEvent::unconfirmed : ItemEvent::withdrawn;
    const auto done = ports_.store.write([&]() -> Result<void> {
      if (const auto withdrawn = ports_.store.withdraw_sms(item.id); !withdrawn) return withdrawn;
      PM_TRY([[maybe_unused]] const bool moved,
             move_item(ports_.store, item, {.event = end, .reason = "the binding was removed", .time = ports_.clock.wall()}));
      return {};
    });
    if (!done)
      log_error("withdrawal_not_stored").item(item.id).error(done.error());
    else
      withdraw(item);
  }
  // Whole mails are the data plane's: what it has not begun to send it ends, and says so.
  const auto handed_over = ports_.store.items({.binding = std::string(binding),
                                               .states = {ItemState::converting, ItemState::submitting},
                                               .way = Way::to_phone,
                                               .count_max = all_of_them});
  if (!handed_over) return;
  for (const Item& item : *handed_over) {
    if (item.is_unknown()) continue;
    RecordWriter record = handoff::make(handoff::Kind::withdraw, item.id);
    record.text(tag(Tag::state), to_string(ItemState::withdrawn));
    ports_.data_plane.send(handoff::Kind::withdraw, item.id, std::move(record));
  }
}

// README: what suspending does. Whole mails are the data plane's already, and go on.
void ToPhone::on_binding_suspended(std::string_view binding) {
  const auto untold = ports_.store.items(
      {.binding = std::string(binding), .states = {ItemState::accepted}, .way = Way::to_phone, .count_max = all_of_them});
  if (!untold) return;
  for (Item item : *untold) {
    const auto done = ports_.store.write([&]() -> Result<void> {
      item.reason = "the binding is suspended; the phone is told when it is resumed";
      if (const auto withdrawn = ports_.store.withdraw_sms(item.id); !withdrawn) return withdrawn;
      return ports_.store.update_item(item);
    });
    if (!done) log_error("suspension_not_stored").item(item.id).error(done.error());
  }
  std::vector<ItemId> under_way;
  for (const auto& [id, transfer] : transfers_) {
    if (transfer.binding == binding) under_way.push_back(id);
  }
  for (const ItemId& id : under_way) {
    break_off(id, "the binding was suspended; the mail is sent when it is resumed", Retry::at_once);
  }
}

void ToPhone::on_binding_resumed(std::string_view binding) {
  const auto waiting = ports_.store.items({.binding = std::string(binding),
                                           .states = {ItemState::accepted, ItemState::requested},
                                           .way = Way::to_phone,
                                           .count_max = all_of_them});
  if (!waiting) return;
  bool queued = false;
  for (Item item : *waiting) {
    const bool tell = item.state == ItemState::accepted && !item.reply_code.empty();
    if (!tell && item.state != ItemState::requested) continue;
    const auto done = ports_.store.write([&]() -> Result<void> {
      if (!tell) {
        // A forwarded mail is offered by a time that has come, a mail of the mailbox by none.
        item.retry_at = item.source == Source::smtp ? ports_.clock.wall() : Timestamp{};
        return ports_.store.update_item(item);
      }
      item.reason = "the SMS to the phone waits for the SMSC";
      if (const auto withdrawn = ports_.store.withdraw_sms(item.id); !withdrawn) return withdrawn;
      if (const auto written = ports_.store.update_item(item); !written) return written;
      return ports_.store.queue_sms({.msisdn = item.msisdn,
                                     .text = notify::new_mail_text(news_of(item, ports_.settings), item.reply_code),
                                     .kind = SmsKind::notify,
                                     .item = item.id,
                                     .created = ports_.clock.wall()});
    });
    if (!done) log_error("resumption_not_stored").item(item.id).error(done.error());
    queued = queued || (done && tell);
  }
  if (queued) ports_.sms_queued();
  pump();
}

void ToPhone::offer_again(const Item& item) {
  const auto binding = ports_.store.binding(item.binding);
  if (!binding) return;
  if (*binding && !(*binding)->is_active() && (*binding)->state != BindingState::removed) return put_off(item);
  answer_route(item);
}

// The binding rests: what the phone asked for waits, and goes on when the binding does.
void ToPhone::put_off(Item item) {
  item.retry_at = {ports_.clock.wall().us + timers::suspended_retry.us()};
  item.reason = "the binding is suspended; the mail is sent when it is resumed";
  if (const auto done = ports_.store.write([&] { return ports_.store.update_item(item); }); !done)
    log_error("retry_not_stored").error(done.error());
}

}  // namespace pushmail
