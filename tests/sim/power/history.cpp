#include "tests/sim/power/history.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/contract/journal/schema.h"
#include "core/contract/journal/segment.h"
#include "core/record.h"

namespace pushmail::power {

namespace {

constexpr std::uint64_t segment_size = 64 * 1024;
constexpr int steps_least = 25, steps_most = 70;
const fs::path lane_name = "journal/lane-0";
const fs::path state_name = "state/last-known";

using journal::Kind;

ItemId item_number(std::uint32_t n) {
  ItemId id;
  store(id.bytes.data() + 12, n, std::endian::big);
  return id;
}

}  // namespace

History::History(const fs::path& root, std::uint64_t seed, std::optional<Sync> left_out)
    : root_(root), random_(seed), recorder_(root, left_out), writer_(recorder_) {
  fs::remove_all(root);
  fs::create_directories(root);
}

void History::live() {
  start();
  const int steps = steps_least + static_cast<int>(random_() % (steps_most - steps_least));
  for (int step = 0; step < steps; ++step) {
    if (!journal_) start();
    switch (random_() % 16) {
      case 0:
      case 1:
      case 2:
      case 3:
        for (std::uint64_t n = random_() % 6 + 1; n > 0; --n) append();
        if (random_() % 4 != 0) run();
        break;
      case 4:
      case 5:
      case 6:
        for (std::uint64_t n = random_() % 8 + 1; n > 0; --n) settle();
        if (random_() % 4 != 0) run();
        break;
      case 7:
        turn();
        break;
      case 8:
        clock_.at = clock_.at + seconds(2);
        run();
        break;
      case 9:
        kill();
        break;
      case 10:
        append();
        turn();
        kill();
        break;
      case 11:
        stop();
        break;
      case 12:
        writer_.fail_next(random_() % 2 == 0 ? RecordingWriter::Fails::write : RecordingWriter::Fails::sync);
        if (random_() % 4 == 0) recorder_.fail_next_cut();
        append();
        run();
        break;
      case 13:
      case 14:
        write_state();
        break;
      case 15:
        stop();
        if (random_() % 3 == 0) rot();
        break;
    }
  }
  if (journal_) run();
  kill();
}

void History::start() {
  recorder_.restart();
  auto opened = journal::Journal::open({.folder = root_ / lane_name,
                                        .segment_size = segment_size,
                                        .lane_size_max = 1ULL << 30,
                                        .clock = &clock_,
                                        .storage = &recorder_,
                                        .writer = &writer_},
                                       [&](const journal::Replayed& found) {
                                         // From here on it is ours: its sender asks again, and is told that it was accepted.
                                         Told& told = told_[found.item];
                                         if (!told.acknowledged) told.acknowledged = recorder_.position();
                                       });
  PM_CHECK(opened.has_value());
  journal_ = std::move(*opened);
  // What rotted in a batch that was carried, or in a segment that nobody needed, is no damage.
  std::erase_if(rots_, [&](const Rot& rot) { return !rot.seen && !is_in_quarantine(rot.bytes); });
  for (Rot& rot : rots_) {
    if (!rot.seen) rot.seen = recorder_.position();
  }
}

bool History::is_in_quarantine(ByteView bytes) const {
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(root_ / lane_name / "quarantine", none)) {
    PlainStorage storage;
    const auto file = read_file(storage, entry.path());
    if (file && !std::ranges::search(*file, bytes).empty()) return true;
  }
  return false;
}

void History::stop() {
  if (!journal_) return;
  run();
  journal_.reset();
}

void History::kill() {
  recorder_.kill();
  journal_.reset();
  writer_.fail_next(RecordingWriter::Fails::nothing);
  settling_.clear();
  recorder_.restart();
}

void History::append() {
  if (!journal_) return;
  const ItemId item = item_number(++last_item_);
  const std::uint64_t drawn = random_() % 100;
  const std::size_t size = drawn < 60 ? random_() % 600 : drawn < 95 ? random_() % 12'000 : random_() % (segment_size + segment_size / 2);
  Bytes body(size);
  for (std::uint8_t& byte : body) byte = static_cast<std::uint8_t>(random_());
  RecordWriter record = journal::make(Kind::accepted_mm7, item);
  record.bytes(journal::tag(journal::Tag::body), body);
  told_[item];
  journal_->append(Kind::accepted_mm7, item, std::move(record), [this, item](const Result<void>& result) {
    (result ? told_[item].acknowledged : told_[item].refused) = recorder_.position();
  });
}

void History::settle() {
  if (!journal_) return;
  // From the oldest on, mostly: segments have to go.
  for (auto& [item, told] : told_) {
    if (!told.acknowledged || told.settle_asked || random_() % 5 == 0) continue;
    told.settle_asked = recorder_.position();
    settling_.push_back(item);
    journal_->settle(Kind::accepted_mm7, item);
    return;
  }
}

/// As the I/O thread does it, until nothing is left to do; the process ends when its journal has failed.
void History::run() {
  for (int i = 0; i < 1000 && journal_ && !journal_->idle(); ++i) turn();
  if (!journal_) return;
  for (const ItemId& item : settling_) told_[item].settle_durable = recorder_.position();
  settling_.clear();
}

void History::turn() {
  if (!journal_) return;
  journal_->poll();
  if (journal_->failed()) kill();
}

void History::write_state() {
  Bytes content(random_() % 9'000 + 1);
  for (std::uint8_t& byte : content) byte = static_cast<std::uint8_t>(random_());
  const std::size_t begun = recorder_.position();
  PM_CHECK(make_folders(recorder_, (root_ / state_name).parent_path()).has_value());
  PM_CHECK(replace_file(recorder_, root_ / state_name, content, 0600).has_value());
  states_.push_back({.begun = begun, .done = recorder_.position(), .content = std::move(content)});
}

/// A few bytes of a message that is durable are others from now on, on the platter.
void History::rot() {
  std::vector<fs::path> segments;
  for (const auto& entry : fs::directory_iterator(root_ / lane_name)) {
    if (entry.path().extension() == ".segment" && entry.file_size() > journal::segment_record_size) segments.push_back(entry.path());
  }
  if (segments.empty()) return;
  const fs::path& segment = segments[random_() % segments.size()];
  const auto bytes = read_file(recorder_, segment);
  PM_CHECK(bytes.has_value());
  std::vector<std::pair<std::size_t, std::size_t>> bodies;  // where a record's body may be spoilt, and how much of it there is
  std::vector<ItemId> items;
  const journal::SegmentScan scan = journal::scan_segment(*bytes, [&](const RecordView& record) {
    if (record.header().kind != static_cast<std::uint16_t>(Kind::accepted_mm7) || record.header().length < 300) return;
    const auto at = static_cast<std::size_t>(record.whole().data() - bytes->data());
    bodies.emplace_back(at + record_header_size + 20, record.header().length - record_header_size - 60);
    items.push_back(record.header().item);
  });
  // What is broken in a batch that nobody was told of is no damage.
  while (!bodies.empty() && bodies.back().first > scan.proven) bodies.pop_back();
  if (bodies.empty()) return;
  const std::size_t drawn = random_() % bodies.size();
  Bytes noise(32);
  for (std::uint8_t& byte : noise) byte = static_cast<std::uint8_t>(random_());
  const int fd = recorder_.open(segment, O_WRONLY, 0);
  PM_CHECK(fd >= 0);
  const std::size_t begun = recorder_.position();
  rotten_.try_emplace(items[drawn], begun);
  if (!first_rot_) first_rot_ = begun;
  recorder_.write_at(fd, noise, bodies[drawn].first + random_() % (bodies[drawn].second - noise.size()));
  recorder_.sync_platter(fd);
  recorder_.close(fd);
  rots_.push_back({.at = begun, .bytes = std::move(noise), .seen = {}});
}

// ---- what may be expected -----------------------------------------------------------------------------------------------------------

std::string History::judge(const fs::path& root, const Disk& disk, std::size_t position) const {
  const auto before = [&](const std::optional<std::size_t>& at) { return at && *at <= position; };
  // The state file: the last that was written, or one that was being written.
  if (const auto last = std::find_if(states_.rbegin(), states_.rend(), [&](const State& each) { return each.done <= position; });
      last != states_.rend()) {
    const auto file = disk.files.find(state_name.string());
    if (file == disk.files.end()) return "the state file is gone";
    const bool is_new = std::ranges::any_of(
        states_, [&](const State& each) { return each.done > position && each.begun < position && each.content == file->second; });
    if (file->second != last->content && !is_new) return "the state file is not the last one written";
  }
  for (const Rot& rot : rots_) {
    if (rot.at > position) continue;
    const auto holds = [&](const auto& file) { return !std::ranges::search(file.second, rot.bytes).empty(); };
    if (before(rot.seen) && std::ranges::none_of(disk.files, holds)) return "the evidence of a damaged record is gone";
  }

  disk.write_below(root);
  std::set<ItemId> found;
  for (int starts = 1; starts <= 3; ++starts) {
    PlainStorage storage;
    PlainWriter writer;
    found.clear();
    const auto opened = journal::Journal::open({.folder = root / lane_name,
                                                .segment_size = segment_size,
                                                .lane_size_max = 1ULL << 30,
                                                .clock = &clock_,
                                                .storage = &storage,
                                                .writer = &writer},
                                               [&](const journal::Replayed& each) { found.insert(each.item); });
    if (!opened) return fmt::format("start {}: {}", starts, opened.error().info->name);
    if (!before(first_rot_) && (*opened)->replayed().damaged != 0) return fmt::format("start {} calls a power cut damage", starts);
    for (const auto& [item, told] : told_) {
      const auto rotten = rotten_.find(item);
      if (rotten != rotten_.end() && rotten->second <= position) continue;
      if (before(told.acknowledged) && !before(told.settle_asked) && !found.contains(item))
        return fmt::format("start {}: {} was acknowledged (at {}) and is lost", starts, to_string(item), *told.acknowledged);
      if (before(told.settle_durable) && found.contains(item))
        return fmt::format("start {}: {} was settled and is back", starts, to_string(item));
      if (before(told.refused) && found.contains(item)) return fmt::format("start {}: {} was refused and is back", starts, to_string(item));
    }
    // The second start is behind a life in which nothing happened; the third behind one that wrote something.
    if (starts == 2) {
      RecordWriter record = journal::make(Kind::outcome, item_number(0xFFFF'FFFF));
      (*opened)->append(Kind::outcome, item_number(0xFFFF'FFFF), std::move(record), [](const Result<void>&) {});
      while (!(*opened)->idle()) (*opened)->poll();
    }
  }
  return {};
}

}  // namespace pushmail::power
