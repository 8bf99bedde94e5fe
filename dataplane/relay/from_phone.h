// From a phone: a DeliverReq of its MMSC (steps 503, 504), admitted, journaled, and only then answered.
//
// Came from: Mm7Sink. Goes to: an item, which is relayed once it is answered. What the journal holds at start becomes items again.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/budget.h"
#include "dataplane/relay/admission.h"
#include "dataplane/relay/answering.h"
#include "dataplane/relay/commits.h"
#include "dataplane/relay/history.h"
#include "dataplane/relay/items.h"

namespace pushmail::relay {

class FromPhone {
 public:
  FromPhone(const Context& context, Items& items, Commits& commits, History& history, Answering& answering, Admission& admission)
      : context_(context), items_(items), commits_(commits), history_(history), answering_(answering), admission_(admission) {}

  void on_deliver(Ticket ticket, Mm7Inbound inbound);
  /// What a peer may ask of unbound senders has changed.
  void forget_budgets() { unbound_senders_.clear(); }
  /// The item that was answered "accepted"; nothing when it was not.
  [[nodiscard]] std::optional<ItemId> committed(const DeliverCommit& commit, const Result<void>& result);
  /// An unsettled record of kind accepted_mm7: everything but what all items have (Relay::restore).
  [[nodiscard]] static Origin restored(const RecordView& record);

  [[nodiscard]] bool has(const ItemId& id) const { return arrivals_.contains(id); }
  [[nodiscard]] bool has(const DigestKey& key) const;
  /// Bytes that wait for a verdict and are counted in Items.
  [[nodiscard]] std::uint64_t held() const;

 private:
  // What waits for its verdict or its commit.
  struct Arrival {
    TraceId trace;
    Ticket ticket;
    Mm7Inbound inbound;
    DigestKey key{};
    std::string transaction_id;
    std::uint64_t held = 0;  // for its body, while it waits for its verdict; then the item is counted
  };
  void decide(const ItemId& id, const Verdicts& verdicts);
  void refuse(const ItemId& id, int code, std::string_view reason, std::string details = {});
  void accept(const ItemId& id, std::vector<std::string> refused, const mm7::Status& status, bool decided);
  [[nodiscard]] Arrival take(const ItemId& id);
  [[nodiscard]] Budget& unbound_senders_of(const std::string& peer);

  const Context& context_;
  Items& items_;
  Commits& commits_;
  History& history_;
  Answering& answering_;
  Admission& admission_;
  std::unordered_map<ItemId, Arrival> arrivals_;
  std::map<std::string, Budget, std::less<>> unbound_senders_;  // by peer
};

}  // namespace pushmail::relay
