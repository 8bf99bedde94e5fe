// The memory of the control plane: bindings, how far each mailbox was read, items with their history, suffixes, SMS to send, reports.
//
// Came from: the fetchers (new mail), SMPP (answers), the data plane (outcomes, reports, events), the API (bindings).
// Goes to: the two flows (controlplane/to_phone, to_mail) and the API. It is an interface so that one schema can have two engines.
// Invariants: what belongs together is written in one `write()`, which is durable when it returns; a repeat has no second effect;
// a final state never regresses (move_item). Threads: one.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/store/announcements.h"
#include "controlplane/store/rows.h"
#include "core/result.h"

namespace pushmail {

enum class ItemOrder : std::uint8_t { newest_first, oldest_first };

struct ItemFilter {
  std::string binding{};            // empty: any
  std::vector<ItemState> states{};  // empty: any
  std::optional<Way> way{};
  std::optional<TraceId> trace{};
  std::optional<Timestamp> mark_due{};    // the mail is to be marked, not later than this
  std::optional<Timestamp> due{};         // retry_at not later than this
  std::optional<Timestamp> code_due{};    // the time in which the phone may ask for it is over
  std::optional<Timestamp> expired_by{};  // submitted with an ExpiryDate not later than this
  std::optional<Timestamp> unknown_by{};  // in doubt, and not longer than until this time
  std::optional<Msisdn> msisdn{};
  std::string peer{};     // empty: any
  bool nameless = false;  // submitted, or in doubt once, without a MessageID
  std::string before{};   // item ids below this one: the cursor of a list
  ItemOrder order = ItemOrder::newest_first;
  std::size_t count_max = 1000;
};

/// How far ahead of `now` a stored wall time can lie at most; what lies farther was written by a clock that went wrong.
struct WaitsMax {
  Timestamp now{};
  Duration retry{};
  Duration code{};   // how long a reply code is valid
  Duration doubt{};  // how long a report of a submission in doubt is waited for
};

inline constexpr std::int64_t sms_part_days = 14;

class Store : public AnnouncementStore {
 public:
  /// Runs `body` in one transaction: committed and on disk when it succeeds, undone when it fails. Calls may not nest.
  virtual Result<void> write(const std::function<Result<void>()>& body) = 0;

  virtual Result<void> add_binding(const Binding& binding) = 0;  // store_conflict: phone and address are bound already
  virtual Result<void> update_binding(const Binding& binding) = 0;
  virtual Result<std::optional<Binding>> binding(std::string_view id) = 0;
  /// Oldest first, removed ones excluded: those behind the binding `after` (empty: all), `count_max` at most.
  virtual Result<std::vector<Binding>> bindings(std::string_view after, std::size_t count_max) = 0;
  /// Those with this account at this mail server, of whichever number; removed ones excluded. Without regard to case.
  virtual Result<std::vector<Binding>> bindings_of_account(std::string_view host, std::string_view user) = 0;
  virtual Result<std::vector<Binding>> bindings_of(const Msisdn& phone) = 0;

  virtual Result<MailboxState> mailbox(std::string_view binding) = 0;
  virtual Result<void> set_mailbox(std::string_view binding, const MailboxState& state) = 0;
  virtual Result<std::vector<std::string>> known_uids(std::string_view binding) = 0;
  virtual Result<void> add_known_uid(std::string_view binding, std::string_view uid) = 0;
  virtual Result<void> forget_known_uids(std::string_view binding) = 0;

  /// False when there is an item of this binding, UIDVALIDITY and UID, or of this id, already.
  virtual Result<bool> add_item(const Item& item) = 0;
  /// All but what names the item and its mail; who it is of and for (binding, correspondent, subject) only on the way to mail.
  virtual Result<void> update_item(const Item& item) = 0;
  virtual Result<std::optional<Item>> item(const ItemId& id) = 0;
  virtual Result<std::vector<Item>> items(const ItemFilter& filter) = 0;
  /// Those whose MessageID has the key of this one (core/peer_id.h): written the same but for case, <> and zeros in front. What is written
  /// the very same comes first.
  virtual Result<std::vector<Item>> items_of_message(std::string_view peer, std::string_view message_id) = 0;

  /// How long the last reports of this peer took, newest first; `add` keeps the last `count_max`.
  virtual Result<std::vector<Duration>> report_times(std::string_view peer, std::size_t count_max) = 0;
  virtual Result<void> add_report_time(std::string_view peer, Duration took, std::size_t count_max) = 0;
  /// Of items since `since`, and of `looked_at_max` at most for each count; silent ones are those that it took before `taken_by`.
  virtual Result<PeerTraffic> peer_traffic(std::string_view peer, Timestamp since, Timestamp taken_by, std::uint64_t looked_at_max) = 0;
  /// Items of this peer that are in doubt now.
  virtual Result<std::uint64_t> count_unknown(std::string_view peer) = 0;

  /// How many items stand in each state that is not final, and when the oldest was made; states without any are left out. Counts end at
  /// `count_most`, which bounds the work.
  virtual Result<std::vector<Backlog>> backlog(std::uint64_t count_most) = 0;

  virtual Result<void> add_history(const HistoryRow& row) = 0;
  virtual Result<std::vector<HistoryRow>> history(const ItemId& item) = 0;
  virtual Result<std::vector<HistoryRow>> history_of_trace(const TraceId& trace) = 0;

  virtual Result<std::optional<Suffix>> suffix(const Msisdn& phone, std::string_view digits) = 0;
  virtual Result<std::vector<Suffix>> suffixes(const Msisdn& phone) = 0;
  virtual Result<void> put_suffix(const Suffix& suffix) = 0;

  virtual Result<void> queue_sms(const Sms& sms) = 0;
  virtual Result<void> update_sms(const Sms& sms) = 0;
  /// Those that are pending, due and in no doubt; the longest due first.
  virtual Result<std::vector<Sms>> pending_sms(Timestamp due, std::size_t count_max) = 0;
  /// Pending and due, but perhaps sent before.
  virtual Result<std::optional<Sms>> doubtful_sms(Timestamp due) = 0;
  virtual Result<std::vector<Sms>> submitting_sms() = 0;
  virtual Result<std::optional<Sms>> sms(std::int64_t id) = 0;
  virtual Result<std::uint64_t> count_sms(const Msisdn& phone, SmsKind kind, Timestamp since) = 0;
  struct Submits {
    std::uint64_t count = 0;
    Timestamp oldest{};  // of those counted
  };
  /// How often SMS of this kind were handed to the SMSC for this phone; an SMS counts whole while its last time is within the limits.
  virtual Result<Submits> sms_submits(const Msisdn& phone, SmsKind kind, Timestamp since, Timestamp until) = 0;
  /// What the SMSC calls this part of an SMS; kept `sms_part_days` days.
  virtual Result<void> add_sms_part(std::int64_t sms, std::string_view smsc_id, Timestamp now) = 0;
  /// SMS of which a part has an id with this key (core/peer_id.h), newest first, at most 20.
  virtual Result<std::vector<Sms>> sms_of_part(std::string_view key) = 0;
  /// The notification that was sent to this phone last.
  virtual Result<std::optional<Sms>> last_notification(const Msisdn& phone) = 0;
  /// The longest text that was queued for this phone since then and stands in `text` (or is it); a short one only when it is the whole.
  virtual Result<std::optional<std::string>> our_text_in(const Msisdn& phone, std::string_view text, Timestamp since) = 0;
  /// Pending notifications of this item are not sent any more.
  virtual Result<void> withdraw_sms(const ItemId& item) = 0;

  /// The wall clock was set by `by`, when it showed `from`: what was to come then (retries, expiries) comes as much later or earlier.
  virtual Result<void> shift_waits(Timestamp from, Duration by) = 0;
  /// After a restart nobody knows how the clock was set meanwhile.
  virtual Result<void> clamp_waits(const WaitsMax& most) = 0;

  /// False when a report with this id, or the same report (peer, message, phone, status, date), is there already.
  virtual Result<bool> add_report(const Report& report) = 0;
  virtual Result<void> match_report(const ItemId& report, const ItemId& item) = 0;
  /// Reports of this peer that have found no item, oldest first, the newest 1,000 at most; an empty `message_id` asks for those about any
  /// message, another for those whose MessageID has its key.
  virtual Result<std::vector<Report>> orphan_reports(std::string_view peer, std::string_view message_id) = 0;
  /// Of this peer's reports that have found no item, all but the `most` that came last are dropped.
  virtual Result<void> trim_orphan_reports(std::string_view peer, std::uint64_t most) = 0;
};

}  // namespace pushmail
