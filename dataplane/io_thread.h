// The I/O thread: owns the journal's ring and the handoff socket, so that the worker's turn makes no system call for them.
//
// Came from: the worker (ToIo), the disk, the control plane. Goes to: the worker (ToWorker). One poll(2) over the completion descriptor of
// the journal, the handoff sockets, the bell of the ring and the signals; the order of a round is fixed in run().
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "core/contract/counters/counters.h"
#include "dataplane/alive.h"
#include "dataplane/handoff/server.h"
#include "dataplane/journal/journal.h"
#include "dataplane/messages.h"
#include "dataplane/ring.h"
#include "dataplane/session/fault_points.h"

namespace pushmail {

class IoThread final : public handoff::ServerEvents {
 public:
  IoThread(journal::Journal& journal, Ring<ToIo>& in, Ring<ToWorker>& out, Wake& bell, std::filesystem::path last_known, Counters& counters,
           FaultPoints faults, std::function<void(std::uint64_t query)> reload = {});

  [[nodiscard]] Result<void> open(const std::filesystem::path& socket, std::uint64_t epoch);

  /// Calls `stop()` for each signal that `stop_fd`, a signalfd that does not block, has to tell of; goes on until `done` and everything is
  /// on disk. An error: the journal has failed, and the process has to end before anybody is told anything.
  [[nodiscard]] Result<void> run(int stop_fd, const std::function<void()>& stop, const std::atomic<bool>& done);

  void on_ready(handoff::Other other) override;
  void on_record(handoff::Kind kind, const RecordView& record, handoff::Receipt receipt) override;
  void on_acknowledged(handoff::Kind kind, const ItemId& item) override;
  void on_lost() override;

 private:
  void take(ToIo message);
  void watch(int stop_fd, bool stopping);
  [[nodiscard]] bool take_signal(int stop_fd) const;
  void report_state();
  void report_alive(bool worker_gone);

  journal::Journal& journal_;
  Ring<ToIo>& in_;
  Ring<ToWorker>& out_;
  Wake& bell_;
  std::filesystem::path last_known_;
  Counters& counters_;
  FaultPoints faults_;
  std::function<void(std::uint64_t)> reload_;  // the control plane asks for it
  std::unique_ptr<handoff::Server> server_;
  std::vector<pollfd> fds_;
  std::string_view reported_refusal_;
  SystemClock clock_;
  Alive alive_;
  bool unflushed_ = false;
};

}  // namespace pushmail
