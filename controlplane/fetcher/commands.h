// What the control plane asks a fetcher: records of core/contract/fetcher/schema.h, decoded and checked once, here.
//
// Came from: descriptor 3. Goes to: Fetcher. A record that breaks the schema is our own side's fault; it is answered and logged, never
// guessed at. A stream that breaks the framing ends the fetcher.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "controlplane/fetcher/backoff.h"
#include "controlplane/fetcher/mailbox_session.h"
#include "core/contract/fetcher/schema.h"
#include "core/ids.h"
#include "core/record.h"

namespace pushmail::mailbox {

struct WatchCommand {
  std::string binding;
  Account account;
  Mode mode = Mode::poll;
  Cursor cursor;
  /// How the account stood in the fetcher before this one.
  std::optional<Backoff::Kept> kept{};
  /// Mails at which the fetcher died so often that they are not asked for any more.
  std::set<std::string, std::less<>> deadly{};
};
/// An account to be tried once.
struct ProbeCommand {
  std::string binding;
  Account account;
};
struct UnwatchCommand {
  std::string binding;
};
struct PollCommand {
  std::string binding;
};
struct FetchCommand {
  std::string binding;
  ItemId item;
  std::string uid;
  std::uint64_t uid_validity = 0;  // 0: whatever it is now
  std::uint64_t offset = 0;
  std::uint64_t credit = 0;
};
struct MarkCommand {
  std::string binding;
  ItemId item;
  std::string uid;
  std::uint64_t uid_validity = 0;
  Mark mark = Mark::seen;
};
struct CreditCommand {
  ItemId item;
  std::uint64_t credit = 0;
};
struct CancelCommand {
  ItemId item;
};
struct ReloadCommand {
  std::uint64_t query = 0;
};
using Command = std::variant<WatchCommand, ProbeCommand, UnwatchCommand, PollCommand, FetchCommand, MarkCommand, CreditCommand,
                             CancelCommand, ReloadCommand>;

/// What `session` says of an account beside its state, and `watch` repeats.
void write_kept(const Backoff::Kept& kept, RecordWriter& record);

/// A kind that this version does not know is empty: a newer control plane may ask more.
[[nodiscard]] Result<std::optional<Command>> decode_command(const RecordView& record);

}  // namespace pushmail::mailbox
