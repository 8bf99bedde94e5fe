// Which SMS of ours a delivery receipt is about, and what is written down about it.
//
//   id and phone of a receipt -> an SMS with such an id: history row `sms_receipt`
//                             -> none: it waits ten minutes for the answer to a submission under way (SMSCs send it first now and then),
//                                and is said as near miss: a log line, and `sms_receipt_unmatched` at the phone's newest notification
//
// The form of the ids is configured (notify.message_id_form) or `auto`: each form is tried, and what two SMS could mean is decided by the
// form that an earlier receipt proved, else by none. Rules: an id that is known counts whatever form the receipt's addresses have, unless
// they name another phone; a receipt moves no item. Came from: Notifier. Goes to: the store's history. Threads: one.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "codec/sms/receipt.h"
#include "codec/wap/numbering.h"
#include "controlplane/notify/bearer.h"
#include "controlplane/store/store.h"
#include "core/budget.h"
#include "core/clock.h"
#include "core/timers.h"

namespace pushmail::notify {

class SmsReceipts {
 public:
  static constexpr std::size_t waiting_max = 1000;
  static constexpr Duration wait = timers::receipt_early;

  struct Settings {
    std::optional<sms::IdForm> form{};  // nothing: auto
    wap::Numbering numbering{};
  };
  struct Counts {
    std::uint64_t matched = 0;
    std::uint64_t unmatched = 0;  // near misses
  };
  /// `bearer`: whose receipts these are; an id of another bearer's SMS says nothing here.
  SmsReceipts(Store& store, const Clock& clock, std::string bearer, Settings settings)
      : store_(store), clock_(clock), bearer_(std::move(bearer)), settings_(std::move(settings)) {}

  /// `under_way`: something for this phone may still be answered, so its id may not be known yet.
  void take(const SmsReceipt& receipt, bool under_way);
  /// The SMSC has this SMS, and gave its parts these ids; inside Store::write().
  [[nodiscard]] Result<void> on_sent(const Sms& sms, const std::vector<std::string>& smsc_ids);
  /// What waited too long is said. Call now and then.
  void tick();
  [[nodiscard]] const Counts& counts() const { return counts_; }
  /// The phone that a receipt names; nothing when neither address can be read.
  [[nodiscard]] std::optional<Msisdn> phone_of(const SmsReceipt& receipt) const;

 private:
  struct Waiting {
    SmsReceipt receipt;
    Instant came{};
    bool reported = false;  // as near miss
  };
  struct Match {
    Sms sms;
    sms::IdForm form;
  };
  [[nodiscard]] std::vector<sms::IdForm> forms() const;
  [[nodiscard]] Result<std::optional<Match>> find(const SmsReceipt& receipt);
  enum class Fit : std::uint8_t { this_phone, unclear, another_phone };
  [[nodiscard]] Fit fit(const SmsReceipt& receipt, const Msisdn& phone) const;
  [[nodiscard]] std::optional<Sms> choose(const SmsReceipt& receipt, std::vector<Sms> candidates) const;
  [[nodiscard]] Result<void> write_down(const SmsReceipt& receipt, const Sms& sms, sms::IdForm form);
  [[nodiscard]] Result<void> write_near_miss(const SmsReceipt& receipt);
  void report_near_miss(Waiting& waiting);

  Store& store_;
  const Clock& clock_;
  const std::string bearer_;
  Settings settings_;
  std::optional<sms::IdForm> proved_{};                       // of `auto`: the only form that fitted an earlier receipt
  std::deque<Waiting> waiting_;                               // oldest first
  Budget lines_{{.count = 10, .window = seconds(60)}, 64};    // of the log
  Budget rows_{{.count = 5, .window = seconds(3600)}, 4096};  // of the history, for each phone
  Counts counts_{};
};

}  // namespace pushmail::notify
