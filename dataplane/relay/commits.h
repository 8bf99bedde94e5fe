// What waits for the disk: each record given to the journal, and whose it is when it is durable or refused. Relay reads the answer and
// calls that part.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>

#include "codec/mm7/message.h"
#include "core/bytes.h"
#include "core/ids.h"
#include "core/result.h"
#include "dataplane/relay/attempt.h"
#include "dataplane/relay/ports.h"

namespace pushmail::relay {

/// A DeliverReq, and what it is answered.
struct DeliverCommit {
  ItemId item;
  mm7::Status status;
};
/// A delivery report, as the control plane gets it.
struct ReportCommit {
  ItemId report;
  Bytes record;
};
/// One recipient's item of a forwarded mail.
struct ForwardedCommit {
  std::uint64_t mail = 0;
  ItemId item;
};
/// A try that begins, and what the item had before it.
struct AttemptCommit {
  ItemId item;
  std::uint64_t serial;  // Item::serial
  Attempt before;
};
/// A try whose end is written down; nobody waits for it.
struct AttemptEndCommit {
  ItemId item;
};
struct OutcomeCommit {
  ItemId item;
};
using Commit = std::variant<DeliverCommit, ReportCommit, ForwardedCommit, AttemptCommit, AttemptEndCommit, OutcomeCommit>;

class Commits {
 public:
  explicit Commits(JournalPort& journal) : journal_(journal) {}

  void append(journal::Kind kind, const ItemId& id, RecordWriter record, Commit commit) {
    const std::uint64_t token = ++last_token_;
    waiting_.emplace(token, std::move(commit));
    journal_.append(kind, id, std::move(record), token);
  }
  /// The one that the journal has answered; it waits no more.
  [[nodiscard]] Commit take(std::uint64_t token) {
    const auto found = waiting_.find(token);
    PM_CHECK(found != waiting_.end());
    Commit commit = std::move(found->second);
    waiting_.erase(found);
    return commit;
  }
  [[nodiscard]] bool is_empty() const { return waiting_.empty(); }
  template <class Each>
  void for_each(Each each) const {
    for (const auto& [token, commit] : waiting_) each(commit);
  }

 private:
  JournalPort& journal_;
  std::uint64_t last_token_ = 0;
  std::unordered_map<std::uint64_t, Commit> waiting_;
};

}  // namespace pushmail::relay
