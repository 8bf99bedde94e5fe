// The life of one mailbox in the fetcher: connect, look, wait, fetch and mark on request, and try again with growing pauses.
//
// Came from: Fetcher (commands of the control plane). Goes to: MailboxSession, one connection at a time; what is found goes to
// Reporter. Invariant: every fetch and mark is answered once, a cancelled one not at all; a fetch that lost its connection goes on at the
// byte where it stood.
// It rests until a poll, a fetch, a mark or mode idle wants a session and no pause stands against it (backoff.h); then as watch_life.h
// says.
#pragma once

#include <list>
#include <memory>
#include <string>

#include "controlplane/fetcher/backoff.h"
#include "controlplane/fetcher/commands.h"
#include "controlplane/fetcher/mailbox_session.h"
#include "controlplane/fetcher/reporter.h"
#include "controlplane/fetcher/watch_life.h"

namespace pushmail::mailbox {

/// A fetch under way; credit comes from outside the watcher's coroutine.
class FetchJob {
 public:
  FetchJob(Loop& loop, FetchCommand command)
      : command_(std::move(command)), credit_(command_.credit), offset_(command_.offset), gate_(loop) {}

  [[nodiscard]] const FetchCommand& command() const { return command_; }
  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  void advance(std::size_t size) { offset_ += size; }
  void add_credit(std::uint64_t chunks) {
    credit_ += std::min(chunks, UINT64_MAX - credit_);
    gate_.open();
  }
  /// Before each try.
  void begin() { ended_ = false; }
  /// One chunk's credit; false when `until` came, or end() was called, first.
  [[nodiscard]] bool take_credit(Task& task, Instant until);
  void end() {
    ended_ = true;
    gate_.open();
  }
  /// Nobody wants it any longer: it ends without an answer.
  void cancel() {
    cancelled_ = true;
    end();
  }
  [[nodiscard]] bool is_cancelled() const { return cancelled_; }

 private:
  FetchCommand command_;
  std::uint64_t credit_;
  std::uint64_t offset_;
  bool ended_ = false;
  bool cancelled_ = false;
  Gate gate_;
};

/// How many sessions stay open; shared by the watchers of a fetcher.
class IdleSlots {
 public:
  explicit IdleSlots(std::uint64_t most) : most_(most) {}
  [[nodiscard]] bool take() {
    if (taken_ >= most_) return false;
    ++taken_;
    return true;
  }
  void give_back() { --taken_; }

 private:
  std::uint64_t most_;
  std::uint64_t taken_ = 0;
};

class Watcher : public std::enable_shared_from_this<Watcher> {
 public:
  Watcher(Loop& loop, const SessionSettings& settings, Reporter& reporter, IdleSlots& slots, WatchCommand watch);

  void start();
  /// New fields: a new account ends the connection. A refused login may be tried again; any other pause goes on.
  void update(WatchCommand watch);
  void stop();
  /// What is known of the account, for a watch of it that comes later.
  [[nodiscard]] const Account& account() const { return watch_.account; }
  [[nodiscard]] const Backoff& backoff() const { return backoff_; }
  /// Before start(): the account was watched before, and this is how it went.
  void go_on_with(const Backoff& backoff) { backoff_ = backoff; }
  void poll();
  [[nodiscard]] std::shared_ptr<FetchJob> fetch(FetchCommand command);
  /// Drops a fetch of this mailbox, queued or running. One that runs takes its connection along, which is in the middle of a mail.
  void cancel(FetchJob& job);
  void mark(MarkCommand command);

 private:
  struct Job {
    std::shared_ptr<FetchJob> fetch;  // or
    MarkCommand mark;
    std::uint32_t attempts = 0;
  };

  void run(Task& task);
  [[nodiscard]] bool wants_session() const;
  /// When a mail on trial is to be asked for again.
  [[nodiscard]] Instant next_trial() const { return watch_.cursor.trials().next_due().value_or(never); }
  [[nodiscard]] bool must_end(std::uint64_t generation) const { return stopped_ || generation_ != generation; }
  void rest(Task& task);
  void live(Task& task);
  Outcome<void> serve(Task& task, MailboxSession& session, MailStream& stream, std::uint64_t generation);
  Outcome<void> look(Task& task, MailboxSession& session);
  Outcome<void> work(Task& task, MailboxSession& session, MailStream& stream, std::uint64_t generation);
  Outcome<void> do_fetch(Task& task, MailboxSession& session, FetchJob& job);
  Outcome<void> do_mark(Task& task, MailboxSession& session, const MarkCommand& command);
  void note_failure(const Failure& failure, Backoff::Came came, Instant opened_at);
  void fail_jobs(const Failure& failure);
  void fail_job(const Job& job, const Failure& failure);
  void say(std::string_view state, std::string_view reason = {});
  void interrupt();

  Loop& loop_;
  const SessionSettings& settings_;
  Reporter& reporter_;
  IdleSlots& slots_;
  bool has_slot_ = false;  // of the running session
  WatchCommand watch_;
  Gate gate_;  // something to do, or to stop
  std::list<Job> jobs_;
  bool poll_wanted_ = false;
  bool looked_ = false;  // once since the account is known
  bool stopped_ = false;
  std::uint64_t generation_ = 0;  // raised to end the connection without blame: a new account, a cancelled fetch
  MailStream* stream_ = nullptr;  // of the running session
  FetchJob* fetching_ = nullptr;
  StateBy<watch_steps, WatchState::resting> life_;
  std::string state_;        // as it was told last
  bool has_looked_ = false;  // in the running session
  Backoff backoff_;
  Instant next_look_{};  // mode idle without a session
};

}  // namespace pushmail::mailbox
