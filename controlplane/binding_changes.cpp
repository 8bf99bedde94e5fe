#include "controlplane/binding_changes.h"

#include "controlplane/store/ledger.h"
#include "core/log.h"

namespace pushmail {

Effects BindingChanges::on_changed(const Binding& binding) {
  if (binding.state == BindingState::removed) return on_removed(binding.id);
  if (binding.is_active()) return on_resumed(binding.id);
  return on_suspended(binding.id);
}

// What waits for the phone, or is not yet with the data plane, is withdrawn.
Effects BindingChanges::on_removed(std::string_view binding) {
  Effects effects;
  const auto withdraw = [&](Item& item) {
    // An earlier try may have arrived, and its report may still come.
    const ItemEvent end = item.doubts > 0 ? ItemEvent::unconfirmed : ItemEvent::withdrawn;
    const auto done = ports_.store.write([&]() -> Result<void> {
      PM_TRY([[maybe_unused]] const bool moved,
             ports_.asking.end(item, {.event = end, .reason = "the binding was removed", .time = ports_.clock.wall()}));
      return {};
    });
    if (done) {
      effects.withdrawn.push_back(item);
    } else {
      log_error("withdrawal_not_stored").item(item.id).error(done.error());
    }
  };
  // Whole mails are the data plane's: what it has not begun to send it ends, and says so.
  const auto take_back = [&](const Item& item) {
    if (!item.is_unknown()) effects.taken_back.push_back(item.id);
  };
  for_each(binding, {ItemState::accepted, ItemState::notified, ItemState::requested, ItemState::fetching}, withdraw);
  for_each(binding, {ItemState::converting, ItemState::submitting}, take_back);
  return effects;
}

// Whole mails are the data plane's already, and go on.
Effects BindingChanges::on_suspended(std::string_view binding) {
  for_each(binding, {ItemState::accepted}, [&](const Item& item) {
    if (const auto done = ports_.store.write([&] { return ports_.asking.suspend(item); }); !done)
      log_error("suspension_not_stored").item(item.id).error(done.error());
  });
  ports_.transfers.break_off_all([&](std::string_view one) { return one == binding; },
                                 "the binding was suspended; the mail is sent when it is resumed");
  return {};
}

Effects BindingChanges::on_resumed(std::string_view binding) {
  Effects effects{.fetch = true};
  for_each(binding, {ItemState::accepted, ItemState::requested}, [&](Item& item) {
    const bool announced = item.state == ItemState::accepted && !item.reply_code.empty();
    if (!announced && item.state != ItemState::requested) return;
    const auto done = ports_.store.write([&]() -> Result<void> {
      if (announced) return ports_.asking.resume(item);
      // A forwarded mail is offered by a time that has come, a mail of the mailbox by none.
      item.retry_at = item.source == Source::smtp ? ports_.clock.wall() : Timestamp{};
      return ports_.store.update_item(item);
    });
    if (!done) log_error("resumption_not_stored").item(item.id).error(done.error());
    effects.sms_queued = effects.sms_queued || (done && announced);
  });
  return effects;
}

// Its items on their way to the phone.
template <typename Each>
void BindingChanges::for_each(std::string_view binding, std::vector<ItemState> states, Each each) {
  const auto read =
      for_each_item(ports_.store, {.binding = std::string(binding), .states = std::move(states), .way = Way::to_phone}, std::move(each));
  if (!read) log_error("items_not_read").error(read.error());
}

}  // namespace pushmail
