#include "dataplane/journal/replay.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <optional>
#include <set>

#include "core/ascii.h"
#include "core/contract/journal/schema.h"
#include "core/contract/journal/segment.h"
#include "core/log.h"
#include "core/versions.h"
#include "dataplane/journal/errors.h"

namespace pushmail::journal {

namespace {

constexpr std::string_view suffix = ".segment";

// More segments than a lane ever makes. A file with a higher number would leave none for those to come.
constexpr std::uint64_t number_max = std::uint64_t{1} << 48;

std::optional<std::uint64_t> number_of(const std::filesystem::path& file) {
  const std::string name = file.filename().string();
  if (name.size() != 16 + suffix.size() || !name.ends_with(suffix)) return std::nullopt;
  const auto number = parse_number<std::uint64_t>(std::string_view(name).substr(0, 16), 16);
  return number && *number <= number_max ? number : std::nullopt;
}

// A start that lacks a descriptor or memory for a moment, or a disk that says no once, is no reason to stay away.
constexpr int tries_max = 3;
constexpr int try_again_ms = 200;

/// A call that gives a Result, made again when it failed.
template <class Call>
auto tried(Call call) {
  auto result = call();
  for (int tries = 1; !result && tries < tries_max; ++tries) {
    log_warning("journal_read_again").number("tries", tries).error(result.error());
    ::poll(nullptr, 0, try_again_ms);
    result = call();
  }
  return result;
}

/// The name of a segment that cannot be read is what the person at the machine needs; errors carry none.
std::unexpected<Error> give_up(const std::filesystem::path& file, const Error& why) {
  log_error("journal_unreadable").text("file", file.string()).error(why);
  return fail_os(journal_read, why.os);
}

/// All of it is on disk, with its name, before the segment may go.
Result<void> copy_to_quarantine(Storage& storage, const std::filesystem::path& file, ByteView bytes) {
  PM_TRY_VOID(make_folders(storage, file.parent_path()));
  {
    const Descriptor made(storage, storage.open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600));
    if (made.get() < 0) return fail_os(journal_write, -made.get());
    if (const int written = storage.write(made.get(), bytes); written < 0) return fail_os(journal_write, -written);
    if (const int synced = storage.sync(made.get(), Sync::quarantine_file); synced < 0) return fail_os(journal_write, -synced);
  }
  return sync_folder(storage, file.parent_path(), Sync::quarantine_named);
}

std::filesystem::path quarantine_path(const std::filesystem::path& folder, std::uint64_t segment, const Broken& broken) {
  return folder / "quarantine" / fmt::format("{:016x}-{}.bytes", segment, broken.offset);
}

/// Records of the lane's own, about no item.
class Reader {
 public:
  Reader(Replay& replay, const Seen& seen) : replay_(replay), seen_(seen) {}

  void take(const Place& place, const RecordView& record) {
    const auto kind = static_cast<Kind>(record.header().kind);
    ++replay_.summary.records;
    replay_.last_sequence = std::max(replay_.last_sequence, record.header().sequence);
    if (is_frame(kind)) return batch_.clear();
    batch_.push_back(record.whole());
    if (kind == Kind::settled) {
      const auto settles = record.u64(tag(Tag::settles));
      if (settles) replay_.unsettled.erase({static_cast<Kind>(*settles), record.header().item});
    } else {
      // Ids begin with the time, so that nearly every record belongs at the end.
      replay_.unsettled.insert_or_assign(replay_.unsettled.end(), {kind, record.header().item}, place);
    }
    if (seen_) seen_(record);
  }
  /// Records of this segment since the last one that proves something, in the segment's bytes.
  std::vector<ByteView> take_batch() { return std::exchange(batch_, {}); }

 private:
  Replay& replay_;
  std::vector<ByteView> batch_;
  const Seen& seen_;
};

}  // namespace

std::filesystem::path segment_path(const std::filesystem::path& folder, std::uint64_t number) {
  return folder / fmt::format("{:016x}{}", number, suffix);
}

namespace {

struct Listed {
  std::vector<std::uint64_t> numbers;  // in order
  std::set<std::uint64_t> not_ours;    // numbers that new segments stepped over
};

Result<Listed> list_folder(const std::filesystem::path& folder) {
  Listed listed;
  std::error_code error;
  for (auto entry = std::filesystem::directory_iterator(folder, error); !error && entry != std::filesystem::directory_iterator();
       entry.increment(error)) {
    const auto number = number_of(entry->path());
    // A lane makes plain files. What else somebody put there is neither read nor followed, nor in the way: new segments step over its name.
    std::error_code unknown;
    const bool is_plain = entry->symlink_status(unknown).type() == std::filesystem::file_type::regular;
    if (unknown) return give_up(entry->path(), {.info = &journal_read, .at = 0, .os = unknown.value()});
    if (number && is_plain) {
      listed.numbers.push_back(*number);
    } else if (entry->path().extension() == suffix) {
      if (number) listed.not_ours.insert(*number);
      log_error("journal_no_segment").text("file", entry->path().string());
    }
  }
  if (error) return give_up(folder, {.info = &journal_read, .at = 0, .os = error.value()});
  std::sort(listed.numbers.begin(), listed.numbers.end());
  return listed;
}

/// What a killed process wrote may be in the page cache only, where the replay would find it and the next power cut would not.
Result<void> make_durable(Storage& storage, const std::filesystem::path& folder, const std::vector<std::uint64_t>& numbers) {
  for (const std::uint64_t number : numbers) {
    const auto file = segment_path(folder, number);
    const auto fd = tried([&]() -> Result<int> {
      const int opened = storage.open(file, O_RDONLY, 0);
      return opened < 0 ? Result<int>(fail_os(journal_read, -opened)) : opened;
    });
    if (!fd) return give_up(file, fd.error());
    // Once: a sync that failed and then succeeds proves nothing.
    const int synced = storage.sync(*fd, Sync::segment_replayed);
    storage.close(*fd);
    if (synced < 0) return give_up(file, {.info = &journal_sync, .at = 0, .os = -synced});
  }
  return sync_folder(storage, folder, Sync::segment_replayed);
}

/// The first record of a segment, if it is there.
Result<std::optional<Carried>> read_segment_record(Storage& storage, const std::filesystem::path& file) {
  const Descriptor opened(storage, storage.open(file, O_RDONLY, 0));
  if (opened.get() < 0) return fail_os(journal_read, -opened.get());
  std::array<std::uint8_t, segment_record_size> page{};
  const ssize_t size = storage.read(opened.get(), page);
  if (size < 0) return fail_os(journal_read, static_cast<int>(-size));
  const auto record = parse_record(ByteView(page).first(static_cast<std::size_t>(size)));
  if (!record.is_done() || record.value().header().kind != static_cast<std::uint16_t>(Kind::segment)) return std::optional<Carried>();
  return std::optional(carried_by(record.value()));
}

/// From which offset on a later segment has what was left of this one.
std::uint64_t carried_from(const Carried& by_later, std::uint64_t number, std::uint64_t size) {
  if (by_later.segment == 0 || number < by_later.segment) return size;
  return number == by_later.segment ? by_later.from : 0;
}

/// What each segment says of the ones before it. A segment whose first record is there proves that all before it were whole.
Result<std::map<std::uint64_t, Carried>> read_segment_records(Storage& storage, const std::filesystem::path& folder,
                                                              const std::vector<std::uint64_t>& numbers) {
  std::map<std::uint64_t, Carried> records;
  for (const std::uint64_t number : numbers) {
    const auto file = segment_path(folder, number);
    const auto carried = tried([&] { return read_segment_record(storage, file); });
    if (!carried) return give_up(file, carried.error());
    if (*carried) records[number] = **carried;
  }
  return records;
}

}  // namespace

Result<Replay> replay_folder(Storage& storage, const std::filesystem::path& folder, SegmentBuffer& buffer, const Seen& seen) {
  PM_TRY(const Listed listed, tried([&] { return list_folder(folder); }));
  PM_TRY_VOID(make_durable(storage, folder, listed.numbers));
  PM_TRY(const auto segment_records, read_segment_records(storage, folder, listed.numbers));

  Replay replay;
  if (!listed.numbers.empty()) replay.last_number = listed.numbers.back();
  Reader reader(replay, seen);
  for (const std::uint64_t number : listed.numbers) {
    // Segments are dropped from the front only, so a hole in the numbers is a file that somebody took away.
    if (!replay.segments.empty() && number != replay.segments.back().number + 1) {
      const std::uint64_t before = replay.segments.back().number;
      const auto stepped_over =
          static_cast<std::uint64_t>(std::distance(listed.not_ours.upper_bound(before), listed.not_ours.lower_bound(number)));
      if (const std::uint64_t missing = number - before - 1 - stepped_over; missing > 0) {
        replay.summary.damaged += missing;
        log_error("journal_segment_missing").text("before", segment_path(folder, number).string());
      }
    }
    const auto path = segment_path(folder, number);
    const auto bytes = tried([&] { return buffer.read(storage, path); });
    if (!bytes) return give_up(path, bytes.error());
    const SegmentScan scan = scan_segment(*bytes, [&](const RecordView& record) {
      reader.take({.segment = number, .offset = static_cast<std::uint64_t>(record.whole().data() - bytes->data())}, record);
    });

    const std::vector<ByteView> last_batch = reader.take_batch();
    const auto later = segment_records.upper_bound(number);
    const bool is_last = later == segment_records.end();
    // From where on broken bytes are those of a batch that nobody was told of.
    const std::uint64_t vouched_until = is_last ? scan.proven : carried_from(later->second, number, bytes->size());
    const bool is_unproven = is_last && (!last_batch.empty() || scan.end < bytes->size() || !scan.broken.empty());
    if (is_unproven && replay.carried.segment == 0) replay.carried = {.segment = number, .from = vouched_until};
    if (is_last) {
      for (const ByteView record : last_batch) replay.unproven.emplace_back(record.begin(), record.end());
    }
    FoundSegment found{.number = number, .used = scan.end, .size = bytes->size()};
    std::vector<Broken> broken = scan.broken;
    if (scan.tail_size > 0) broken.push_back({.offset = scan.tail_offset, .size = scan.tail_size});
    for (const Broken& each : broken) {
      const bool is_tail = scan.tail_size > 0 && each.offset == scan.tail_offset;
      const bool is_torn = each.offset >= vouched_until;
      LogEvent line = is_torn ? log_info(is_tail ? "journal_torn_tail" : "journal_torn_batch") : log_error("journal_damage");
      line.text("segment", path.string())
          .number("offset", static_cast<std::int64_t>(each.offset))
          .number("size", static_cast<std::int64_t>(each.size));
      if (is_torn) {
        (is_tail ? replay.summary.tail_size : replay.summary.torn) += is_tail ? each.size : 1;
      } else {
        ++replay.summary.damaged;
      }
      // Torn bytes say nothing, but of a file that nothing could be read of nobody knows what it was.
      if (is_torn && (is_tail || scan.records > 0)) continue;
      const auto copy = quarantine_path(folder, number, each);
      const auto copied = copy_to_quarantine(storage, copy, bytes->subspan(each.offset, each.size));
      line.text("quarantine", copy.string());
      if (copied) continue;
      line.error(copied.error());
      found.is_evidence = true;
    }
    replay.segments.push_back(found);
  }
  replay.summary.unsettled = replay.unsettled.size();
  return replay;
}

std::vector<Place> in_order(const std::map<Key, Place>& unsettled) {
  std::vector<Place> places;
  places.reserve(unsettled.size());
  for (const auto& [key, place] : unsettled) places.push_back(place);
  std::ranges::sort(places);
  return places;
}

Result<void> visit_unsettled(Storage& storage, const std::filesystem::path& folder, const std::vector<Place>& places, SegmentBuffer& buffer,
                             const std::function<void(Replayed)>& visit) {
  std::filesystem::path path;
  ByteView bytes;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto [segment, offset] = places[i];
    if (i == 0 || segment != places[i - 1].segment) {
      path = segment_path(folder, segment);
      const auto read = tried([&] { return buffer.read(storage, path); });
      if (!read) return give_up(path, read.error());
      bytes = *read;
    }
    const Parsed<RecordView> record = parse_record(bytes.subspan(std::min<std::uint64_t>(offset, bytes.size())));
    if (!record.is_done()) return give_up(path, {.info = &journal_read, .at = 0, .os = EIO});
    const ByteView whole = record.value().whole();
    visit({.kind = static_cast<Kind>(record.value().header().kind),
           .item = record.value().header().item,
           .record = Bytes(whole.begin(), whole.end())});
  }
  return {};
}

}  // namespace pushmail::journal
