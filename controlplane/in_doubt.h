// Submissions of which nobody knows whether the MMSC took them: its report may tell, for a while; then the mail goes out once more.
//
//   attempt (data plane) ──> submitting, unknown_until ──report──> settled (Outcomes)
//                                   │ time over
//                                   ├─ asked meanwhile ──────────> requested         the phone asked, and need not ask again
//                                   ├─ policy push, first doubt ─> requested         once more, marked
//                                   ├─ policy push, again ───────> unconfirmed       a phone does not get it a third time unasked
//                                   └─ policy ask ───────────────> notified          its code is still valid
//                                                            or ─> accepted          with a new code and a new SMS
//
// Came from: the handoff socket (attempts), a timer. Goes to: the store, ToPhone (what is to be sent), the SMS queue.
#pragma once

#include <functional>

#include "controlplane/announcer.h"
#include "controlplane/report_times.h"
#include "controlplane/settings.h"
#include "controlplane/store/ledger.h"
#include "controlplane/store/store.h"
#include "core/clock.h"
#include "core/record.h"

namespace pushmail {

class InDoubt {
 public:
  struct Ports {
    Store& store;
    const Clock& clock;
    const Settings& settings;
    ReportTimes& report_times;
    Announcer& announcer;
    /// The offer of this item is void: the data plane did not take it.
    std::function<void(const ItemId&)> forget;
    std::function<void(const Item&)> on_requested;
    /// Reports that were faster than the news (Outcomes).
    std::function<Result<void>(Item&)> take_early_reports;
    std::function<void()> sms_queued;
  };
  explicit InDoubt(Ports ports) : ports_(std::move(ports)) {}

  /// Durable when it succeeds: only then may the record be acknowledged. A repeat has no second effect.
  [[nodiscard]] Result<void> take_attempt(const RecordView& record);
  /// Ends doubts whose time is over. Call every second or so.
  void tick();

 private:
  struct After {
    bool requested = false;
    bool sms_queued = false;
  };
  [[nodiscard]] Result<void> begin(const RecordView& record, Item& item, After& after);
  [[nodiscard]] Result<void> end(Item& item, After& after);
  [[nodiscard]] Result<void> announce_again(Item& item, After& after);

  Ports ports_;
};

}  // namespace pushmail
