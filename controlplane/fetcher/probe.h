// One try of an account that nobody is bound to yet: whether a mailbox can be watched with it, and if not, why.
//
// Came from: Fetcher (Kind::probe). Goes to: MailboxSession, once, or twice where the server refuses the log-in without saying why; the
// answer goes to Reporter (Kind::probed). Invariant: answered once, also when the fetcher ends it; no mail is told of, marked or read.
#pragma once

#include <memory>

#include "controlplane/fetcher/commands.h"
#include "controlplane/fetcher/mailbox_session.h"
#include "controlplane/fetcher/reporter.h"

namespace pushmail::mailbox {

class Probe : public std::enable_shared_from_this<Probe> {
 public:
  Probe(Loop& loop, const SessionSettings& settings, Reporter& reporter, ProbeCommand command)
      : loop_(loop), settings_(settings), reporter_(reporter), command_(std::move(command)), gate_(loop) {}

  void start();
  /// Ends whatever it waits for.
  void stop();

 private:
  void run(Task& task);
  [[nodiscard]] Outcome<void> try_once(Task& task);

  Loop& loop_;
  const SessionSettings& settings_;
  Reporter& reporter_;
  const ProbeCommand command_;
  Gate gate_;
  MailStream* stream_ = nullptr;  // of the running session
  bool stopped_ = false;
};

}  // namespace pushmail::mailbox
