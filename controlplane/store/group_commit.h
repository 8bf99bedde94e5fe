// Group commit without a knob: changes gather while the ones before them are synced.
//
//                     a change                 COMMIT, into the log             synced
//          idle ------------------> gathering ----------------------> syncing ----------> idle, or gathering: changes came meanwhile
//                                                    |                   |
//                                                    +--- refused -------+--> failed: nothing leaves any more
//
// Came from: the store (its changes), Durability's callers (what waits). Goes to: the store. The log is synced by a thread of its own,
// so that neither a slow disk nor a checkpoint holds up the event loop. Threads: the event loop's, but Store::sync and checkpoint.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>

#include "controlplane/store/durability.h"
#include "controlplane/store/store.h"

namespace pushmail {

class GroupCommit final : public Durability {
 public:
  /// `on_failed` comes once, when changes that others may know of already could not be made durable: the program has to end, for what it
  /// holds in memory rests on them.
  GroupCommit(boost::asio::io_context& context, Store& store, std::function<void(const Error&)> on_failed);
  /// What was not synced is given up.
  ~GroupCommit() override;
  GroupCommit(const GroupCommit&) = delete;
  GroupCommit& operator=(const GroupCommit&) = delete;

  void when_durable(std::move_only_function<void()> send) override;

  struct Counts {
    std::uint64_t groups = 0;
  };
  [[nodiscard]] const Counts& counts() const { return counts_; }

 private:
  enum class Phase : std::uint8_t { idle, gathering, syncing, failed };
  using Waiting = std::deque<std::move_only_function<void()>>;

  void on_changed();
  void gather();
  void commit();
  void synced(const Result<void>& done);
  void leave();
  void checkpoint();
  void fail(const Error& error);

  boost::asio::io_context& context_;
  Store& store_;
  std::function<void(const Error&)> on_failed_;
  Phase phase_ = Phase::idle;
  bool changed_ = false;  // since the last COMMIT
  bool checkpointing_ = false;
  Waiting leaving_;   // for nothing any more
  Waiting of_group_;  // for the group that is being synced
  Waiting of_next_;   // for what changed since
  Counts counts_;
  // The event loop has work while a group is on its way to the disk.
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> work_;
  boost::asio::thread_pool sync_thread_{1};
  boost::asio::thread_pool checkpoint_thread_{1};
};

}  // namespace pushmail
