// Forwarded mail, handed in by SMTP for a bound phone: the data plane holds it, and asks where it goes until its phone has asked for it.
//
//   route_query --> accepted --phone asks (Asking)--> requested --answer `submit`--> as a mail of the mailbox (to_phone.h) from converting
//   on
//                      |  answer `wait`                    `- no room: offered again, as the store's retry_at says (ToPhone)
//                      `- nobody is bound, or the item ended: answer `refuse`
//
// Came from: the data plane (route_query), the switchboard (requested, ended), ToPhone (due again). Goes to: the store; route_answer.
// The answer to a question that was asked before is the same, since the store knows the item. Threads: one.
#pragma once

#include <utility>

#include "controlplane/asking.h"
#include "controlplane/ports.h"
#include "controlplane/route_answer.h"
#include "controlplane/settings.h"
#include "controlplane/store/store.h"
#include "controlplane/transfers.h"
#include "core/clock.h"

namespace pushmail {

class Forwarded {
 public:
  struct Ports {
    Store& store;
    const Clock& clock;
    const Settings& settings;
    DataPlanePort& data_plane;
    Asking& asking;
    Transfers& transfers;
  };
  explicit Forwarded(Ports ports) : ports_(std::move(ports)) {}

  [[nodiscard]] Effects on_route_query(const RecordView& record);
  /// It is `requested`, and the data plane waits for the word. If the data plane is away, it asks again when it is back.
  void answer(const Item& item);
  /// It ended. Of an item that is no forwarded mail the data plane knows nothing, and is told nothing.
  void refuse(const Item& item);

 private:
  [[nodiscard]] Result<Routed> route(const RecordView& record);
  [[nodiscard]] Result<RecordWriter> answer_of(Item& item);
  [[nodiscard]] Item item_of(const RecordView& record) const;

  Ports ports_;
};

}  // namespace pushmail
