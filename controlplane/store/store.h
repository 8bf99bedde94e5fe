// The memory of the control plane: bindings, how far each mailbox was read, items with their history, suffixes, SMS to send, reports.
//
// Came from: the fetchers (new mail), SMPP (answers), the data plane (outcomes, reports, events), the API (bindings).
// Goes to: the two flows (controlplane/to_phone, to_mail) and the API. The functions of rows stand in *_rows.cpp by their subject; another
// engine would come behind sqlite.h, which is all that they ask of SQLite.
// Invariants: what belongs together is written in one `write()`, which is durable when it returns; a repeat has no second effect;
// a final state never regresses (move_item). Threads: one.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/store/announcements.h"
#include "controlplane/store/rows.h"
#include "controlplane/store/sqlite.h"
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

class Store {
 public:
  explicit Store(sqlite::Connection connection);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  /// Runs `body` in one transaction: committed and on disk when it succeeds, undone when it fails. Calls may not nest.
  [[nodiscard]] Result<void> write(const std::function<Result<void>()>& body);

  [[nodiscard]] Result<void> add_binding(const Binding& binding);  // store_conflict: phone and address are bound already
  [[nodiscard]] Result<void> update_binding(const Binding& binding);
  [[nodiscard]] Result<std::optional<Binding>> binding(std::string_view id);
  /// Oldest first, removed ones excluded: those behind the binding `after` (empty: all), `count_max` at most.
  [[nodiscard]] Result<std::vector<Binding>> bindings(std::string_view after, std::size_t count_max);
  /// Those with this account at this mail server, of whichever number; removed ones excluded. Without regard to case.
  [[nodiscard]] Result<std::vector<Binding>> bindings_of_account(std::string_view host, std::string_view user);
  [[nodiscard]] Result<std::vector<Binding>> bindings_of(const Msisdn& phone);

  [[nodiscard]] Result<MailboxState> mailbox(std::string_view binding);
  [[nodiscard]] Result<void> set_mailbox(std::string_view binding, const MailboxState& state);
  [[nodiscard]] Result<std::vector<std::string>> known_uids(std::string_view binding);
  [[nodiscard]] Result<void> add_known_uid(std::string_view binding, std::string_view uid);
  [[nodiscard]] Result<void> forget_known_uids(std::string_view binding);

  /// False when there is an item of this binding, UIDVALIDITY and UID, or of this id, already.
  [[nodiscard]] Result<bool> add_item(const Item& item);
  /// All but what names the item and its mail; who it is of and for (binding, correspondent, subject) only on the way to mail.
  [[nodiscard]] Result<void> update_item(const Item& item);
  [[nodiscard]] Result<std::optional<Item>> item(const ItemId& id);
  [[nodiscard]] Result<std::vector<Item>> items(const ItemFilter& filter);
  /// Those whose MessageID has the key of this one (core/peer_id.h): written the same but for case, <> and zeros in front. What is written
  /// the very same comes first.
  [[nodiscard]] Result<std::vector<Item>> items_of_message(std::string_view peer, std::string_view message_id);

  // What is announced to a phone, and what waits for it (announcements.h).

  /// At most one for each code, so at most 90.
  [[nodiscard]] Result<std::vector<CodeHolder>> code_holders(const Msisdn& phone);
  /// The mail that has this code, or had it last.
  [[nodiscard]] Result<std::optional<Item>> item_of_code(const Msisdn& phone, std::string_view code);
  /// The newest mail of a binding that is active.
  [[nodiscard]] Result<std::optional<Item>> newest_waiting(const Msisdn& phone, Origin origin, Waiting waiting);
  /// Counted to 1,000 and no further.
  [[nodiscard]] Result<std::uint64_t> count_waiting(const Msisdn& phone, Origin origin);
  /// Phones to which an announcement is owed, in the order of their numbers, from the first one after `after` on.
  [[nodiscard]] Result<std::vector<Msisdn>> phones_waiting(const Msisdn& after, std::size_t count_max);
  [[nodiscard]] Result<Unanswered> unanswered(const Msisdn& phone, Origin origin, Timestamp since);
  /// Forwarded since then; the newest `count_max` are looked at.
  [[nodiscard]] Result<HandedIn> handed_in(const Msisdn& phone, const Stranger& stranger, Timestamp since, std::size_t count_max);
  /// Strangers' mails that the MMSC has not got yet, and that have not ended. Counted to 100,000 and no further.
  [[nodiscard]] Result<std::uint64_t> count_open_of_strangers(const Msisdn& phone);

  /// How long the last reports of this peer took, newest first; `add` keeps the last `count_max`.
  [[nodiscard]] Result<std::vector<Duration>> report_times(std::string_view peer, std::size_t count_max);
  [[nodiscard]] Result<void> add_report_time(std::string_view peer, Duration took, std::size_t count_max);
  /// Of items since `since`, and of `looked_at_max` at most for each count; silent ones are those that it took before `taken_by`.
  [[nodiscard]] Result<PeerTraffic> peer_traffic(std::string_view peer, Timestamp since, Timestamp taken_by, std::uint64_t looked_at_max);
  /// Items of this peer that are in doubt now.
  [[nodiscard]] Result<std::uint64_t> count_unknown(std::string_view peer);

  /// How many items stand in each state that is not final, and when the oldest was made; states without any are left out. Counts end at
  /// `count_most`, which bounds the work.
  [[nodiscard]] Result<std::vector<Backlog>> backlog(std::uint64_t count_most);

  [[nodiscard]] Result<void> add_history(const HistoryRow& row);
  [[nodiscard]] Result<std::vector<HistoryRow>> history(const ItemId& item);
  [[nodiscard]] Result<std::vector<HistoryRow>> history_of_trace(const TraceId& trace);

  [[nodiscard]] Result<std::optional<Suffix>> suffix(const Msisdn& phone, std::string_view digits);
  [[nodiscard]] Result<std::vector<Suffix>> suffixes(const Msisdn& phone);
  [[nodiscard]] Result<void> put_suffix(const Suffix& suffix);

  [[nodiscard]] Result<void> queue_sms(const Sms& sms);
  [[nodiscard]] Result<void> update_sms(const Sms& sms);
  /// Those that are pending, due and in no doubt; the longest due first.
  [[nodiscard]] Result<std::vector<Sms>> pending_sms(Timestamp due, std::size_t count_max);
  /// Pending and due, but perhaps sent before.
  [[nodiscard]] Result<std::optional<Sms>> doubtful_sms(Timestamp due);
  [[nodiscard]] Result<std::vector<Sms>> submitting_sms();
  [[nodiscard]] Result<std::optional<Sms>> sms(std::int64_t id);
  [[nodiscard]] Result<std::uint64_t> count_sms(const Msisdn& phone, SmsKind kind, Timestamp since);
  struct Submits {
    std::uint64_t count = 0;
    Timestamp oldest{};  // of those counted
  };
  /// How often SMS of this kind were handed to the SMSC for this phone; an SMS counts whole while its last time is within the limits.
  [[nodiscard]] Result<Submits> sms_submits(const Msisdn& phone, SmsKind kind, Timestamp since, Timestamp until);
  /// What the SMSC calls this part of an SMS; kept `sms_part_days` days.
  [[nodiscard]] Result<void> add_sms_part(std::int64_t sms, std::string_view smsc_id, Timestamp now);
  /// SMS of which a part has an id with this key (core/peer_id.h), newest first, at most 20.
  [[nodiscard]] Result<std::vector<Sms>> sms_of_part(std::string_view key);
  /// The notification that was sent to this phone last.
  [[nodiscard]] Result<std::optional<Sms>> last_notification(const Msisdn& phone);
  /// The longest text that was queued for this phone since then and stands in `text` (or is it); a short one only when it is the whole.
  [[nodiscard]] Result<std::optional<std::string>> our_text_in(const Msisdn& phone, std::string_view text, Timestamp since);
  /// Pending notifications of this item are not sent any more.
  [[nodiscard]] Result<void> withdraw_sms(const ItemId& item);

  /// The wall clock was set by `by`, when it showed `from`: what was to come then (retries, expiries) comes as much later or earlier.
  [[nodiscard]] Result<void> shift_waits(Timestamp from, Duration by);
  /// After a restart nobody knows how the clock was set meanwhile.
  [[nodiscard]] Result<void> clamp_waits(const WaitsMax& most);

  /// False when a report with this id, or the same report (peer, message, phone, status, date), is there already.
  [[nodiscard]] Result<bool> add_report(const Report& report);
  [[nodiscard]] Result<void> match_report(const ItemId& report, const ItemId& item);
  /// Reports of this peer that have found no item, oldest first, the newest 1,000 at most; an empty `message_id` asks for those about any
  /// message, another for those whose MessageID has its key.
  [[nodiscard]] Result<std::vector<Report>> orphan_reports(std::string_view peer, std::string_view message_id);
  /// Of this peer's reports that have found no item, all but the `most` that came last are dropped.
  [[nodiscard]] Result<void> trim_orphan_reports(std::string_view peer, std::uint64_t most);

  // Writes that become durable together (group_commit.h): until commit() and sync() have both succeeded a write is seen by this process
  // only, and lost with it.

  /// From now on; the file is at `path`.
  [[nodiscard]] Result<void> begin_groups(const std::filesystem::path& path);
  /// `changed` is called at the first change after the start and after each commit(), from within the call that changes.
  void on_changed(std::function<void()> changed) { changed_ = std::move(changed); }
  /// The changes are in the log, not synced. Refused: some of those that succeeded since the last commit are lost.
  [[nodiscard]] Result<void> commit();
  /// What was committed before the call is on disk. From any one thread at a time.
  [[nodiscard]] Result<void> sync();
  /// Whether the log has grown enough for a checkpoint; true once for each.
  [[nodiscard]] bool takes_checkpoint();
  /// Moves the log's pages into the file, as far as nobody is in the way. From any one thread at a time; what fails is tried again later.
  void checkpoint();

  /// Brings the schema to the current version.
  [[nodiscard]] Result<void> migrate();

 private:
  void note_change();
  [[nodiscard]] bool is_lost();
  [[nodiscard]] Result<void> begin_group();
  [[nodiscard]] Result<void> write_alone(const std::function<Result<void>()>& body);
  [[nodiscard]] Result<void> write_in_group(const std::function<Result<void>()>& body);

  // Pages of the log: a checkpoint begins; what it left is moved between two groups.
  static constexpr std::uint64_t checkpoint_pages = 1000;
  static constexpr std::uint64_t rest_pages = 4000;

  sqlite::Connection db_;
  bool writing_ = false;

  // Groups.
  std::filesystem::path path_;                // empty: every write is synced
  std::optional<sqlite::Connection> moving_;  // checkpoint()'s own
  std::function<void()> changed_;
  bool noted_ = false;  // changed_ was called since the last commit()
  bool committing_ = false;
  bool open_ = false;  // a group is
  bool lost_ = false;  // SQLite undid more than one write
  int log_ = -1;       // sync()'s own: a descriptor of the log
  std::uint64_t log_pages_ = 0;
  std::uint64_t checkpoint_at_ = checkpoint_pages;
  std::uint64_t rest_at_ = rest_pages;
};

}  // namespace pushmail
