// What every item has in common on its way, wherever it comes from and goes to: tries that begin and end on disk, waits, and its end.
//
//   begin_attempt ──append──> (durable) ──> its bytes leave          finish ──append──> (durable) ──> hand_over ──ack──> settled
//
// Ownership passes with the acknowledgement and never twice: after a restart the outcome is handed over again, the message is not sent
// again.
#pragma once

#include <string_view>

#include "core/item_state.h"
#include "dataplane/relay/commits.h"
#include "dataplane/relay/context.h"
#include "dataplane/relay/in_doubt.h"
#include "dataplane/relay/items.h"
#include "dataplane/relay/remembered.h"

namespace pushmail::relay {

/// How an item ends. Views last for the call; they may lie in the item.
struct End {
  ItemState state = ItemState::failed;
  std::string_view reason = {};
  int status_code = 0;
  std::string_view status_text = {};
  std::string_view message_id = {};
};

class Life {
 public:
  Life(const Context& context, Items& items, Commits& commits, InDoubt& in_doubt, Remembered& remembered)
      : context_(context), items_(items), commits_(commits), in_doubt_(in_doubt), remembered_(remembered) {}

  // A try.
  void begin_attempt(Item& item);
  /// The item whose bytes leave now; null when none does.
  [[nodiscard]] Item* attempt_committed(AttemptCommit commit, const Result<void>& result);
  /// The item goes on: a restart must not take its last try for one in doubt. Where it ends, its outcome says that too.
  void end_attempt(Item& item, AttemptEvent event);
  void attempt_end_committed(const AttemptEndCommit& commit);
  /// Its try was durable when we began to stop: nothing of it left, and the next start need not doubt that.
  void give_up_attempt(Item& item);
  /// Nothing of it is done before `until`.
  void put_off(Item& item, Instant until);

  // The end.
  void finish(Item& item, const End& end);
  /// Once more, when the disk did not take it.
  void append_outcome(Item& item);
  void outcome_committed(const OutcomeCommit& commit, const Result<void>& result);
  /// A whole handoff record of kind outcome, to the control plane.
  void hand_over(const RecordView& outcome);

  // Replay.
  void restore_attempt(const ItemId& id, const RecordView& record);
  void restore_outcome(const ItemId& id, const RecordView& outcome);

 private:
  void settle_all(const Item& item);

  const Context& context_;
  Items& items_;
  Commits& commits_;
  InDoubt& in_doubt_;
  Remembered& remembered_;
};

/// The same record once more as a writer, for a new sequence number.
[[nodiscard]] RecordWriter rewrite(const RecordView& record);

}  // namespace pushmail::relay
