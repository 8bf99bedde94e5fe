// Mailbox to phone, steps 401 to 412, from the control plane's side.
//
//   new_mail -> accepted --SMS (Notifier)--> notified --answer (Retriever)--> requested      policy push: accepted -> requested
//   requested --fetch--> fetching --all chunks--> converting -> submitting -> submitted -> reported -> delivered
//
// Came from: the fetchers (new mail, chunks), Retriever (requested), the data plane (credit, outcome, report). Goes to: the data plane
// (submission and chunks), the fetchers (fetch, credit, mark), the SMS queue. No body is kept here: chunks pass through one by one, as the
// data plane grants credit. Invariants: the store moves first; a transfer that breaks off, for whatever reason, leaves the item in
// `requested`, from where it starts again under the same id.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "controlplane/announcer.h"
#include "controlplane/ports.h"
#include "controlplane/settings.h"
#include "controlplane/store/ledger.h"
#include "controlplane/store/store.h"
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
    Announcer& announcer;
    std::function<void()> sms_queued;
    /// The fetcher shall be told again where this mailbox was left: what it reported could not be stored.
    std::function<void(std::string_view binding)> watch_again;
  };
  explicit ToPhone(Ports ports) : ports_(std::move(ports)) {}

  // From the fetchers.
  void on_new_mail(const RecordView& record);
  void on_chunk(const RecordView& record);
  void on_fetched(const RecordView& record);
  void on_fetch_failed(const RecordView& record);
  void on_marked(const RecordView& record);
  /// The mailbox answers again: what waited for it is tried at once.
  void on_mailbox_ready(std::string_view binding);
  void on_fetcher_lost(const std::function<bool(std::string_view binding)>& was_there);

  // From the data plane.
  void on_data_plane_ready(handoff::Other other);
  void on_data_plane_lost();
  void on_credit(const RecordView& record);

  /// An item is `requested` now (Retriever, or policy push): fetch it, or answer the route that waits for it.
  void on_requested(const Item& item);
  /// What a route answer `submit` or a submission says of the item; takes the suffix. Inside Store::write().
  [[nodiscard]] Result<void> describe_submission(Item& item, RecordWriter& record);
  /// Removed, suspended, or active again; what each does to items under way stands in the README.
  void on_binding_changed(const Binding& binding);
  /// The outcome came, or the data plane did not take the offer: the transfer of this item ends.
  void forget(const ItemId& item);
  /// The item ended here: the data plane, which may have it, drops it.
  void withdraw(const Item& item);
  /// After a restart: what was under way starts again. Once, before anything else.
  void resume();
  /// Retries, stalls, expiries, marks. Call every second or so.
  void tick();

  [[nodiscard]] std::size_t transfers() const { return transfers_.size(); }

 private:
  struct Transfer {
    std::string binding{};
    std::uint64_t size = 0;    // announced to the data plane
    std::uint64_t passed = 0;  // bytes given to the data plane
    Bytes last{};              // the chunk that completes the size waits for `fetched`
    std::uint64_t last_offset = 0;
    Instant progress{};
  };

  void pump();
  void start(Item item);
  void put_off(Item item);
  void offer_again(const Item& item);
  void on_binding_removed(std::string_view binding);
  void on_binding_suspended(std::string_view binding);
  void on_binding_resumed(std::string_view binding);
  void cancel_fetch(const ItemId& id, const Transfer& transfer);
  enum class Retry : std::uint8_t { at_once, backing_off, late };  // at once: it was nobody's fault, and does not count
  void break_off(const ItemId& id, std::string reason, Retry retry);
  /// The transfer is over; the fetcher, which may still be at it, is told to stop.
  void end_transfer(const ItemId& id);
  /// The word that the data plane waits for with a forwarded mail.
  void answer_route(const Item& item);
  void refuse_route(const Item& item);
  [[nodiscard]] Result<void> take_new_mail(const RecordView& record, const Binding& binding, bool& queued, std::optional<Item>& requested);
  [[nodiscard]] bool pass(const ItemId& id, Transfer& transfer, std::uint64_t offset, ByteView data);
  void pump_marks();
  void expire();
  void ask_again();
  void failed_for_good(Item item, ItemEvent event, const std::string& reason);

  Ports ports_;
  std::map<ItemId, Transfer> transfers_;
  Instant resume_at_{};
  Instant marks_at_{};
  Instant announce_at_{};
  bool pumping_ = false;
};

}  // namespace pushmail
