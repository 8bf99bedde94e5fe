#include "controlplane/binding_changes.h"

#include "controlplane/store/ledger.h"
#include "core/log.h"

namespace pushmail {

namespace {

constexpr std::size_t all_items = 1'000'000;

}  // namespace

Effects BindingChanges::on_changed(const Binding& binding) {
  if (binding.state == BindingState::removed) return on_removed(binding.id);
  if (binding.is_active()) return on_resumed(binding.id);
  return on_suspended(binding.id);
}

// What waits for the phone, or is not yet with the data plane, is withdrawn.
Effects BindingChanges::on_removed(std::string_view binding) {
  Effects effects;
  auto waiting = ports_.store.items({.binding = std::string(binding),
                                     .states = {ItemState::accepted, ItemState::notified, ItemState::requested, ItemState::fetching},
                                     .way = Way::to_phone,
                                     .count_max = all_items});
  if (!waiting) return effects;
  for (Item& item : *waiting) {
    // An earlier try may have arrived, and its report may still come.
    const ItemEvent end = item.doubts > 0 ? ItemEvent::unconfirmed : ItemEvent::withdrawn;
    const auto done = ports_.store.write([&]() -> Result<void> {
      PM_TRY([[maybe_unused]] const bool moved,
             ports_.asking.end(item, {.event = end, .reason = "the binding was removed", .time = ports_.clock.wall()}));
      return {};
    });
    if (done) {
      effects.withdrawn.push_back(std::move(item));
    } else {
      log_error("withdrawal_not_stored").item(item.id).error(done.error());
    }
  }
  // Whole mails are the data plane's: what it has not begun to send it ends, and says so.
  const auto handed_over = ports_.store.items({.binding = std::string(binding),
                                               .states = {ItemState::converting, ItemState::submitting},
                                               .way = Way::to_phone,
                                               .count_max = all_items});
  if (!handed_over) return effects;
  for (const Item& item : *handed_over) {
    if (!item.is_unknown()) effects.taken_back.push_back(item.id);
  }
  return effects;
}

// Whole mails are the data plane's already, and go on.
Effects BindingChanges::on_suspended(std::string_view binding) {
  const auto announced =
      ports_.store.items({.binding = std::string(binding), .states = {ItemState::accepted}, .way = Way::to_phone, .count_max = all_items});
  if (!announced) return {};
  for (const Item& item : *announced) {
    if (const auto done = ports_.store.write([&] { return ports_.asking.suspend(item); }); !done)
      log_error("suspension_not_stored").item(item.id).error(done.error());
  }
  ports_.transfers.break_off_all([&](std::string_view one) { return one == binding; },
                                 "the binding was suspended; the mail is sent when it is resumed");
  return {};
}

Effects BindingChanges::on_resumed(std::string_view binding) {
  auto waiting = ports_.store.items({.binding = std::string(binding),
                                     .states = {ItemState::accepted, ItemState::requested},
                                     .way = Way::to_phone,
                                     .count_max = all_items});
  if (!waiting) return {};
  Effects effects{.fetch = true};
  for (Item& item : *waiting) {
    const bool tell = item.state == ItemState::accepted && !item.reply_code.empty();
    if (!tell && item.state != ItemState::requested) continue;
    const auto done = ports_.store.write([&]() -> Result<void> {
      if (tell) return ports_.asking.resume(item);
      // A forwarded mail is offered by a time that has come, a mail of the mailbox by none.
      item.retry_at = item.source == Source::smtp ? ports_.clock.wall() : Timestamp{};
      return ports_.store.update_item(item);
    });
    if (!done) log_error("resumption_not_stored").item(item.id).error(done.error());
    effects.sms_queued = effects.sms_queued || (done && tell);
  }
  return effects;
}

}  // namespace pushmail
