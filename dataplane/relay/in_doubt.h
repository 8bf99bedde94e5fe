// Submissions of which nobody knows whether the MMSC has them, until the control plane has acknowledged that.
//
//   try without an answer ──attempt──> control plane ──ack──> its record is settled
//
// Ownership as for outcomes: the journal's record stays until the control plane has it, and no offer of that item is taken before.
#pragma once

#include <cstdint>
#include <set>
#include <string_view>
#include <vector>

#include "core/ids.h"
#include "dataplane/relay/attempt.h"
#include "dataplane/relay/context.h"

namespace pushmail::relay {

class InDoubt {
 public:
  explicit InDoubt(const Context& context) : context_(context) {}

  [[nodiscard]] bool contains(const ItemId& id) const { return waiting_.contains(id); }

  /// When the control plane may have it sent again: the peer recognises it at once, or later.
  enum class Again : std::uint8_t { later, at_once };
  /// How often it may have left within the try.
  enum class Left : std::uint8_t { once, perhaps_twice };
  void hand_over(const ItemId& id, const TraceId& trace, const Attempt& attempt, std::string_view trouble, Again again, Left left);
  /// Its record is settled; false when it was not in doubt.
  bool acknowledged(const ItemId& id);

  // After a restart: an outcome may follow in the journal, and the first tick knows.
  void lost_in_restart(const ItemId& id, const TraceId& trace, const Attempt& attempt);
  void ended(const ItemId& id) { waiting_.erase(id); }
  [[nodiscard]] bool has_lost_in_restart() const { return !lost_.empty(); }
  void hand_over_lost_in_restart();

 private:
  struct Lost {
    ItemId id;
    TraceId trace;
    Attempt attempt;
  };
  const Context& context_;
  std::set<ItemId> waiting_;  // for the acknowledgement; their attempts stay in the journal
  std::vector<Lost> lost_;
};

}  // namespace pushmail::relay
