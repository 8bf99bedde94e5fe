// Submissions of which nobody knows whether the MMSC took them: its report may tell, for a while; then the mail goes out once more.
//
//   attempt (data plane) ──> submitting, unknown_until ──report──> settled (Reports)
//                                   │ time over
//                                   ├─ asked meanwhile ──────────> requested         the phone asked, and need not ask again
//                                   ├─ policy push, first doubt ─> requested         once more, marked
//                                   ├─ policy push, again ───────> unconfirmed       a phone does not get it a third time unasked
//                                   └─ policy ask ───────────────> notified          its code is still valid
//                                                            or ─> accepted          with a new code and a new SMS
//
// Came from: the handoff socket (attempts), a timer. Goes to: the store; Asking (what is offered again). Threads: one.
#pragma once

#include <utility>

#include "controlplane/asking.h"
#include "controlplane/effects.h"
#include "controlplane/report_times.h"
#include "controlplane/reports.h"
#include "controlplane/store/store.h"
#include "core/clock.h"
#include "core/record.h"

namespace pushmail {

class InDoubt {
 public:
  struct Ports {
    Store& store;
    const Clock& clock;
    ReportTimes& report_times;
    Asking& asking;
    Reports& reports;
  };
  explicit InDoubt(Ports ports) : ports_(std::move(ports)) {}

  /// Durable when it succeeds: only then may the record be acknowledged. A repeat has no second effect.
  [[nodiscard]] Result<Effects> take_attempt(const RecordView& record);
  /// Ends doubts whose time is over. Call every second or so.
  [[nodiscard]] Effects tick();

 private:
  [[nodiscard]] Result<Effects> begin(const RecordView& record, Item item);
  [[nodiscard]] Result<Effects> end(Item item);

  Ports ports_;
};

}  // namespace pushmail
