// The lane behind the Journal interface: one active segment, a spare one, and a batch in flight.
//
//   append/settle -> pending -> [ write + fdatasync, linked ] -> Committed, from poll()
//                                one batch in flight; what arrives meanwhile is the next one
//
// The spare segment is preallocated ahead. When it cannot be made (disk full, lane full) new messages are refused, but attempts, outcomes
// and settle records still have its predecessor's room: what was accepted can be finished on a full disk.
// A segment is dropped when nothing in it and before it is unsettled, from the front only, so a settle record never outlives its use.
#include <fcntl.h>
#include <fmt/format.h>
#include <liburing.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "core/log.h"
#include "dataplane/journal/errors.h"
#include "dataplane/journal/journal.h"
#include "dataplane/journal/replay.h"
#include "dataplane/journal/schema.h"
#include "dataplane/journal/segment.h"

namespace pushmail::journal {

namespace {

constexpr unsigned ring_entries = 8;              // a write and its sync, and room to spare
constexpr std::uint64_t batch_size_max = 16 * limits::MiB;
constexpr std::uint64_t pending_size_max = 256 * limits::MiB;
constexpr Duration room_retry = seconds(1);
constexpr std::uint64_t write_mark = 1, sync_mark = 2;

bool is_room_error(int error) { return error == ENOSPC || error == EDQUOT || error == EFBIG; }

struct Pending {
  Kind kind;
  ItemId item;
  RecordWriter record;
  Committed committed;          // empty for settle records
};

std::uint64_t size_on_disk(const Pending& entry) { return entry.record.size() + seal_size; }

// What was accepted can be finished on a full disk: attempts and outcomes wait for room, they are not refused.
bool finishes_what_is_there(Kind kind) { return kind == Kind::settled || kind == Kind::outcome || kind == Kind::attempt; }
bool is_kept(const Pending& entry) { return finishes_what_is_there(entry.kind); }

struct Segment {
  std::uint64_t size = 0;       // bytes of the file
  std::uint64_t used = 0;
  std::uint64_t unsettled = 0;  // records
};

struct OpenSegment {
  int fd = -1;
  std::uint64_t number = 0;
  Mark mark{};
};

class Lane final : public Journal {
 public:
  explicit Lane(const Options& options) : options_(options), clock_(options.clock != nullptr ? *options.clock : system_clock_) {}
  ~Lane() override;
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  Result<void> start(const std::function<void(Replayed)>& visit, const Seen& seen);

  void append(Kind kind, const ItemId& item, RecordWriter record, Committed committed) override;
  void settle(Kind kind, const ItemId& item) override;
  void poll() override;
  int completion_fd() const override { return event_fd_; }
  const ReplaySummary& replayed() const override { return summary_; }
  bool accepting() const override { return refusal_row() == nullptr; }
  std::string_view refusal() const override;
  bool idle() const override { return !in_flight_ && pending_.empty() && refused_.empty(); }
  Totals totals() const override;

 private:
  [[nodiscard]] const ErrorInfo* refusal_row() const;
  [[nodiscard]] std::uint64_t lane_size() const;
  [[nodiscard]] std::optional<OpenSegment> make_segment(std::uint64_t size);
  void make_room();
  [[nodiscard]] bool rotate(std::uint64_t needed);
  void close_active();
  void start_batch();
  void submit_batch();
  void take_completions();
  void finish_batch();
  void commit_batch();
  void fail_batch(const ErrorInfo& row);
  void refuse(Committed committed, const ErrorInfo& row);
  void refuse_pending(const ErrorInfo& row);
  void drop_settled_segments();

  Options options_;
  SystemClock system_clock_;
  const Clock& clock_;
  io_uring ring_{};
  bool ring_open_ = false;
  int event_fd_ = -1;
  int folder_fd_ = -1;
  ReplaySummary summary_;
  Totals totals_;

  std::map<std::uint64_t, Segment> segments_;      // by number, active and spare included
  std::map<Key, std::uint64_t> unsettled_;         // -> segment number
  OpenSegment active_;
  OpenSegment spare_;
  std::uint64_t next_number_ = 1;
  std::uint64_t sequence_ = 0;

  std::deque<Pending> pending_;
  std::uint64_t pending_size_ = 0;
  std::vector<Pending> batch_;                     // what batch_bytes_ holds; without the segment record
  Bytes batch_bytes_;
  std::size_t batch_written_ = 0;
  std::uint64_t batch_first_sequence_ = 0;
  bool in_flight_ = false;
  int completions_missing_ = 0;
  int write_result_ = 0, sync_result_ = 0;

  std::vector<std::pair<Committed, Error>> refused_;
  const ErrorInfo* dead_ = nullptr;                // after a failed write or sync: for good
  const ErrorInfo* no_spare_ = nullptr;            // why the spare could not be made
  Instant room_asked_{};
};

Lane::~Lane() {
  // A batch in flight owns batch_bytes_: wait for the kernel to let go of it.
  while (in_flight_ && completions_missing_ > 0) {
    io_uring_cqe* done = nullptr;
    if (io_uring_wait_cqe(&ring_, &done) < 0) break;
    io_uring_cqe_seen(&ring_, done);
    --completions_missing_;
  }
  if (ring_open_) io_uring_queue_exit(&ring_);
  for (const int fd : {active_.fd, spare_.fd, event_fd_, folder_fd_}) {
    if (fd >= 0) ::close(fd);
  }
}

Result<void> Lane::start(const std::function<void(Replayed)>& visit, const Seen& seen) {
  std::error_code error;
  std::filesystem::create_directories(options_.folder, error);
  folder_fd_ = ::open(options_.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  // Two writers on one lane would destroy it: the folder is locked for the life of the process.
  if (folder_fd_ < 0 || ::flock(folder_fd_, LOCK_EX | LOCK_NB) != 0) return fail(journal_open);

  PM_TRY(Replay replay, replay_folder(options_.folder, seen));
  summary_ = replay.summary;
  sequence_ = replay.last_sequence;
  next_number_ = replay.last_number + 1;
  for (const FoundSegment& found : replay.segments) {
    // Give back the preallocation, and cut a torn tail away: nothing is ever appended to an old segment.
    if (found.size > found.used) std::filesystem::resize_file(segment_path(options_.folder, found.number), found.used, error);
    segments_[found.number] = {.size = found.used, .used = found.used};
  }
  std::vector<std::pair<std::uint64_t, Replayed>> in_order;
  for (auto& [key, found] : replay.unsettled) {
    unsettled_[key] = found.segment;
    ++segments_[found.segment].unsettled;
    in_order.emplace_back(found.sequence, Replayed{.kind = key.first, .item = key.second, .record = std::move(found.record)});
  }
  std::sort(in_order.begin(), in_order.end(), [](const auto& a, const auto& b) { return a.first < b.first; });

  if (io_uring_queue_init(ring_entries, &ring_, 0) < 0) return fail(journal_ring);
  ring_open_ = true;
  event_fd_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (event_fd_ < 0 || io_uring_register_eventfd(&ring_, event_fd_) < 0) return fail(journal_ring);

  drop_settled_segments();
  make_room();
  for (auto& [sequence, replayed] : in_order) visit(std::move(replayed));
  return {};
}

// ---- taking records -------------------------------------------------------------------------------------------------------------

const ErrorInfo* Lane::refusal_row() const {
  if (dead_ != nullptr) return dead_;
  if (active_.fd < 0 || spare_.fd < 0) return no_spare_ != nullptr ? no_spare_ : &journal_no_room;
  if (pending_size_ > pending_size_max) return &journal_behind;
  return nullptr;
}

std::string_view Lane::refusal() const {
  const ErrorInfo* row = refusal_row();
  return row != nullptr ? row->text : std::string_view{};
}

Totals Lane::totals() const {
  Totals totals = totals_;
  totals.segments = segments_.size();
  return totals;
}

void Lane::append(Kind kind, const ItemId& item, RecordWriter record, Committed committed) {
  PM_CHECK(kind != Kind::settled && kind != Kind::segment);
  if (dead_ != nullptr) return refuse(std::move(committed), *dead_);
  const ErrorInfo* row = refusal_row();
  if (row != nullptr && !finishes_what_is_there(kind)) return refuse(std::move(committed), *row);
  pending_size_ += record.size();
  pending_.push_back({.kind = kind, .item = item, .record = std::move(record), .committed = std::move(committed)});
}

void Lane::settle(Kind kind, const ItemId& item) {
  const auto found = unsettled_.find({kind, item});
  if (found == unsettled_.end()) return;
  const auto segment = segments_.find(found->second);
  unsettled_.erase(found);
  PM_CHECK(segment != segments_.end() && segment->second.unsettled > 0);
  --segment->second.unsettled;
  if (dead_ != nullptr) return;
  RecordWriter record = make(Kind::settled, item);
  record.u64(tag(Tag::settles), static_cast<std::uint64_t>(kind));
  pending_size_ += record.size();
  pending_.push_back({.kind = Kind::settled, .item = item, .record = std::move(record), .committed = {}});
}

void Lane::refuse(Committed committed, const ErrorInfo& row) {
  if (committed) refused_.emplace_back(std::move(committed), Error{&row});
}

void Lane::poll() {
  std::uint64_t count = 0;
  // Only resets the descriptor; what happened is read from the ring.
  [[maybe_unused]] const ssize_t n = ::read(event_fd_, &count, sizeof count);
  take_completions();
  if (!in_flight_ && dead_ == nullptr) {
    drop_settled_segments();
    make_room();
    start_batch();
  }
  const auto refused = std::exchange(refused_, {});
  for (const auto& [committed, error] : refused) committed(std::unexpected(error));
}

// ---- segments -------------------------------------------------------------------------------------------------------------------

std::uint64_t Lane::lane_size() const {
  std::uint64_t size = 0;
  for (const auto& [number, segment] : segments_) size += segment.size;
  return size;
}

std::optional<OpenSegment> Lane::make_segment(std::uint64_t size) {
  constexpr int tries_max = 100;
  auto path = segment_path(options_.folder, next_number_);
  int fd = -1;
  for (int tries = 0; tries < tries_max; ++tries) {
    path = segment_path(options_.folder, next_number_);
    fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    // Somebody else's file has the name (replay said which): the next one is ours.
    if (fd >= 0 || errno != EEXIST) break;
    ++next_number_;
  }
  int failure = fd < 0 ? errno : 0;
  if (fd >= 0 && ::fallocate(fd, 0, 0, static_cast<off_t>(size)) != 0) {
    failure = errno;
    // A file system that cannot preallocate gets a sparse file; a full disk is then found by the write.
    if (failure == EOPNOTSUPP) failure = ::ftruncate(fd, static_cast<off_t>(size)) == 0 ? 0 : errno;
  }
  // The sizes and the name must be on disk before a record is: fdatasync of the record would not bring the folder entry.
  if (failure == 0 && (::fsync(fd) != 0 || ::fsync(folder_fd_) != 0)) failure = errno;
  if (failure != 0) {
    if (fd >= 0) {
      ::close(fd);
      ::unlink(path.c_str());
    }
    no_spare_ = is_room_error(failure) ? &journal_no_room : &journal_write;
    return std::nullopt;
  }
  const std::uint64_t number = next_number_++;
  segments_[number] = {.size = size};
  return OpenSegment{.fd = fd, .number = number, .mark = new_mark()};
}

// Opens what is missing of active and spare; after a failure asks again once a second.
void Lane::make_room() {
  if (active_.fd < 0 && spare_.fd >= 0) active_ = std::exchange(spare_, {});
  if (active_.fd >= 0 && spare_.fd >= 0) return;
  if (no_spare_ != nullptr && clock_.now() - room_asked_ < room_retry) return;
  room_asked_ = clock_.now();
  const ErrorInfo* before = no_spare_;
  no_spare_ = nullptr;
  for (OpenSegment* missing : {&active_, &spare_}) {
    if (missing->fd >= 0) continue;
    if (lane_size() + options_.segment_size > options_.lane_size_max) {
      no_spare_ = &journal_lane_full;
      break;
    }
    const auto made = make_segment(options_.segment_size);
    if (!made) break;
    *missing = *made;
  }
  if (before == no_spare_) return;
  if (no_spare_ != nullptr) {
    log_error("journal_refuses").text("reason", no_spare_->text);
  } else {
    log_info("journal_accepts");
  }
}

void Lane::close_active() {
  Segment& segment = segments_[active_.number];
  // Give back what was preallocated and not used; failing that costs room only.
  if (::ftruncate(active_.fd, static_cast<off_t>(segment.used)) == 0) segment.size = segment.used;
  ::close(active_.fd);
  active_ = {};
}

// Makes the active segment one with room for `needed` bytes behind its own first record.
bool Lane::rotate(std::uint64_t needed) {
  if (active_.fd >= 0) close_active();
  make_room();
  if (active_.fd < 0) return false;
  Segment& segment = segments_[active_.number];
  if (segment.used + needed <= segment.size) return true;
  // A record larger than a segment gets a segment of its size.
  if (::fallocate(active_.fd, 0, 0, static_cast<off_t>(segment.used + needed)) != 0 || ::fsync(active_.fd) != 0) return false;
  segment.size = segment.used + needed;
  return true;
}

void Lane::drop_settled_segments() {
  while (!segments_.empty()) {
    const auto front = segments_.begin();
    if (front->second.unsettled > 0 || front->first == active_.number || front->first == spare_.number) return;
    ::unlink(segment_path(options_.folder, front->first).c_str());
    segments_.erase(front);
  }
}

// ---- batches --------------------------------------------------------------------------------------------------------------------

void Lane::start_batch() {
  while (!in_flight_ && !pending_.empty()) {
    const std::uint64_t front_size = size_on_disk(pending_.front());
    const Segment* segment = active_.fd >= 0 ? &segments_[active_.number] : nullptr;
    const std::uint64_t header_size = segment != nullptr && segment->used > 0 ? 0 : segment_record_size;
    if (segment == nullptr || segment->used + header_size + front_size > segment->size) {
      if (!rotate(segment_record_size + front_size)) {
        refuse_pending(no_spare_ != nullptr ? *no_spare_ : journal_no_room);
        return;
      }
    }
    Segment& room = segments_[active_.number];
    batch_first_sequence_ = sequence_;
    if (room.used == 0) {
      batch_bytes_ = segment_record(active_.number, clock_.wall(), active_.mark, ++sequence_);
    }
    while (!pending_.empty() && room.used + batch_bytes_.size() + size_on_disk(pending_.front()) <= room.size && batch_bytes_.size() < batch_size_max) {
      pending_size_ -= pending_.front().record.size();
      batch_.push_back(std::move(pending_.front()));
      pending_.pop_front();
      Pending& entry = batch_.back();
      // After a failed write what must not be lost is written again, so it keeps its writer.
      pushmail::append(batch_bytes_, ByteView(finish_sealed(is_kept(entry) ? RecordWriter(entry.record) : std::move(entry.record), active_.mark, ++sequence_)));
    }
    batch_written_ = 0;
    in_flight_ = true;
    submit_batch();
  }
}

void Lane::submit_batch() {
  const Segment& segment = segments_[active_.number];
  io_uring_sqe* write = io_uring_get_sqe(&ring_);
  io_uring_sqe* sync = io_uring_get_sqe(&ring_);
  PM_CHECK(write != nullptr && sync != nullptr);
  io_uring_prep_write(write, active_.fd, batch_bytes_.data() + batch_written_, static_cast<unsigned>(batch_bytes_.size() - batch_written_),
                      segment.used + batch_written_);
  io_uring_sqe_set_data64(write, write_mark);
  // Linked: the sync starts when the write is complete, and is cancelled when it fell short.
  write->flags |= IOSQE_IO_LINK;
  io_uring_prep_fsync(sync, active_.fd, IORING_FSYNC_DATASYNC);
  io_uring_sqe_set_data64(sync, sync_mark);
  completions_missing_ = 2;
  PM_CHECK(io_uring_submit(&ring_) == 2);
}

void Lane::take_completions() {
  io_uring_cqe* done = nullptr;
  while (in_flight_ && io_uring_peek_cqe(&ring_, &done) == 0) {
    (io_uring_cqe_get_data64(done) == write_mark ? write_result_ : sync_result_) = done->res;
    io_uring_cqe_seen(&ring_, done);
    if (--completions_missing_ == 0) finish_batch();
  }
}

void Lane::finish_batch() {
  if (write_result_ <= 0) return fail_batch(is_room_error(-write_result_) ? journal_no_room : journal_write);
  batch_written_ += static_cast<std::size_t>(write_result_);
  if (batch_written_ < batch_bytes_.size()) return submit_batch();
  // A failed sync leaves the pages clean and the disk without them: trying again would succeed and prove nothing.
  if (sync_result_ < 0) return fail_batch(journal_sync);
  commit_batch();
}

void Lane::commit_batch() {
  in_flight_ = false;
  Segment& segment = segments_[active_.number];
  segment.used += batch_bytes_.size();
  ++totals_.syncs;
  totals_.bytes += batch_bytes_.size();
  totals_.appended += batch_.size();
  batch_bytes_.clear();
  auto batch = std::exchange(batch_, {});
  for (const Pending& entry : batch) {
    if (entry.kind == Kind::settled) continue;
    const auto [place, is_new] = unsettled_.try_emplace({entry.kind, entry.item}, active_.number);
    // A later record of the same kind and item replaces the earlier one.
    if (!is_new) --segments_[std::exchange(place->second, active_.number)].unsettled;
    ++segment.unsettled;
  }
  for (const Pending& entry : batch) {
    if (entry.committed) entry.committed({});
  }
}

void Lane::fail_batch(const ErrorInfo& row) {
  in_flight_ = false;
  ++totals_.failures;
  log_error("journal_failed").text("reason", row.text).text("segment", segment_path(options_.folder, active_.number).string());
  // Nobody was told of these bytes, and they must not come back at replay.
  close_active();
  sequence_ = batch_first_sequence_;
  batch_bytes_.clear();
  auto batch = std::exchange(batch_, {});
  if (&row == &journal_no_room) {
    no_spare_ = &journal_no_room;
    room_asked_ = clock_.now();
  } else {
    dead_ = &row;
  }
  for (auto entry = batch.rbegin(); entry != batch.rend(); ++entry) {
    pending_size_ += entry->record.size();
    pending_.push_front(std::move(*entry));
  }
  refuse_pending(row);
}

// Messages are refused now; settle records, attempts and outcomes wait for room, unless the lane is dead.
void Lane::refuse_pending(const ErrorInfo& row) {
  std::deque<Pending> kept;
  for (Pending& entry : pending_) {
    if (dead_ == nullptr && is_kept(entry)) {
      kept.push_back(std::move(entry));
    } else {
      refuse(std::move(entry.committed), row);
    }
  }
  pending_ = std::move(kept);
  pending_size_ = 0;
  for (const Pending& entry : pending_) pending_size_ += entry.record.size();
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::open(const Options& options, const std::function<void(Replayed)>& visit, const Seen& seen) {
  auto lane = std::make_unique<Lane>(options);
  const auto started = lane->start(visit, seen);
  if (!started) return std::unexpected(started.error());
  return lane;
}

}  // namespace pushmail::journal
