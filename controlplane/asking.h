// Asks the phone: which of the mails that wait for it is announced, when, with which code, how many SMS that may be, and when it is over.
//
//   new mail --begin--> waits --------------> announced (code, SMS) --phone answers--> requested
//                         ^    its turn          |
//                         `-- its code is given to a later mail (store/ledger.h)
//
//   who waits                   | its turn is
//   alone, few unanswered       | at once
//   with others, or one too many| a moment after the last announcement: one SMS with the newest, "37 more wait"
//   after that SMS              | when the phone answers any announcement (the newest, at once), or in the next window
//   without its code            | when the phone answers, after those that were never announced
//
// So a phone gets at most `count + 1` SMS about mails it did not ask for in a window, each origin for itself, and none is unreachable:
// every answer brings the next. The mailbox's own mails go before strangers'. A mail whose phone never asks expires.
// Came from: to_phone, forwarded (new mails), in_doubt (mails that are offered again), retrieve (answers), binding_changes, the clock.
// Goes to: the SMS queue. Threads: one.
#pragma once

#include "controlplane/effects.h"
#include "controlplane/retrieve/retriever.h"
#include "controlplane/settings.h"
#include "controlplane/store/ledger.h"
#include "controlplane/store/store.h"
#include "core/clock.h"

namespace pushmail {

class Asking final : public retrieve::NextMail {
 public:
  Asking(Store& store, const Clock& clock, const Settings& settings) : store_(store), clock_(clock), settings_(settings) {}

  // All of these inside Store::write(). True: an SMS was queued, about this mail or another.

  /// A new mail, stored as `accepted`: its phone is asked, or, where the binding asks nobody, it is `requested` now.
  [[nodiscard]] Result<bool> begin(Item& item, Policy policy);
  /// A mail that is in doubt, and whose code is no longer valid: its phone is asked once more.
  [[nodiscard]] Result<bool> begin_anew(Item& item);
  [[nodiscard]] Result<bool> answered(const Msisdn& phone) override;
  /// The binding is suspended: the SMS about this mail, if it still waits, is not sent.
  [[nodiscard]] Result<void> suspend(Item item);
  /// The binding is active again: the phone is told of this mail with the code that it has.
  [[nodiscard]] Result<void> resume(Item item);
  /// Nobody is asked any more. False: `move` leads nowhere from where the item stands.
  [[nodiscard]] Result<bool> end(Item& item, Move move);

  /// Announcements that are owed, expiries. Call every second or so.
  [[nodiscard]] Effects tick();
  /// Announces what is owed now. True: an SMS was queued.
  [[nodiscard]] bool announce();

 private:
  /// What is announced now whatever comes after it, or only the first of a burst.
  enum class Occasion : std::uint8_t { arrival, pause };
  [[nodiscard]] bool is_turn(const Unanswered& unanswered, std::uint64_t waiting_count, const AnnouncementLimit& limit,
                             Occasion occasion) const;
  [[nodiscard]] Result<bool> wait(Item& item);
  [[nodiscard]] Result<bool> announce_newest(const Msisdn& phone, Origin origin, Waiting waiting);
  [[nodiscard]] Result<bool> announce_due(const Msisdn& phone, Origin origin, Occasion occasion);
  [[nodiscard]] Result<void> queue_notification(const Item& item, std::uint64_t waiting_count);
  [[nodiscard]] std::vector<Item> expire();
  [[nodiscard]] const AnnouncementLimit& limit_of(Origin origin) const {
    return origin == Origin::own ? settings_.announcements.own : settings_.announcements.strangers;
  }

  Store& store_;
  const Clock& clock_;
  const Settings& settings_;
  Msisdn looked_at_{};  // announce goes round all phones, some at a time
  Instant expire_at_{};
  Instant announce_at_{};
};

}  // namespace pushmail
