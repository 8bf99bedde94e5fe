#include "controlplane/asking.h"

#include <fmt/format.h>

#include "controlplane/news.h"
#include "controlplane/store/ledger.h"
#include "core/log.h"
#include "core/timers.h"

namespace pushmail {

namespace {

constexpr std::size_t phones_max = 200;  // in one turn
constexpr std::string_view sms_waits = "the SMS to the phone waits for the SMSC";

}  // namespace

// ---- one mail ---------------------------------------------------------------------------------------------------------------------

Result<bool> Asking::begin(Item& item, Policy policy) {
  if (policy == Policy::ask) return wait(item);
  PM_TRY([[maybe_unused]] const bool moved,
         move_item(store_, item, {.event = ItemEvent::pushed, .reason = "the binding pushes at once", .time = clock_.wall()}));
  return false;
}

Result<bool> Asking::begin_anew(Item& item) {
  item.reply_code.clear();
  item.announced = {};
  PM_TRY([[maybe_unused]] const bool moved,
         move_item(store_, item,
                   {.event = ItemEvent::doubt_announce,
                    .reason = "it is not known whether the message arrived; it is offered to the phone again",
                    .time = clock_.wall()}));
  return wait(item);
}

Result<bool> Asking::wait(Item& item) {
  // From now on it waits; should nobody ever ask, this is its end.
  item.code_expires = {clock_.wall().us + settings_.code_lifetime.us()};
  item.reason = "waits until it is announced to the phone";
  if (const auto written = store_.update_item(item); !written) return std::unexpected(written.error());
  PM_TRY(const bool announced, announce_due(item.msisdn, origin_of(item), Occasion::arrival));
  PM_TRY(const auto now, store_.item(item.id));
  if (now) item = *now;
  return announced;
}

Result<void> Asking::suspend(Item item) {
  item.reason = "the binding is suspended; the phone is told when it is resumed";
  if (const auto withdrawn = store_.withdraw_sms(item.id); !withdrawn) return withdrawn;
  return store_.update_item(item);
}

Result<void> Asking::resume(Item item) {
  item.reason = sms_waits;
  if (const auto withdrawn = store_.withdraw_sms(item.id); !withdrawn) return withdrawn;
  if (const auto written = store_.update_item(item); !written) return written;
  return queue_notification(item, 0);
}

Result<bool> Asking::end(Item& item, Move move) {
  if (const auto withdrawn = store_.withdraw_sms(item.id); !withdrawn) return std::unexpected(withdrawn.error());
  return move_item(store_, item, std::move(move));
}

Result<void> Asking::queue_notification(const Item& item, std::uint64_t waiting_count) {
  return store_.queue_sms({.msisdn = item.msisdn,
                           .text = notify::new_mail_text(news_of(item, settings_), item.reply_code, waiting_count),
                           .kind = SmsKind::notify,
                           .item = item.id,
                           .created = clock_.wall()});
}

// ---- whose turn it is -------------------------------------------------------------------------------------------------------------

Result<bool> Asking::answered(const Msisdn& phone) {
  for (const Waiting waiting : {Waiting::never_announced, Waiting::announced_before}) {
    for (const Origin origin : {Origin::own, Origin::stranger}) {
      PM_TRY(const bool announced, announce_newest(phone, origin, waiting));
      if (announced) return true;
    }
  }
  return false;
}

bool Asking::announce() {
  bool queued = false;
  const auto done = store_.write([&]() -> Result<void> {
    PM_TRY(const auto phones, store_.phones_waiting(looked_at_, phones_max));
    looked_at_ = phones.size() < phones_max ? Msisdn() : phones.back();
    for (const Msisdn& phone : phones) {
      for (const Origin origin : {Origin::own, Origin::stranger}) {
        PM_TRY(const bool announced, announce_due(phone, origin, Occasion::pause));
        queued = queued || announced;
      }
    }
    return {};
  });
  if (done) return queued;
  log_error("announcements_not_stored").error(done.error());
  return false;
}

bool Asking::is_turn(const Unanswered& unanswered, std::uint64_t waiting_count, const AnnouncementLimit& limit, Occasion occasion) const {
  if (occasion == Occasion::arrival) return waiting_count == 1 && unanswered.count < limit.count;
  // One more than the limit: the one that counts the others.
  return unanswered.count <= limit.count && clock_.wall().us - unanswered.last.us >= timers::burst_over.us();
}

Result<bool> Asking::announce_due(const Msisdn& phone, Origin origin, Occasion occasion) {
  PM_TRY(const std::uint64_t waiting_count, store_.count_waiting(phone, origin));
  if (waiting_count == 0) return false;
  const AnnouncementLimit& limit = limit_of(origin);
  PM_TRY(const Unanswered unanswered, store_.unanswered(phone, origin, {clock_.wall().us - limit.window.us()}));
  if (!is_turn(unanswered, waiting_count, limit, occasion)) return false;
  return announce_newest(phone, origin, Waiting::never_announced);
}

Result<bool> Asking::announce_newest(const Msisdn& phone, Origin origin, Waiting waiting) {
  PM_TRY(auto item, store_.newest_waiting(phone, origin, waiting));
  if (!item) return false;
  const Timestamp now = clock_.wall();
  PM_TRY(const bool has_code, give_reply_code(store_, *item, settings_.announcements.strangers_codes_max, now));
  if (!has_code) return false;
  item->announced = now;
  item->code_expires = {now.us + settings_.code_lifetime.us()};
  item->reason = sms_waits;
  if (const auto written = store_.update_item(*item); !written) return std::unexpected(written.error());
  PM_TRY(const std::uint64_t own, store_.count_waiting(phone, Origin::own));
  PM_TRY(const std::uint64_t strangers, store_.count_waiting(phone, Origin::stranger));
  if (const auto queued = queue_notification(*item, own + strangers); !queued) return std::unexpected(queued.error());
  return true;
}

// ---- the clock --------------------------------------------------------------------------------------------------------------------

Effects Asking::tick() {
  const Instant now = clock_.now();
  Effects effects;
  if (now >= expire_at_) {
    expire_at_ = now + timers::item_ends;
    effects.refused = expire();
  }
  if (now >= announce_at_) {
    announce_at_ = now + timers::announcements;
    effects.sms_queued = announce();
  }
  return effects;
}

std::vector<Item> Asking::expire() {
  const Timestamp now = clock_.wall();
  std::vector<Item> expired;
  auto asked = store_.items(
      {.states = {ItemState::accepted, ItemState::notified}, .way = Way::to_phone, .code_due = now, .order = ItemOrder::oldest_first});
  if (!asked) return expired;
  for (Item& item : *asked) {
    const auto done = store_.write([&]() -> Result<void> {
      PM_TRY([[maybe_unused]] const bool moved,
             end(item,
                 {.event = ItemEvent::expired, .reason = "the phone did not answer in time; the mail stays in the mailbox", .time = now}));
      return {};
    });
    if (!done) {
      log_error("expiry_not_stored").item(item.id).error(done.error());
      continue;
    }
    expired.push_back(std::move(item));
  }
  return expired;
}

}  // namespace pushmail
