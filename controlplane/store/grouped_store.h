// A store whose writes become durable together, when its owner says so.
//
// Came from: GroupCommit. Until commit() and sync() have both succeeded a write is seen by this process only, and lost with it.
#pragma once

#include <functional>

#include "controlplane/store/store.h"

namespace pushmail {

class GroupedStore : public Store {
 public:
  /// `changed` is called at the first change after the start and after each commit(), from within the call that changes.
  virtual void on_changed(std::function<void()> changed) = 0;
  /// The changes are in the log, not synced. Refused: some of those that succeeded since the last commit are lost.
  virtual Result<void> commit() = 0;
  /// What was committed before the call is on disk. From any one thread at a time.
  virtual Result<void> sync() = 0;
  /// Whether the log has grown enough for a checkpoint; true once for each.
  [[nodiscard]] virtual bool takes_checkpoint() = 0;
  /// Moves the log's pages into the file, as far as nobody is in the way. From any one thread at a time; what fails is tried again later.
  virtual void checkpoint() = 0;
};

}  // namespace pushmail
