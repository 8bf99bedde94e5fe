#include "dataplane/journal/batch_writer.h"

#include <liburing.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

#include "core/log.h"
#include "core/timers.h"
#include "dataplane/journal/errors.h"

namespace pushmail::journal {

namespace {

constexpr unsigned ring_entries = 8;  // a write and its sync, and room to spare
constexpr std::uint64_t write_mark = 1, sync_mark = 2;

// What io_uring_enter(2) says when the same call may work soon.
bool is_busy(int error) { return error == EAGAIN || error == EBUSY || error == EINTR || error == ENOMEM; }

class UringWriter final : public BatchWriter {
 public:
  explicit UringWriter(const Clock& clock) : clock_(clock) {}
  UringWriter(const UringWriter&) = delete;
  UringWriter& operator=(const UringWriter&) = delete;
  ~UringWriter() override {
    if (ring_open_) io_uring_queue_exit(&ring_);
    if (event_fd_ >= 0) ::close(event_fd_);
  }

  Result<void> open() {
    if (const int made = io_uring_queue_init(ring_entries, &ring_, 0); made < 0) return fail_os(journal_ring, -made);
    ring_open_ = true;
    event_fd_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (event_fd_ < 0) return fail_os(journal_ring, errno);
    if (const int told = io_uring_register_eventfd(&ring_, event_fd_); told < 0) return fail_os(journal_ring, -told);
    return {};
  }

  void start(int fd, ByteView bytes, std::uint64_t offset) override {
    PM_CHECK(!running_);
    running_ = true;
    fd_ = fd;
    bytes_ = bytes;
    offset_ = offset;
    write_and_sync();
  }

  std::optional<BatchOutcome> poll() override {
    std::uint64_t count = 0;
    // Only resets the descriptor; what happened is read from the ring.
    [[maybe_unused]] const ssize_t n = ::read(event_fd_, &count, sizeof count);
    if (!running_) return std::nullopt;
    if (queued_ > 0) submit();
    io_uring_cqe* done = nullptr;
    while (missing_ > 0 && io_uring_peek_cqe(&ring_, &done) == 0) {
      (io_uring_cqe_get_data64(done) == write_mark ? write_result_ : sync_result_) = done->res;
      io_uring_cqe_seen(&ring_, done);
      --missing_;
    }
    // What the kernel has taken is waited for in any case: it reads the bytes.
    if (missing_ > (refused_ != 0 ? queued_ : 0)) return std::nullopt;
    return next();
  }

  int completion_fd() const override { return event_fd_; }
  bool needs_turn() const override { return queued_ > 0; }

 private:
  enum class Asked : std::uint8_t { write_and_sync, sync };

  /// Both are done: what now.
  std::optional<BatchOutcome> next() {
    if (refused_ != 0) return end({.write = refused_, .sync = 0});
    if (asked_ == Asked::write_and_sync) {
      if (write_result_ <= 0) return end({.write = write_result_ < 0 ? -write_result_ : EIO, .sync = 0});
      bytes_ = bytes_.subspan(static_cast<std::size_t>(write_result_));
      offset_ += static_cast<std::uint64_t>(write_result_);
      if (!bytes_.empty()) {
        write_and_sync();
        return std::nullopt;
      }
      if (!in_one_go_) {
        sync_alone();
        return std::nullopt;
      }
    }
    return end({.write = 0, .sync = sync_result_ < 0 ? -sync_result_ : 0});
  }
  BatchOutcome end(BatchOutcome outcome) {
    running_ = false;
    return outcome;
  }

  void write_and_sync() {
    asked_ = Asked::write_and_sync;
    io_uring_sqe* write = entry();
    io_uring_prep_write(write, fd_, bytes_.data(), static_cast<unsigned>(bytes_.size()), offset_);
    io_uring_sqe_set_data64(write, write_mark);
    // Linked: the sync starts when the write is complete, and is cancelled when it fell short.
    write->flags |= IOSQE_IO_LINK;
    prepare_sync();
    in_one_go_ = false;
    submit();
  }
  void sync_alone() {
    asked_ = Asked::sync;
    prepare_sync();
    submit();
  }
  void prepare_sync() {
    io_uring_sqe* sync = entry();
    io_uring_prep_fsync(sync, fd_, IORING_FSYNC_DATASYNC);
    io_uring_sqe_set_data64(sync, sync_mark);
  }
  io_uring_sqe* entry() {
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    PM_CHECK(entry != nullptr);
    ++queued_;
    ++missing_;
    return entry;
  }

  /// What the kernel does not take stays queued in the ring.
  void submit() {
    const int taken = io_uring_submit(&ring_);
    if (taken > 0) {
      // Entries that leave in two calls are not linked.
      in_one_go_ = taken == 2;
      queued_ -= static_cast<unsigned>(taken);
      busy_since_.reset();
      return;
    }
    const int error = taken < 0 ? -taken : EAGAIN;
    if (!busy_since_) {
      busy_since_ = clock_.now();
      log_warning("journal_ring_busy").os_error(error);
    }
    if (!is_busy(error) || clock_.now() - *busy_since_ > timers::journal_busy) refused_ = error;
  }

  const Clock& clock_;
  io_uring ring_{};
  bool ring_open_ = false;
  int event_fd_ = -1;

  bool running_ = false;
  int fd_ = -1;
  ByteView bytes_;  // not written yet
  std::uint64_t offset_ = 0;
  Asked asked_ = Asked::write_and_sync;
  bool in_one_go_ = false;  // the kernel has taken the write and the sync together, so that they are linked
  unsigned queued_ = 0;     // entries that the kernel has not taken
  unsigned missing_ = 0;    // completions
  int write_result_ = 0, sync_result_ = 0;
  int refused_ = 0;  // errno: the ring takes nothing more, for good
  std::optional<Instant> busy_since_;
};

}  // namespace

Result<std::unique_ptr<BatchWriter>> open_uring_writer(const Clock& clock) {
  auto writer = std::make_unique<UringWriter>(clock);
  if (const auto opened = writer->open(); !opened) return std::unexpected(opened.error());
  return writer;
}

}  // namespace pushmail::journal
