#include "dataplane/io_thread.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "core/log.h"
#include "core/log_writer.h"
#include "core/match.h"
#include "core/service_manager.h"
#include "core/wait_on.h"
#include "dataplane/last_known.h"
#include "dataplane/relay/relay.h"

namespace pushmail {

namespace {

constexpr int round_ms = 500;        // the journal asks for room once a second
constexpr int stop_rounds_max = 20;  // a full disk must not keep the process from stopping

}  // namespace

IoThread::IoThread(journal::Journal& journal, Ring<ToIo>& in, Ring<ToWorker>& out, Wake& bell, std::filesystem::path last_known,
                   Counters& counters, FaultPoints faults, std::function<void(std::uint64_t query)> reload)
    : journal_(journal),
      in_(in),
      out_(out),
      bell_(bell),
      last_known_(std::move(last_known)),
      counters_(counters),
      faults_(faults),
      reload_(std::move(reload)) {}

Result<void> IoThread::open(const std::filesystem::path& socket, std::uint64_t epoch) {
  PM_TRY(server_, handoff::Server::open(socket, epoch, *this));
  return {};
}

// ---- the round --------------------------------------------------------------------------------------------------------------------

Result<void> IoThread::run(int stop_fd, const std::function<void()>& stop, const std::atomic<bool>& done) {
  bool stopping = false;
  int rounds_left = stop_rounds_max;
  while (true) {
    // 1. What the worker wants; read before `done` is, so that nothing of its last turn is missed.
    const bool worker_gone = done.load(std::memory_order_acquire);
    while (auto message = in_.receive()) take(std::move(*message));
    // 2. The disk: submit what is queued, tell what is durable.
    journal_.poll();
    if (const auto why = journal_.failed()) return std::unexpected(*why);
    report_state();
    report_alive(worker_gone);
    // 3. The control plane.
    server_->run();
    // 4. The worker hears of it.
    unflushed_ = !out_.flush();
    if (worker_gone && in_.empty() && (journal_.idle() || --rounds_left == 0)) break;

    watch(stop_fd, stopping);
    if (take_signal(stop_fd)) {
      stopping = true;
      stop();
    }
  }
  server_->run();
  return {};
}

void IoThread::watch(int stop_fd, bool stopping) {
  fds_.clear();
  fds_.push_back({.fd = stop_fd, .events = POLLIN, .revents = 0});
  fds_.push_back({.fd = bell_.fd(), .events = POLLIN, .revents = 0});
  fds_.push_back({.fd = journal_.completion_fd(), .events = POLLIN, .revents = 0});
  server_->watch(fds_);
  bell_.announce();
  const int longest = !in_.empty() ? 0 : unflushed_ || journal_.needs_turn() ? 1 : stopping ? 50 : round_ms;
  wait_on(fds_, longest);
  bell_.awake();
}

bool IoThread::take_signal(int stop_fd) const {
  if ((fds_.front().revents & POLLIN) == 0) return false;
  signalfd_siginfo signal{};
  return ::read(stop_fd, &signal, sizeof signal) == static_cast<ssize_t>(sizeof signal);
}

void IoThread::take(ToIo message) {
  std::visit(Match{
                 [&](AppendRecord& append) {
                   const bool is_message = append.kind == journal::Kind::accepted_mm7 || append.kind == journal::Kind::accepted_mail;
                   journal_.append(append.kind, append.item, std::move(append.record),
                                   [this, token = append.token](const Result<void>& result) {
                                     out_.send(Committed{.token = token, .error = result ? std::nullopt : std::optional(result.error())});
                                   });
                   if (is_message) faults_.at(relay::step::append_before_sync);
                   if (append.kind == journal::Kind::attempt) faults_.at(relay::step::attempt_before_sync);
                 },
                 [&](const SettleRecord& settle) { journal_.settle(settle.kind, settle.item); },
                 [&](SendRecord& send) { (void)server_->peer().send(send.kind, send.item, std::move(send.record)); },
             },
             message);
}

void IoThread::report_state() {
  const std::string_view refusal = journal_.refusal();
  if (refusal != reported_refusal_) {
    reported_refusal_ = refusal;
    out_.send(JournalState{.refusal = refusal});
  }
  const journal::Totals totals = journal_.totals();
  counters_.set(Counter::journal_records, totals.appended);
  counters_.set(Counter::journal_syncs, totals.syncs);
  counters_.set(Counter::journal_bytes, totals.bytes);
  counters_.set(Counter::journal_segments, totals.segments);
  counters_.set(Counter::journal_failures, totals.failures);
  counters_.set(Counter::handoff_accept_failures, server_->accept_failures());
  counters_.set(Counter::handoff_refused, server_->refused());
  counters_.set(Counter::log_lines_dropped, log_lines_dropped());
}

// A worker that has ended makes no turns, and what is left to do is ours alone.
void IoThread::report_alive(bool worker_gone) {
  if (worker_gone || !alive_.is_due(clock_.now(), counters_.get(Counter::turns))) return;
  if (const auto told = notify_service_manager(service::alive); !told) log_warning("manager_not_notified").error(told.error());
}

// ---- from the control plane -------------------------------------------------------------------------------------------------------

void IoThread::on_ready(handoff::Other other) {
  log_info("handoff_ready").text("other", other == handoff::Other::same ? "same" : "restarted");
  out_.send(HandoffReady{.other = other});
}

void IoThread::on_record(handoff::Kind kind, const RecordView& record, handoff::Receipt receipt) {
  if (kind == handoff::Kind::reload) {
    if (reload_) reload_(*record.u64(handoff::tag(handoff::Tag::query)));
    return;
  }
  const ByteView whole = record.whole();
  if (kind == handoff::Kind::peers) {
    if (const auto written = write_last_known(last_known_, record); !written)
      log_error("last_known").text("file", last_known_.string()).error(written.error());
  }
  // A withdrawal needs no disk of ours: what it ends is in memory only.
  const handoff::KindRow* row = handoff::find_kind(static_cast<std::uint16_t>(kind));
  if (row != nullptr && row->owned) server_->peer().acknowledge(receipt);
  out_.send(HandoffRecord{.record = Bytes(whole.begin(), whole.end())});
}

void IoThread::on_acknowledged(handoff::Kind kind, const ItemId& item) { out_.send(HandoffAcknowledged{.kind = kind, .item = item}); }

void IoThread::on_lost() {
  log_info("handoff_lost");
  out_.send(HandoffLost{});
}

}  // namespace pushmail
