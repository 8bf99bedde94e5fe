// What becomes of an SMS, and of the item that it is about, when its bearer answered or was lost: rows of the store, all inside
// Store::write() and none of them written back by itself (the caller updates the SMS).
//
// Came from: Notifier. Goes to: the item's state and history, by ledger.h. Threads: one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "controlplane/notify/sms_life.h"
#include "controlplane/store/item_life.h"
#include "controlplane/store/store.h"
#include "core/clock.h"

namespace pushmail::notify {

class SmsOutcomes {
 public:
  struct Counts {
    std::uint64_t in_doubt = 0;   // ended without an answer
    std::uint64_t set_aside = 0;  // twice in doubt
  };
  SmsOutcomes(Store& store, const Clock& clock) : store_(store), clock_(clock) {}

  /// The bearer has it, and calls it so.
  [[nodiscard]] Result<void> accepted(Sms& sms, const std::string& smsc_id);
  /// It will never be sent; `event` says why.
  [[nodiscard]] Result<void> refuse(Sms& sms, SmsEvent event, std::string_view reason);
  [[nodiscard]] Result<void> put_off(Sms& sms, std::string_view reason);
  /// Nobody knows whether the phone has it.
  [[nodiscard]] Result<void> doubt(Sms& sms, std::string_view reason);
  /// It waits until `retry_at`, for the ceiling of its phone.
  [[nodiscard]] Result<void> withhold(Sms& sms, Timestamp retry_at, const std::string& reason);
  /// A phone that answered, or a mail that is gone, needs no second notification.
  [[nodiscard]] Result<bool> is_needed(const Sms& sms);

  [[nodiscard]] const Counts& counts() const { return counts_; }

 private:
  [[nodiscard]] Result<void> explain(const Sms& sms, ItemEvent event, std::string reason);

  Store& store_;
  const Clock& clock_;
  Counts counts_{};
};

}  // namespace pushmail::notify
