// Marks in mailboxes: what was delivered is marked as its binding wants, sooner or later.
//
//   delivered --begin--> pending --mark--> fetcher --marked--> done
//                          ^  `-- again, later and later; after ten tries, or when nobody wants it any more: failed
//
// Came from: reports (delivered), the fetchers (marked), the clock. Goes to: the fetchers. Threads: one.
#pragma once

#include <utility>

#include "controlplane/ports.h"
#include "controlplane/store/store.h"
#include "core/clock.h"

namespace pushmail {

class Marks {
 public:
  struct Ports {
    Store& store;
    const Clock& clock;
    FetcherPort& fetchers;
  };
  explicit Marks(Ports ports) : ports_(std::move(ports)) {}

  /// The mail of this item is delivered: it is to be marked, unless it is no mail of a mailbox, was begun before, or the binding wants no
  /// mark. Inside Store::write(); the caller writes `item`.
  [[nodiscard]] Result<void> begin(Item& item);
  void on_marked(const RecordView& record);
  /// Asks for what is due. Call every second or so.
  void tick();

 private:
  [[nodiscard]] Result<void> write_marked(const RecordView& record);
  void ask(Item item, const std::optional<Binding>& binding);

  Ports ports_;
};

}  // namespace pushmail
