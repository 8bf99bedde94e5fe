// About a phone: delivery reports and read replies of its MMSC (411, 412), journaled, and only then answered and handed to the control
// plane.
//
// Came from: Mm7Sink. Goes to: the control plane; in the history it stands with the item it is about.
#pragma once

#include <string>
#include <unordered_map>

#include "dataplane/relay/answering.h"
#include "dataplane/relay/commits.h"
#include "dataplane/relay/history.h"
#include "dataplane/relay/remembered.h"

namespace pushmail::relay {

class Reports {
 public:
  Reports(const Context& context, Commits& commits, History& history, Answering& answering, const Remembered& remembered)
      : context_(context), commits_(commits), history_(history), answering_(answering), remembered_(remembered) {}

  void on_report(Ticket ticket, Mm7Inbound inbound);
  /// Travels as a report of its own status: Read, or Deleted.
  void on_read_reply(Ticket ticket, Mm7Inbound inbound);
  void committed(const ReportCommit& commit, const Result<void>& result);

  [[nodiscard]] bool has(const ItemId& report) const { return arrivals_.contains(report); }
  [[nodiscard]] bool has(const DigestKey& key) const;

 private:
  // One that waits for its commit.
  struct Arrival {
    ItemId about;
    TraceId trace;
    Ticket ticket;
    std::string peer;
    DigestKey key{};
    std::string transaction_id;
  };
  const Context& context_;
  Commits& commits_;
  History& history_;
  Answering& answering_;
  const Remembered& remembered_;
  std::unordered_map<ItemId, Arrival> arrivals_;  // by the report's own id
};

}  // namespace pushmail::relay
