// The flows of items, put together, and the one place that says what follows from what.
//
//   record, SMS, binding, clock --> Switchboard --> one part --> Effects --> carry_out --> other parts, FlowEvents (the rest of the plane)
//
//   flows:  ToPhone, Forwarded, ToMail, Outcomes, InDoubt, BindingChanges, Retriever
//   shared: Asking (asks phones), Transfers (has mails fetched), Reports, Marks; each owns its state
//
// A part changes the store, and returns what follows elsewhere (effects.h); carry_out passes that on to whose it is. Parts call each other
// only where it is one change of the store: a phone is asked, a transfer broken off, an early report taken. Came from: Plane (records).
// Goes to: the sockets, by the parts; FlowEvents. Threads: one.
#pragma once

#include <string_view>

#include "controlplane/asking.h"
#include "controlplane/binding_changes.h"
#include "controlplane/effects.h"
#include "controlplane/forwarded.h"
#include "controlplane/in_doubt.h"
#include "controlplane/marks.h"
#include "controlplane/outcomes.h"
#include "controlplane/ports.h"
#include "controlplane/report_times.h"
#include "controlplane/reports.h"
#include "controlplane/retrieve/retriever.h"
#include "controlplane/settings.h"
#include "controlplane/store/store.h"
#include "controlplane/to_mail.h"
#include "controlplane/to_phone.h"
#include "controlplane/transfers.h"
#include "core/clock.h"
#include "core/contract/handoff/peer.h"

namespace pushmail {

/// The rest of the plane, as far as something follows there.
class FlowEvents {
 public:
  virtual ~FlowEvents() = default;
  /// A text waits in the store: Notifier.
  virtual void on_sms_queued() = 0;
  /// What the fetcher reported of this mailbox could not be stored: it is told again where the mailbox was left (WatchedMailboxes).
  virtual void on_news_lost(std::string_view binding) = 0;
  /// The phone stopped or started it: whether its mailbox is watched (WatchedMailboxes). Items under way follow afterwards.
  virtual void on_binding_changed(const Binding& binding) = 0;
};

class Switchboard {
 public:
  struct Ports {
    Store& store;
    const Clock& clock;
    const Settings& settings;
    DataPlanePort& data_plane;
    FetcherPort& fetchers;
    ReportTimes& report_times;
    FlowEvents& events;
  };
  explicit Switchboard(const Ports& ports);
  Switchboard(const Switchboard&) = delete;
  Switchboard& operator=(const Switchboard&) = delete;

  // From the fetchers.
  void on_new_mail(const RecordView& record);
  void on_chunk(const RecordView& record);
  void on_fetched(const RecordView& record);
  void on_fetch_failed(const RecordView& record);
  void on_marked(const RecordView& record);
  void on_mailbox_ready(std::string_view binding);
  template <typename WasThere>
  void on_fetcher_lost(const WasThere& was_there) {
    transfers_.break_off_all(was_there, "the fetcher went away; fetched again when it is back");
  }

  // From the data plane. What is taken is durable when that succeeds: only then may the record be acknowledged.
  void on_data_plane_ready(handoff::Other other);
  void on_data_plane_lost();
  void on_admission_query(const RecordView& record);
  void on_route_query(const RecordView& record);
  void on_credit(const RecordView& record);
  void on_event(const RecordView& record);
  [[nodiscard]] Result<void> take_outcome(const RecordView& record);
  [[nodiscard]] Result<void> take_report(const RecordView& record);
  [[nodiscard]] Result<void> take_attempt(const RecordView& record);

  // From phones, and from the API.
  [[nodiscard]] notify::Taken on_sms(const notify::IncomingSms& message);
  void on_binding_changed(const Binding& binding);

  /// After a restart: what was under way starts again. Once, before anything else.
  void resume();
  /// Retries, stalls, expiries, announcements, marks. Call every second or so.
  void tick();

  /// Mails on their way from a fetcher to the data plane.
  [[nodiscard]] std::size_t transfers() const { return transfers_.count(); }

 private:
  void carry_out(Effects effects);
  [[nodiscard]] Result<void> carry_out(Result<Effects> taken);

  FlowEvents& events_;
  Asking asking_;
  Transfers transfers_;
  Marks marks_;
  Reports reports_;
  Forwarded forwarded_;
  ToPhone to_phone_;
  ToMail to_mail_;
  Outcomes outcomes_;
  InDoubt in_doubt_;
  BindingChanges binding_changes_;
  retrieve::Retriever retriever_;
};

}  // namespace pushmail
