// Which mailboxes are watched, how their sessions stand, and when they are polled.
//
// Came from: the store (bindings), the API (changes, `poll now`), the fetchers (session, baseline, polled). Goes to: the fetchers (watch,
// unwatch, poll); A password is opened here, into one `watch` record, and nowhere else.
// A host is resolved here, and only an address that the egress policy allows goes into the record.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "controlplane/account_pauses.h"
#include "controlplane/api/api.h"
#include "controlplane/binding/seal.h"
#include "controlplane/ports.h"
#include "controlplane/resolver.h"
#include "controlplane/settings.h"
#include "controlplane/store/store.h"
#include "controlplane/suspects.h"
#include "core/clock.h"

namespace pushmail {

class WatchedMailboxes {
 public:
  struct Ports {
    Store& store;
    const Clock& clock;
    const Settings& settings;
    const Sealer& sealer;
    Resolver& resolver;
    FetcherPort& fetchers;
  };
  explicit WatchedMailboxes(Ports ports) : ports_(std::move(ports)) {}

  /// A fetcher that knows nothing runs now: watches of its bindings are sent.
  void watch_all(const std::function<bool(std::string_view binding)>& of_this_fetcher);
  /// That fetcher died: what its mailboxes asked for is suspected.
  void on_fetcher_lost(const std::function<bool(std::string_view binding)>& was_there);
  /// The wall clock was set: times of the subscriber's day come anew.
  void on_wall_step();
  /// Added, changed, suspended or removed.
  void on_binding_changed(const Binding& binding);
  /// Added, after its account was tried: what the server asked for then holds.
  void on_binding_added(const Binding& binding, const api::AccountTrial& trial);
  /// What the fetcher reported could not be stored: it stops, and is told again where the mailbox was left, in a few seconds.
  void watch_again(std::string_view binding);
  /// Until then its news are no news: a later mail must not move the watermark past one that was lost.
  [[nodiscard]] bool is_behind(std::string_view binding) const;
  /// Sends `poll`; how many mailboxes were told. Empty id: all.
  std::size_t poll_now(std::string_view binding);
  void tick();

  /// True: the mailbox answers.
  [[nodiscard]] bool on_session(const RecordView& record);
  void on_baseline(const RecordView& record);
  void on_polled(const RecordView& record);
  void on_trying(const RecordView& record);
  void on_skipped(const RecordView& record);
  void on_announced(const RecordView& record);

 private:
  struct Watched {
    Instant due{};             // all waits by Clock::now(): nobody sets that
    Timestamp planned_from{};  // the last look, as `due` was planned
    Instant resolved{};
    std::uint64_t question = 0;  // the newest resolution; older answers are ignored
    Instant behind_until{};      // a watch sent before is too early: the fetcher's old words may still be on their way
    bool told = false;           // the fetcher has the watch
    bool behind = false;         // the store lacks something that the fetcher has reported
  };
  void follow(const Binding& binding);
  void watch(const Binding& binding);
  void send_watch(const Binding& binding, const IpAddress& address);
  void send_unwatch(std::string_view binding);
  /// When the mailbox is looked at next, if it was looked at `last`.
  void plan(const Binding& binding, Watched& watched, Timestamp last);
  void cannot_watch(const Binding& binding, std::string_view state, std::string reason);
  void set_session(std::string_view binding, std::string_view state, std::string_view reason, Timestamp at);
  [[nodiscard]] Result<void> write_watermark(const RecordView& record, MailboxState& state);

  Ports ports_;
  std::map<std::string, Watched, std::less<>> watched_;
  Suspects suspects_;
  AccountPauses pauses_;
  std::uint64_t last_question_ = 0;
  std::vector<std::function<bool(std::string_view binding)>> unread_;  // fetchers whose bindings could not be read
  Instant read_again_{};
};

}  // namespace pushmail
