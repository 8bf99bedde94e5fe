#include "controlplane/announcer.h"

#include <fmt/format.h>

#include "controlplane/news.h"
#include "controlplane/store/ledger.h"
#include "core/log.h"
#include "core/timers.h"

namespace pushmail {

namespace {

constexpr std::size_t phones_max = 200;  // in one tick

}  // namespace

Result<bool> Announcer::take(Item& item) {
  // From now on it waits; should nobody ever ask, this is its end.
  item.code_expires = {clock_.wall().us + settings_.code_lifetime.us()};
  item.reason = "waits until it is announced to the phone";
  if (const auto written = store_.update_item(item); !written) return std::unexpected(written.error());
  PM_TRY(const bool announced, announce_due(item.msisdn, origin_of(item), Occasion::arrival));
  PM_TRY(const auto now, store_.item(item.id));
  if (now) item = *now;
  return announced;
}

Result<bool> Announcer::answered(const Msisdn& phone) {
  for (const Waiting waiting : {Waiting::never_announced, Waiting::announced_before}) {
    for (const Origin origin : {Origin::own, Origin::stranger}) {
      PM_TRY(const bool announced, announce_newest(phone, origin, waiting));
      if (announced) return true;
    }
  }
  return false;
}

bool Announcer::tick() {
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

bool Announcer::is_turn(const Unanswered& unanswered, std::uint64_t waiting_count, const AnnouncementLimit& limit,
                        Occasion occasion) const {
  if (occasion == Occasion::arrival) return waiting_count == 1 && unanswered.count < limit.count;
  // One more than the limit: the one that counts the others.
  return unanswered.count <= limit.count && clock_.wall().us - unanswered.last.us >= timers::burst_over.us();
}

Result<bool> Announcer::announce_due(const Msisdn& phone, Origin origin, Occasion occasion) {
  PM_TRY(const std::uint64_t waiting_count, store_.count_waiting(phone, origin));
  if (waiting_count == 0) return false;
  const AnnouncementLimit& limit = limit_of(origin);
  PM_TRY(const Unanswered unanswered, store_.unanswered(phone, origin, {clock_.wall().us - limit.window.us()}));
  if (!is_turn(unanswered, waiting_count, limit, occasion)) return false;
  return announce_newest(phone, origin, Waiting::never_announced);
}

Result<bool> Announcer::announce_newest(const Msisdn& phone, Origin origin, Waiting waiting) {
  PM_TRY(auto item, store_.newest_waiting(phone, origin, waiting));
  if (!item) return false;
  const Timestamp now = clock_.wall();
  PM_TRY(const bool has_code, give_reply_code(store_, *item, settings_.announcements.strangers_codes_max, now));
  if (!has_code) return false;
  item->announced = now;
  item->code_expires = {now.us + settings_.code_lifetime.us()};
  item->reason = "the SMS to the phone waits for the SMSC";
  if (const auto written = store_.update_item(*item); !written) return std::unexpected(written.error());
  PM_TRY(const std::uint64_t own, store_.count_waiting(phone, Origin::own));
  PM_TRY(const std::uint64_t strangers, store_.count_waiting(phone, Origin::stranger));
  const auto queued = store_.queue_sms({.msisdn = phone,
                                        .text = notify::new_mail_text(news_of(*item, settings_), item->reply_code, own + strangers),
                                        .kind = SmsKind::notify,
                                        .item = item->id,
                                        .created = now});
  if (!queued) return std::unexpected(queued.error());
  return true;
}

}  // namespace pushmail
