// Delivery reports (411): each is in the store before it is acknowledged, and closes the item that it is about.
//
// Came from: the handoff socket; Outcomes and InDoubt, once more, for reports that were faster than the news of their message; the clock.
// Goes to: the store; Marks (what is delivered). Rules: a report belongs to the item with its MessageID (in whatever form the peer writes
// it) unless it names another phone; a report without item waits for it; a final state never regresses; a repeat has no second effect; a
// day after its expiry, a message without a report is unconfirmed. Threads: one.
#pragma once

#include <optional>
#include <utility>

#include "controlplane/effects.h"
#include "controlplane/marks.h"
#include "controlplane/report_times.h"
#include "controlplane/settings.h"
#include "controlplane/store/store.h"
#include "core/budget.h"
#include "core/clock.h"
#include "core/record.h"

namespace pushmail {

class Reports {
 public:
  struct Ports {
    Store& store;
    const Clock& clock;
    const Settings& settings;
    ReportTimes& report_times;
    Marks& marks;
  };
  explicit Reports(Ports ports) : ports_(std::move(ports)) {}

  /// Durable when it succeeds: only then may the record be acknowledged.
  [[nodiscard]] Result<Effects> take(const RecordView& record);
  /// Reports that were faster than the news that this item is submitted. Inside Store::write().
  [[nodiscard]] Result<void> take_early(Item& item);
  /// Ends what nobody reports. Call every second or so.
  void tick();

 private:
  [[nodiscard]] Result<bool> apply(const Report& report, Item& item);
  [[nodiscard]] Result<std::optional<Item>> find_item(const Report& report);
  [[nodiscard]] Result<bool> is_older(const Report& report, const Item& item);
  [[nodiscard]] bool names_another(const Report& report, const Item& item) const;
  [[nodiscard]] Result<void> note_near_miss(const Report& report);
  /// A report about nothing that was submitted to its peer has no effect; it is counted, and kept, bounded, in case it came early.
  [[nodiscard]] Result<void> keep_orphan(const Report& report);

  Ports ports_;
  std::uint64_t orphans_ = 0;
  Instant tick_at_{};
  Budget near_misses_{{.count = 5, .window = seconds(3600)}, 4096};  // rows of the history, for each phone
  Budget orphan_lines_{{.count = 1, .window = seconds(60)}, 64};     // of the log, for each peer
};

}  // namespace pushmail
