// The batch writer over the kernel's io_uring, and over one that is too busy, takes half of what it is given, or breaks.
#include "dataplane/journal/batch_writer.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <liburing.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <deque>
#include <filesystem>
#include <string>

#include "core/storage.h"

namespace {

/// What the next calls of io_uring_submit do: minus an errno, or `take_one`; none is left: what the kernel does.
constexpr int take_one = 1;
std::deque<int> scripted;
int submitted = 0;

/// One entry goes in, the others stay in the queue: what the kernel does when it runs out of memory in between.
int submit_one(io_uring* ring) {
  io_uring_sq& queue = ring->sq;
  unsigned tail = *queue.ktail;
  for (; queue.sqe_head != queue.sqe_tail; ++queue.sqe_head, ++tail)
    queue.array[tail & *queue.kring_mask] = queue.sqe_head & *queue.kring_mask;
  io_uring_smp_store_release(queue.ktail, tail);
  return io_uring_enter(static_cast<unsigned>(ring->ring_fd), 1, 0, 0, nullptr);
}

}  // namespace

// Stands in front of the library's.
extern "C" int io_uring_submit(io_uring* ring) {
  ++submitted;
  static const auto real = reinterpret_cast<int (*)(io_uring*)>(dlsym(RTLD_NEXT, "io_uring_submit"));
  if (scripted.empty()) return real(ring);
  const int now = scripted.front();
  scripted.pop_front();
  return now == take_one ? submit_one(ring) : now;
}

namespace pushmail::journal {
namespace {

struct HandClock final : Clock {
  Instant at{1};
  [[nodiscard]] Timestamp wall() const override { return {0}; }
  [[nodiscard]] Instant now() const override { return at; }
};

class BatchWriterTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "pushmail-batch-XXXXXX").string();
    fd_ = ::mkstemp(name.data());
    file_ = name;
    ASSERT_GE(fd_, 0);
    auto made = open_uring_writer(clock_);
    ASSERT_TRUE(made.has_value());
    writer_ = std::move(*made);
    submitted = 0;
  }
  void TearDown() override {
    scripted.clear();
    ::close(fd_);
    std::filesystem::remove(file_);
  }
  BatchOutcome outcome() {
    while (true) {
      if (const auto done = writer_->poll()) return *done;
      pollfd ready{.fd = writer_->completion_fd(), .events = POLLIN, .revents = 0};
      if (!writer_->needs_turn()) ::poll(&ready, 1, -1);
    }
  }
  void expect_written() {
    const BatchOutcome done = outcome();
    EXPECT_EQ(done.write, 0);
    EXPECT_EQ(done.sync, 0);
    EXPECT_EQ(read_file(system_storage(), file_).value(), bytes_);
    EXPECT_FALSE(writer_->needs_turn());
  }

  HandClock clock_;
  std::filesystem::path file_;
  int fd_ = -1;
  Bytes bytes_ = Bytes(300'000, 'b');
  std::unique_ptr<BatchWriter> writer_;
};

TEST_F(BatchWriterTest, writes_and_syncs) {
  EXPECT_FALSE(writer_->poll().has_value());
  writer_->start(fd_, bytes_, 0);
  expect_written();
  EXPECT_EQ(submitted, 1);
  EXPECT_FALSE(writer_->poll().has_value());
}

TEST_F(BatchWriterTest, a_busy_kernel_is_asked_again) {
  for (const int busy : {EAGAIN, EBUSY, EINTR, ENOMEM}) {
    SCOPED_TRACE(busy);
    scripted = {-busy, -busy, -busy};
    writer_->start(fd_, bytes_, 0);
    EXPECT_TRUE(writer_->needs_turn()) << "no descriptor says when the kernel has time";
    EXPECT_FALSE(writer_->poll().has_value());
    expect_written();
  }
}

// The sync may have run before the write then: it proves nothing, and there is another behind it.
TEST_F(BatchWriterTest, a_write_without_its_sync_gets_one_of_its_own) {
  scripted = {take_one};
  writer_->start(fd_, bytes_, 0);
  EXPECT_TRUE(writer_->needs_turn());
  expect_written();
  EXPECT_EQ(submitted, 3) << "the write, the sync that was left, and the one behind both";
}

TEST_F(BatchWriterTest, a_ring_that_is_broken_or_busy_for_ever_is_a_failed_write) {
  scripted = {-EBADF};
  writer_->start(fd_, bytes_, 0);
  EXPECT_EQ(outcome().write, EBADF);
  writer_ = std::move(*open_uring_writer(clock_));
  scripted = {-EAGAIN, -EAGAIN, -EAGAIN};
  writer_->start(fd_, bytes_, 0);
  EXPECT_FALSE(writer_->poll().has_value());
  clock_.at = clock_.at + seconds(60);
  EXPECT_EQ(outcome().write, EAGAIN);
}

TEST_F(BatchWriterTest, what_the_disk_says_is_told) {
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(full, 0);
  writer_->start(full, bytes_, 0);
  EXPECT_EQ(outcome().write, ENOSPC);
  ::close(full);
  const int read_only = ::open(file_.c_str(), O_RDONLY | O_CLOEXEC);
  writer_->start(read_only, bytes_, 0);
  EXPECT_EQ(outcome().write, EBADF);
  ::close(read_only);
}

}  // namespace
}  // namespace pushmail::journal
