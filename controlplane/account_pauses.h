// How the log-ins of each account went, as its fetcher last said, so that the one that is started after it neither hammers a server that
// has just refused it nor tries a wrong password at each start.
//
// Came from: the fetchers' `session` records, by way of WatchedMailboxes. Goes to: the next `watch` record (Tag::pause and what follows
// it). Kept in memory: after a restart of the control plane each account is tried once.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/record.h"

namespace pushmail {

class AccountPauses {
 public:
  void on_session(std::string_view binding, const RecordView& session, Instant now);
  /// A new account was tried, and its server asked for a pause.
  void on_trial(std::string_view binding, std::string_view state, std::string_view reason, Duration wait, Instant now);
  /// What is known of this account goes into its watch.
  void write(std::string_view binding, Instant now, RecordWriter& watch) const;
  /// Somebody changed the account, or wishes that it is tried.
  void forget(std::string_view binding);

 private:
  struct Account {
    std::string state{};  // and reason: of the last failure
    std::string reason{};
    std::string refused{};
    Instant not_before{};
    std::uint64_t failures = 0;
    std::uint64_t short_sessions = 0;
    std::uint64_t unsaid = 0;
  };
  std::map<std::string, Account, std::less<>> accounts_;
};

/// The pause in a fetcher's record, a day at most; 0: none.
[[nodiscard]] Duration pause_of(const RecordView& record);

}  // namespace pushmail
