// What the data plane says of items that it has: outcomes, each in the store before it is acknowledged, and events.
//
// Came from: the handoff socket. Goes to: the store; Reports, which may have been faster; the SMS queue (a phone's mail that failed).
// Rules: a final state never regresses; a repeat has no second effect. Threads: one.
#pragma once

#include <utility>

#include "controlplane/effects.h"
#include "controlplane/reports.h"
#include "controlplane/settings.h"
#include "controlplane/store/store.h"
#include "core/clock.h"
#include "core/record.h"

namespace pushmail {

class Outcomes {
 public:
  struct Ports {
    Store& store;
    const Clock& clock;
    const Settings& settings;
    Reports& reports;
  };
  explicit Outcomes(Ports ports) : ports_(std::move(ports)) {}

  /// Durable when it succeeds: only then may the record be acknowledged.
  [[nodiscard]] Result<Effects> take_outcome(const RecordView& record);
  /// News; a failure is logged and forgotten.
  void take_event(const RecordView& record);

 private:
  [[nodiscard]] Result<Effects> apply_outcome(const RecordView& record);

  Ports ports_;
};

}  // namespace pushmail
