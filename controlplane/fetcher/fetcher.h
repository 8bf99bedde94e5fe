// The fetcher: the far end of the control plane's socket, and every mailbox it was told to watch.
//
// Came from: descriptor 3 (commands.h). Goes to: one Watcher a mailbox. When the control plane closes the socket everything ends: the
// store knows what was seen, and the next fetcher starts from there.
#pragma once

#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "controlplane/fetcher/commands.h"
#include "controlplane/fetcher/probe.h"
#include "controlplane/fetcher/reporter.h"
#include "controlplane/fetcher/watcher.h"
#include "core/record_inbox.h"

namespace pushmail::mailbox {

class Fetcher {
 public:
  /// The settings as the files say now, or why they cannot be used.
  using ReadSettings = std::function<std::expected<SessionSettings, std::string>()>;
  /// Takes the open socket `descriptor` over.
  Fetcher(Loop& loop, const SessionSettings& settings, int descriptor, ReadSettings read = {});

  /// Until the other side closes the socket and all sessions have ended. The error is a broken record, our own side's fault.
  [[nodiscard]] Result<void> run();

  /// Takes the settings anew, for sessions that begin from now on; empty, or why all stays as it is.
  [[nodiscard]] std::string reload();

 private:
  void read_commands(Task& task);
  void obey(const RecordView& record);
  void obey(Command command);
  [[nodiscard]] Watcher* watcher_of(const std::string& binding);
  void cancel(const ItemId& item);

  Loop& loop_;
  SessionSettings settings_;
  ReadSettings read_;
  Socket socket_;
  Reporter reporter_;
  IdleSlots slots_{settings_.idle_max};
  RecordInbox inbox_;
  std::map<std::string, std::shared_ptr<Watcher>, std::less<>> watchers_;
  std::unordered_map<ItemId, std::weak_ptr<FetchJob>> fetches_;
  std::vector<std::weak_ptr<Probe>> probes_;
  struct Left {
    Account account;
    Backoff backoff;
  };
  std::map<std::string, Left, std::less<>> left_;  // of bindings that are not watched now, while their pause lasts
  Result<void> outcome_;
};

}  // namespace pushmail::mailbox
