// The lane behind the Journal interface: one active segment, a spare one, and a batch in flight.
//
//   append/settle -> pending -> [ write + fdatasync ] -> Committed, from poll()
//                                one batch in flight; what arrives meanwhile is the next one
//
// The spare segment is preallocated ahead. When it cannot be made (disk full, lane full) new messages are refused, but attempts, outcomes
// and settle records still have its predecessor's room: what was accepted can be finished on a full disk.
// A segment is dropped when nothing in it and before it is unsettled, from the front only and durably before the next one, so a settle
// record never outlives its use.
//
// A batch that could not be written or synced is cut off durably before anybody is told so; then the lane goes on in the spare segment:
//
//   batch fails ──> cut off ──> refused, the rest again in the spare ──> fails too ──> failed
//                      └── cannot be cut off ───────────────────────────────────────> failed, and nobody is told anything
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "core/contract/journal/schema.h"
#include "core/contract/journal/segment.h"
#include "core/log.h"
#include "core/storage.h"
#include "core/timers.h"
#include "core/wait_on.h"
#include "dataplane/journal/batch_writer.h"
#include "dataplane/journal/errors.h"
#include "dataplane/journal/journal.h"
#include "dataplane/journal/replay.h"

namespace pushmail::journal {

namespace {

constexpr std::uint64_t batch_size_max = 16 * limits::MiB;
constexpr std::uint64_t pending_size_max = 256 * limits::MiB;
constexpr int failures_max = 2;  // batches in a row, with a cut between them

bool is_room_error(int error) { return error == ENOSPC || error == EDQUOT || error == EFBIG; }

struct Pending {
  Kind kind;
  ItemId item;
  RecordWriter record;
  Committed committed;      // empty for settle records
  bool is_carried = false;  // out of the last batch of the life before
};

std::uint64_t size_on_disk(const Pending& entry) { return entry.record.size() + seal_size; }

// What was accepted can be finished on a full disk: attempts and outcomes wait for room, they are not refused.
bool finishes_what_is_there(Kind kind) { return kind == Kind::settled || kind == Kind::outcome || kind == Kind::attempt; }
bool is_kept(const Pending& entry) { return entry.is_carried || finishes_what_is_there(entry.kind); }

struct Segment {
  std::uint64_t size = 0;  // bytes of the file
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
  explicit Lane(const Options& options)
      : options_(options),
        clock_(options.clock != nullptr ? *options.clock : system_clock_),
        storage_(options.storage != nullptr ? *options.storage : system_storage()),
        writer_(options.writer) {}
  ~Lane() override;
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  Result<void> start(const std::function<void(Replayed)>& visit, const Seen& seen);

  void append(Kind kind, const ItemId& item, RecordWriter record, Committed committed) override;
  void settle(Kind kind, const ItemId& item) override;
  void poll() override;
  int completion_fd() const override { return writer_->completion_fd(); }
  bool needs_turn() const override { return writer_->needs_turn(); }
  std::optional<Error> failed() const override { return failed_; }
  const ReplaySummary& replayed() const override { return summary_; }
  bool accepting() const override { return refusal_row() == nullptr; }
  std::string_view refusal() const override;
  bool idle() const override { return !in_flight_ && pending_.empty() && refused_.empty(); }
  Totals totals() const override;

 private:
  [[nodiscard]] Result<void> carry(const std::vector<Bytes>& records);
  [[nodiscard]] Result<Segment> cut_tail(const FoundSegment& found);
  [[nodiscard]] const ErrorInfo* refusal_row() const;
  [[nodiscard]] std::uint64_t lane_size() const;
  [[nodiscard]] std::optional<OpenSegment> make_segment(std::uint64_t size);
  void make_room();
  [[nodiscard]] bool rotate(std::uint64_t needed);
  void close_active();
  void start_batch();
  void prove_last_batch();
  [[nodiscard]] Bytes first_record(const Segment& segment);
  void write_batch(std::uint64_t offset);
  void finish_batch(const BatchOutcome& outcome);
  void commit_batch();
  void fail_batch(const Error& why);
  [[nodiscard]] Result<void> cut_batch();
  void refuse(Committed committed, const Error& why);
  void refuse_pending(const Error& why);
  void drop_settled_segments();

  Options options_;
  SystemClock system_clock_;
  const Clock& clock_;
  Storage& storage_;
  std::unique_ptr<BatchWriter> own_writer_;
  BatchWriter* writer_;
  int folder_fd_ = -1;
  Carried carried_;
  ReplaySummary summary_;
  Totals totals_;

  std::map<std::uint64_t, Segment> segments_;  // by number, active and spare included
  std::map<Key, Place> unsettled_;             // offsets as the replay found them; of what was written since, of its batch
  OpenSegment active_;
  OpenSegment spare_;
  bool is_reading_ = true;  // a start, which reads segments a second time: none may go
  std::uint64_t next_number_ = 1;
  std::uint64_t sequence_ = 0;

  std::deque<Pending> pending_;
  std::uint64_t pending_size_ = 0;
  std::vector<Pending> batch_;  // what batch_bytes_ holds; without the segment record
  Bytes batch_bytes_;
  std::uint64_t batch_offset_ = 0;
  std::uint64_t batch_first_sequence_ = 0;
  bool in_flight_ = false;
  bool is_proven_ = true;  // nothing was written behind the last batch record
  Instant committed_at_{};

  std::vector<std::pair<Committed, Error>> refused_;
  int failures_in_a_row_ = 0;
  std::optional<Error> failed_;
  std::optional<Error> no_spare_;  // why the spare could not be made
  Instant room_asked_{};
  Instant removal_asked_{};
};

Lane::~Lane() {
  if (!in_flight_ && !failed_) prove_last_batch();
  // A batch in flight has batch_bytes_ and a descriptor of ours.
  while (in_flight_ && !writer_->poll()) {
    pollfd ready{.fd = writer_->completion_fd(), .events = POLLIN, .revents = 0};
    wait_on({&ready, 1}, writer_->needs_turn() ? 1 : -1);
  }
  for (const int fd : {active_.fd, spare_.fd, folder_fd_}) {
    if (fd >= 0) storage_.close(fd);
  }
}

Result<void> Lane::start(const std::function<void(Replayed)>& visit, const Seen& seen) {
  PM_TRY_VOID(make_folders(storage_, options_.folder));
  folder_fd_ = storage_.open(options_.folder, O_RDONLY | O_DIRECTORY, 0);
  if (folder_fd_ < 0) return fail_os(journal_open, -folder_fd_);
  // Two writers on one lane would destroy it: the folder is locked for the life of the process.
  if (::flock(folder_fd_, LOCK_EX | LOCK_NB) != 0) return fail_os(journal_open, errno);
  if (writer_ == nullptr) {
    PM_TRY(own_writer_, open_uring_writer(clock_));
    writer_ = own_writer_.get();
  }

  SegmentBuffer buffer;
  PM_TRY(Replay replay, replay_folder(storage_, options_.folder, buffer, seen));
  summary_ = replay.summary;
  sequence_ = replay.last_sequence;
  next_number_ = replay.last_number + 1;
  carried_ = replay.carried;
  for (const FoundSegment& found : replay.segments) {
    PM_TRY(segments_[found.number], cut_tail(found));
  }
  is_proven_ = summary_.records == 0;
  const std::vector<Place> places = in_order(replay.unsettled);
  unsettled_ = std::move(replay.unsettled);
  for (const auto& [key, place] : unsettled_) ++segments_[place.segment].unsettled;

  make_room();
  PM_TRY_VOID(carry(replay.unproven));
  // Only now: what is visited is believed. And no segment has gone yet, though carrying may have settled one.
  PM_TRY_VOID(visit_unsettled(storage_, options_.folder, places, buffer, visit));
  is_reading_ = false;
  drop_settled_segments();
  return {};
}

/// The last batch of the life before is in the page cache, and a sync says that it is on disk. But where its own sync failed, and the
/// process ended for that reason, the kernel has forgotten that it is not: so it is written once more. On a full disk it waits for room.
Result<void> Lane::carry(const std::vector<Bytes>& records) {
  for (const Bytes& bytes : records) {
    const Parsed<RecordView> parsed = parse_record(bytes);
    PM_CHECK(parsed.is_done());
    const auto kind = static_cast<Kind>(parsed.value().header().kind);
    const ItemId item = parsed.value().header().item;
    if (kind != Kind::settled && !unsettled_.contains({kind, item})) continue;
    RecordWriter copy = make(kind, item);
    parsed.value().for_each([&](std::uint16_t field, ByteView value) {
      if (field != tag(Tag::seal)) copy.bytes(field, value);
    });
    pending_size_ += copy.size();
    pending_.push_back({.kind = kind, .item = item, .record = std::move(copy), .committed = {}, .is_carried = true});
  }
  while (!idle() && refusal_row() == nullptr) {
    poll();
    if (failed_) return std::unexpected(*failed_);
    pollfd ready{.fd = writer_->completion_fd(), .events = POLLIN, .revents = 0};
    if (in_flight_) wait_on({&ready, 1}, writer_->needs_turn() ? 1 : -1);
  }
  return {};
}

/// Gives back the preallocation, and cuts a torn tail away: nothing is ever appended to an old segment.
Result<Segment> Lane::cut_tail(const FoundSegment& found) {
  // The evidence that could not be copied is one record more that keeps the segment.
  const Segment segment{.size = found.size, .used = found.used, .unsettled = found.is_evidence ? 1u : 0u};
  if (found.size == found.used) return segment;
  const Descriptor opened(storage_, storage_.open(segment_path(options_.folder, found.number), O_WRONLY, 0));
  if (opened.get() < 0) return fail_os(journal_write, -opened.get());
  // Not synced: comes it back, it is named as what it is by the next segment's first record.
  if (const int cut = storage_.truncate(opened.get(), found.used); cut < 0) return fail_os(journal_write, -cut);
  return Segment{.size = found.used, .used = found.used, .unsettled = segment.unsettled};
}

// ---- taking records -------------------------------------------------------------------------------------------------------------

const ErrorInfo* Lane::refusal_row() const {
  if (active_.fd < 0 || spare_.fd < 0) return no_spare_ ? no_spare_->info : &journal_no_room;
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
  PM_CHECK(kind != Kind::settled && kind != Kind::segment && kind != Kind::batch);
  if (failed_) return;
  const ErrorInfo* row = refusal_row();
  if (row != nullptr && !finishes_what_is_there(kind))
    return refuse(std::move(committed), no_spare_ && no_spare_->info == row ? *no_spare_ : Error{row});
  pending_size_ += record.size();
  pending_.push_back({.kind = kind, .item = item, .record = std::move(record), .committed = std::move(committed)});
}

void Lane::settle(Kind kind, const ItemId& item) {
  const auto found = unsettled_.find({kind, item});
  if (found == unsettled_.end()) return;
  const auto segment = segments_.find(found->second.segment);
  unsettled_.erase(found);
  PM_CHECK(segment != segments_.end() && segment->second.unsettled > 0);
  --segment->second.unsettled;
  if (failed_) return;
  RecordWriter record = make(Kind::settled, item);
  record.u64(tag(Tag::settles), static_cast<std::uint64_t>(kind));
  pending_size_ += record.size();
  pending_.push_back({.kind = Kind::settled, .item = item, .record = std::move(record), .committed = {}});
}

void Lane::refuse(Committed committed, const Error& why) {
  if (committed) refused_.emplace_back(std::move(committed), why);
}

void Lane::poll() {
  if (failed_) return;
  if (const auto outcome = writer_->poll()) finish_batch(*outcome);
  if (!in_flight_ && !failed_) {
    drop_settled_segments();
    make_room();
    start_batch();
    if (!in_flight_ && !is_proven_ && clock_.now() - committed_at_ >= timers::journal_proof) prove_last_batch();
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
  int fd = -EEXIST;
  // Somebody else's file has the name (replay said which): the next one is ours.
  for (int tries = 0; fd == -EEXIST && tries < tries_max; ++tries) {
    if (tries > 0) path = segment_path(options_.folder, ++next_number_);
    fd = storage_.open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
  }
  int result = fd;
  if (result >= 0) result = storage_.allocate(fd, size);
  // The name must be on disk before a record is: fdatasync of the record brings the file's size, but not its folder's entry.
  if (result >= 0) result = storage_.sync(folder_fd_, Sync::segment_named);
  if (result < 0) {
    if (fd >= 0) {
      storage_.close(fd);
      (void)storage_.remove(path);
    }
    no_spare_ = Error{.info = is_room_error(-result) ? &journal_no_room : &journal_write, .at = 0, .os = -result};
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
  if (no_spare_ && clock_.now() - room_asked_ < timers::journal_room) return;
  room_asked_ = clock_.now();
  const auto before = std::exchange(no_spare_, std::nullopt);
  for (OpenSegment* missing : {&active_, &spare_}) {
    if (missing->fd >= 0) continue;
    if (lane_size() + options_.segment_size > options_.lane_size_max) {
      no_spare_ = Error{&journal_lane_full};
      break;
    }
    const auto made = make_segment(options_.segment_size);
    if (!made) break;
    *missing = *made;
  }
  if (before.has_value() == no_spare_.has_value() && (!before || before->info == no_spare_->info)) return;
  if (no_spare_) {
    log_error("journal_refuses").text("folder", options_.folder.string()).error(*no_spare_);
  } else {
    log_info("journal_accepts");
  }
}

void Lane::close_active() {
  Segment& segment = segments_[active_.number];
  // Give back what was preallocated and not used; failing that costs room only.
  if (storage_.truncate(active_.fd, segment.used) >= 0) segment.size = segment.used;
  storage_.close(active_.fd);
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
  if (const int result = storage_.allocate(active_.fd, segment.used + needed); result < 0) {
    no_spare_ = Error{.info = is_room_error(-result) ? &journal_no_room : &journal_write, .at = 0, .os = -result};
    return false;
  }
  segment.size = segment.used + needed;
  return true;
}

void Lane::drop_settled_segments() {
  while (!is_reading_ && !segments_.empty()) {
    const auto front = segments_.begin();
    if (front->second.unsettled > 0 || front->first == active_.number || front->first == spare_.number) return;
    if (removal_asked_.ns != 0 && clock_.now() - removal_asked_ < timers::journal_room) return;
    const auto path = segment_path(options_.folder, front->first);
    int result = storage_.remove(path);
    if (result == -ENOENT) result = 0;
    // Durable before the next one goes: were that one gone and this one not, what it says is settled would come back.
    if (result >= 0) result = storage_.sync(folder_fd_, Sync::segment_removed);
    if (result < 0) {
      removal_asked_ = clock_.now();
      log_error("journal_segment_stays").text("segment", path.string()).os_error(-result);
      return;
    }
    removal_asked_ = {};
    segments_.erase(front);
  }
}

// ---- batches --------------------------------------------------------------------------------------------------------------------

void Lane::start_batch() {
  while (!in_flight_ && !pending_.empty()) {
    const std::uint64_t front_size = size_on_disk(pending_.front());
    const auto offset_in = [](const Segment& segment) { return next_sector(segment.used); };
    const Segment* segment = active_.fd >= 0 ? &segments_[active_.number] : nullptr;
    if (segment == nullptr || offset_in(*segment) + segment_record_size + front_size > segment->size) {
      if (!rotate(segment_record_size + front_size)) {
        refuse_pending(no_spare_.value_or(Error{&journal_no_room}));
        return;
      }
    }
    Segment& room = segments_[active_.number];
    const std::uint64_t offset = offset_in(room);
    batch_first_sequence_ = sequence_;
    pushmail::append(batch_bytes_, ByteView(first_record(room)));
    while (!pending_.empty() && offset + batch_bytes_.size() + size_on_disk(pending_.front()) <= room.size &&
           batch_bytes_.size() < batch_size_max) {
      pending_size_ -= pending_.front().record.size();
      batch_.push_back(std::move(pending_.front()));
      pending_.pop_front();
      Pending& entry = batch_.back();
      // After a failed write what must not be lost is written again, so it keeps its writer.
      pushmail::append(batch_bytes_, ByteView(finish_sealed(is_kept(entry) ? RecordWriter(entry.record) : std::move(entry.record),
                                                            active_.mark, ++sequence_)));
    }
    write_batch(offset);
  }
}

/// A batch without records of anybody's: what is broken in the one before is damage from now on, not a torn write.
void Lane::prove_last_batch() {
  if (is_proven_ || active_.fd < 0) return;
  const Segment& segment = segments_[active_.number];
  const std::uint64_t offset = next_sector(segment.used);
  is_proven_ = true;
  if (offset + sector_size > segment.size) return;
  batch_first_sequence_ = sequence_;
  pushmail::append(batch_bytes_, ByteView(first_record(segment)));
  write_batch(offset);
}

Bytes Lane::first_record(const Segment& segment) {
  if (segment.used > 0) return batch_record(active_.mark, ++sequence_);
  return segment_record(active_.number, clock_.wall(), carried_, active_.mark, ++sequence_);
}

void Lane::write_batch(std::uint64_t offset) {
  batch_offset_ = offset;
  in_flight_ = true;
  writer_->start(active_.fd, batch_bytes_, offset);
}

void Lane::finish_batch(const BatchOutcome& outcome) {
  if (outcome.write != 0)
    return fail_batch({.info = is_room_error(outcome.write) ? &journal_no_room : &journal_write, .at = 0, .os = outcome.write});
  // A failed sync leaves the pages clean and the disk without them: trying again would succeed and prove nothing.
  if (outcome.sync != 0) return fail_batch({.info = &journal_sync, .at = 0, .os = outcome.sync});
  commit_batch();
}

void Lane::commit_batch() {
  in_flight_ = false;
  failures_in_a_row_ = 0;
  is_proven_ = batch_.empty();
  committed_at_ = clock_.now();
  Segment& segment = segments_[active_.number];
  segment.used = batch_offset_ + batch_bytes_.size();
  ++totals_.syncs;
  totals_.bytes += batch_bytes_.size();
  totals_.appended += batch_.size();
  batch_bytes_.clear();
  auto batch = std::exchange(batch_, {});
  for (const Pending& entry : batch) {
    // What was settled while it waited to be carried stays so.
    if (entry.kind == Kind::settled || (entry.is_carried && !unsettled_.contains({entry.kind, entry.item}))) continue;
    const Place written{.segment = active_.number, .offset = batch_offset_};
    const auto [place, is_new] = unsettled_.try_emplace({entry.kind, entry.item}, written);
    // A later record of the same kind and item replaces the earlier one.
    if (!is_new) --segments_[std::exchange(place->second, written).segment].unsettled;
    ++segment.unsettled;
  }
  for (const Pending& entry : batch) {
    if (entry.committed) entry.committed({});
  }
}

void Lane::fail_batch(const Error& why) {
  in_flight_ = false;
  ++totals_.failures;
  log_error("journal_failed").text("segment", segment_path(options_.folder, active_.number).string()).error(why);
  // Nobody was told of these bytes, and they must not come back at replay: not even after a power cut, once they are refused.
  if (const auto cut = cut_batch(); !cut) {
    failed_ = cut.error();
    return;
  }
  sequence_ = batch_first_sequence_;
  batch_bytes_.clear();
  is_proven_ = true;
  auto batch = std::exchange(batch_, {});
  if (why.info == &journal_no_room) {
    no_spare_ = why;
    room_asked_ = clock_.now();
  } else if (++failures_in_a_row_ >= failures_max) {
    failed_ = why;
  }
  for (auto entry = batch.rbegin(); entry != batch.rend(); ++entry) {
    pending_size_ += entry->record.size();
    pending_.push_front(std::move(*entry));
  }
  refuse_pending(why);
}

Result<void> Lane::cut_batch() {
  Segment& segment = segments_[active_.number];
  const auto path = segment_path(options_.folder, active_.number);
  int result = storage_.truncate(active_.fd, segment.used);
  if (result >= 0) result = storage_.sync(active_.fd, Sync::segment_cut);
  storage_.close(active_.fd);
  active_ = {};
  segment.size = segment.used;
  if (result >= 0) return {};
  const Error why{.info = &journal_cut, .at = 0, .os = -result};
  log_error("journal_failed").text("segment", path.string()).error(why);
  return std::unexpected(why);
}

// Messages are refused now; settle records, attempts and outcomes wait for another segment.
void Lane::refuse_pending(const Error& why) {
  std::deque<Pending> kept;
  for (Pending& entry : pending_) {
    if (is_kept(entry)) {
      kept.push_back(std::move(entry));
    } else {
      refuse(std::move(entry.committed), why);
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
