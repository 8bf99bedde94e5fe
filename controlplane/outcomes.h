// What the data plane says afterwards: outcomes, delivery reports (411), events. Each is in the store before it is acknowledged.
//
// Came from: the handoff socket. Goes to: the store; ToPhone (what is over is not fetched again), the SMS queue (a phone's mail that
// failed). Rules: a report belongs to the item with its MessageID (in whatever form the peer writes it) unless it names another phone; a
// report without item waits for it; a final state never regresses; a repeat has no second effect.
#pragma once

#include <functional>
#include <string>

#include "controlplane/ports.h"
#include "controlplane/report_times.h"
#include "controlplane/settings.h"
#include "controlplane/store/ledger.h"
#include "controlplane/store/store.h"
#include "core/budget.h"
#include "core/clock.h"

namespace pushmail {

class Outcomes {
 public:
  struct Ports {
    Store& store;
    const Clock& clock;
    const Settings& settings;
    ReportTimes& report_times;
    std::function<void(const ItemId&)> forget;
    /// A report settled what was in doubt: nothing of it is sent any more.
    std::function<void(const Item&)> withdraw;
    std::function<void()> sms_queued;
  };
  explicit Outcomes(Ports ports) : ports_(std::move(ports)) {}

  /// Durable when they succeed: only then may the record be acknowledged.
  [[nodiscard]] Result<void> take_outcome(const RecordView& record);
  [[nodiscard]] Result<void> take_report(const RecordView& record);
  /// Reports that were faster than the news that this item is submitted. Inside Store::write().
  [[nodiscard]] Result<void> take_early_reports(Item& item);
  /// News; a failure is logged and forgotten.
  void take_event(const RecordView& record);

 private:
  [[nodiscard]] Result<void> apply_outcome(const RecordView& record, bool& queued);
  [[nodiscard]] Result<bool> apply_report(const Report& report, Item& item);
  [[nodiscard]] Result<std::optional<Item>> find_item(const Report& report);
  [[nodiscard]] Result<bool> is_older(const Report& report, const Item& item);

  [[nodiscard]] bool names_another(const Report& report, const Item& item) const;
  [[nodiscard]] Result<void> tell_near_miss(const Report& report);
  /// A report about nothing that was submitted to its peer has no effect; it is counted, and kept, bounded, in case it came early.
  [[nodiscard]] Result<void> keep_orphan(const Report& report);

  Ports ports_;
  std::uint64_t orphans_ = 0;
  Budget near_misses_{{.count = 5, .window = seconds(3600)}, 4096};  // rows of the history, for each phone
  Budget orphan_lines_{{.count = 1, .window = seconds(60)}, 64};     // of the log, for each peer
};

}  // namespace pushmail
