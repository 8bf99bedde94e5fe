// Which of the mails that wait for a phone is announced to it, when, and how many SMS that may be.
//
//   new mail --take--> waits --------------> announced (code, SMS) --phone answers--> requested
//                        ^    its turn          |
//                        `-- its code is given to a later mail (store/ledger.h)
//
//   who waits                   | its turn is
//   alone, few unanswered       | at once
//   with others, or one too many| a moment after the last announcement: one SMS with the newest, "37 more wait"
//   after that SMS              | when the phone answers any announcement (the newest, at once), or in the next window
//   without its code            | when the phone answers, after those that were never announced
//
// So a phone gets at most `count + 1` SMS about mails it did not ask for in a window, each origin for itself, and none is unreachable:
// every answer brings the next. The mailbox's own mails go before strangers'. Came from: to_phone, to_mail (new mails), retrieve (answers).
// Goes to: the SMS queue. All calls but tick() are made inside Store::write(). Threads: one.
#pragma once

#include "controlplane/settings.h"
#include "controlplane/store/store.h"
#include "core/clock.h"

namespace pushmail {

class Announcer {
 public:
  Announcer(Store& store, const Clock& clock, const Settings& settings) : store_(store), clock_(clock), settings_(settings) {}

  /// A new mail, stored as `accepted`, for a phone that is to be asked. True: an SMS was queued, about this mail or another.
  [[nodiscard]] Result<bool> take(Item& item);
  /// The phone has asked for a mail: it reads, so it gets the next. True: an SMS was queued.
  [[nodiscard]] Result<bool> answered(const Msisdn& phone);
  /// Announces what is owed now. Call every second or so. True: an SMS was queued.
  [[nodiscard]] bool tick();

 private:
  /// What is announced now whatever comes after it, or only the first of a burst.
  enum class Occasion : std::uint8_t { arrival, pause };
  [[nodiscard]] bool is_turn(const Unanswered& unanswered, std::uint64_t waiting_count, const AnnouncementLimit& limit,
                             Occasion occasion) const;
  [[nodiscard]] Result<bool> announce_newest(const Msisdn& phone, Origin origin, Waiting waiting);
  [[nodiscard]] Result<bool> announce_due(const Msisdn& phone, Origin origin, Occasion occasion);
  [[nodiscard]] const AnnouncementLimit& limit_of(Origin origin) const {
    return origin == Origin::own ? settings_.announcements.own : settings_.announcements.strangers;
  }

  Store& store_;
  const Clock& clock_;
  const Settings& settings_;
  Msisdn looked_at_{};  // tick goes round all phones, some at a time
};

}  // namespace pushmail
