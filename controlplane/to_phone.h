// Mailbox to phone, steps 401 to 412, from the control plane's side.
//
//   new_mail -> accepted --SMS (Notifier)--> notified --answer (Retriever)--> requested      policy push: accepted -> requested
//   requested --fetch--> fetching --all chunks--> converting -> submitting -> submitted -> reported -> delivered
//
// Came from: the fetchers (new mail), the switchboard (something is requested, or may be fetched again), the data plane (it is back).
// Goes to: Asking (which phone is asked, and when), Transfers (fetch and chunks), Forwarded (whose mails wait in the same queue).
// Invariants: the store moves first; who waits longest goes first. Threads: one.
#pragma once

#include <string>
#include <utility>

#include "controlplane/asking.h"
#include "controlplane/effects.h"
#include "controlplane/forwarded.h"
#include "controlplane/ports.h"
#include "controlplane/settings.h"
#include "controlplane/store/store.h"
#include "controlplane/transfers.h"
#include "core/clock.h"
#include "core/contract/handoff/peer.h"

namespace pushmail {

class ToPhone {
 public:
  struct Ports {
    Store& store;
    const Clock& clock;
    const Settings& settings;
    DataPlanePort& data_plane;
    FetcherPort& fetchers;
    Asking& asking;
    Transfers& transfers;
    Forwarded& forwarded;
  };
  explicit ToPhone(Ports ports) : ports_(std::move(ports)) {}

  [[nodiscard]] Effects on_new_mail(const RecordView& record);
  /// Fetches what is `requested` and due, as far as there is room.
  [[nodiscard]] Effects fetch();
  /// The mailbox answers again: what waited for it is tried at once.
  [[nodiscard]] Effects on_mailbox_ready(std::string_view binding);
  void on_data_plane_ready(handoff::Other other);
  /// Ends an item whose mail cannot be fetched, and tells its phone.
  [[nodiscard]] Effects end(NotFetched what);
  /// After a restart: what was under way starts again. Once, before anything else.
  void resume();

 private:
  [[nodiscard]] Result<Effects> take_new_mail(const RecordView& record, const Binding& binding);
  [[nodiscard]] Item item_of(const RecordView& record, const Binding& binding) const;
  /// Whether the mail may have been seen before the store came out of a backup.
  [[nodiscard]] Result<bool> follow_watermark(const RecordView& record, const Binding& binding, const Item& item);
  void start(Item item);
  void put_off(Item item);
  void ask_again();

  Ports ports_;
  Instant resume_at_{};
};

}  // namespace pushmail
