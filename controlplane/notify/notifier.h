// Sends the SMS that wait in the store, each until the SMSC has it, and writes down that an item's phone was told (step 402).
//
// Came from: to_phone, retrieve and to_mail, which queue texts in their own transactions and call pump(). Goes to: Bearer.
// Invariants: the store alone knows what was sent. An SMS is `submitting` on disk before its first byte leaves, in the commit that also
// writes the answer to the one before it; what has no answer when the bearer is lost, or when we start, is in doubt and lives on by
// sms_life.h. Nothing is submitted but by begin(), which holds the ceilings of sms_kinds.h. Threads: one.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controlplane/notify/bearer.h"
#include "controlplane/notify/sms_life.h"
#include "controlplane/notify/sms_receipts.h"
#include "controlplane/store/item_life.h"
#include "controlplane/store/store.h"
#include "core/clock.h"
#include "core/timers.h"

namespace pushmail::notify {

class Notifier final : public BearerEvents {
 public:
  /// What a phone said goes to `on_message`.
  using OnMessage = std::function<Taken(const IncomingSms&)>;
  struct Limits {
    std::uint64_t per_hour_max = 100;  // submissions to one phone of one kind; sms_kinds.h may say less
  };
  struct Counts {
    std::uint64_t withheld = 0;   // by a ceiling, each time
    std::uint64_t in_doubt = 0;   // ended without an answer
    std::uint64_t set_aside = 0;  // twice in doubt
  };
  Notifier(Store& store, const Clock& clock, OnMessage on_message, Limits limits, SmsReceipts::Settings receipts = {})
      : store_(store), clock_(clock), on_message_(std::move(on_message)), limits_(limits), receipts_(store, clock, std::move(receipts)) {}

  /// The bearer and the notifier know each other; the bearer comes second.
  void use(Bearer& bearer) { bearer_ = &bearer; }
  /// Offers what waits and is due. Call after a text was queued, and now and then.
  void pump();
  [[nodiscard]] const Counts& counts() const { return counts_; }
  [[nodiscard]] const SmsReceipts::Counts& receipts() const { return receipts_.counts(); }

  void on_bearer_ready() override;
  void on_bearer_lost(std::string_view reason, std::span<const std::int64_t> maybe_sent) override;
  void on_sms_sent(std::int64_t id, const std::vector<std::string>& smsc_ids) override;
  void on_sms_parts(std::int64_t id, const std::vector<std::string>& smsc_ids) override;
  void on_sms_refused(std::int64_t id, std::string_view reason) override;
  void on_sms_deferred(std::int64_t id, std::string_view reason) override;
  void on_sms_in_doubt(std::int64_t id, std::string_view reason) override;
  Taken on_sms(const IncomingSms& message) override;
  void on_sms_receipt(const SmsReceipt& receipt) override;

 private:
  struct Flight {
    Sms sms{};
    Instant since{};
  };
  void settle(std::int64_t id, const std::function<Result<void>(Sms&)>& write);
  [[nodiscard]] Result<std::vector<Sms>> begin();
  [[nodiscard]] Result<bool> may_go(Sms& sms, Timestamp now);
  void hand_over(std::vector<Sms> begun);
  [[nodiscard]] std::size_t room() const;
  [[nodiscard]] bool is_fresh(const Flight& flight) const { return clock_.now() - flight.since < timers::answer_usual; }
  [[nodiscard]] std::size_t fresh_flights() const;
  void rest_after_a_lone_one();
  [[nodiscard]] Result<void> recover();

  [[nodiscard]] Result<void> accepted(Sms& sms, const std::vector<std::string>& smsc_ids);
  [[nodiscard]] Result<void> refuse(Sms& sms, SmsEvent event, std::string_view reason);
  [[nodiscard]] Result<void> put_off(Sms& sms, std::string_view reason);
  [[nodiscard]] Result<void> doubt(Sms& sms, std::string_view reason);
  [[nodiscard]] Result<void> explain(const Sms& sms, ItemEvent event, std::string reason);
  [[nodiscard]] Result<bool> is_needed(const Sms& sms);
  void alarm(const Sms& sms, Timestamp now);

  Store& store_;
  const Clock& clock_;
  OnMessage on_message_;
  Limits limits_;
  SmsReceipts receipts_;
  Bearer* bearer_ = nullptr;
  std::map<std::int64_t, Flight> flying_{};  // submitted on this connection, not answered yet
  std::int64_t lone_ = 0;                    // of them, the doubtful one that the others wait for; 0: none
  bool recovered_ = false;                   // what an earlier connection or process left unanswered was looked at
  std::size_t width_ = SIZE_MAX;             // how many may fly: one after a break, one more with each answer
  Instant lone_after_{};                     // the next doubtful one not before
  std::map<Msisdn, Timestamp> alarmed_{};
  Counts counts_{};
};

}  // namespace pushmail::notify
