#include "dataplane/journal/replay.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>
#include <set>

#include "core/log.h"
#include "core/versions.h"
#include "dataplane/journal/errors.h"
#include "dataplane/journal/schema.h"
#include "dataplane/journal/segment.h"

namespace pushmail::journal {

namespace {

constexpr std::string_view suffix = ".segment";

// More segments than a lane ever makes. A file with a higher number would leave none for those to come.
constexpr std::uint64_t number_max = std::uint64_t{1} << 48;

std::optional<std::uint64_t> number_of(const std::filesystem::path& file) {
  const std::string name = file.filename().string();
  if (name.size() != 16 + suffix.size() || !name.ends_with(suffix)) return std::nullopt;
  std::uint64_t number = 0;
  const auto read = std::from_chars(name.data(), name.data() + 16, number, 16);
  const bool is_number = read.ec == std::errc{} && read.ptr == name.data() + 16;
  return is_number && number <= number_max ? std::optional(number) : std::nullopt;
}

void quarantine(const std::filesystem::path& folder, std::uint64_t segment, ByteView bytes, const Damage& damage) {
  std::error_code ignored;
  std::filesystem::create_directories(folder / "quarantine", ignored);
  const auto file = folder / "quarantine" / fmt::format("{:016x}-{}.bytes", segment, damage.offset);
  std::size_t written = 0;
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd >= 0) {
    while (written < damage.size) {
      const ssize_t n = ::write(fd, bytes.data() + damage.offset + written, damage.size - written);
      if (n <= 0) break;
      written += static_cast<std::size_t>(n);
    }
    ::close(fd);
  }
  log_error("journal_damage")
      .text("segment", segment_path(folder, segment).string())
      .number("offset", static_cast<std::int64_t>(damage.offset))
      .number("size", static_cast<std::int64_t>(damage.size))
      .text("quarantine", written == damage.size ? file.string() : "could not be written");
}

class Reader {
 public:
  Reader(Replay& replay, const Seen& seen) : replay_(replay), seen_(seen) {}

  void take(std::uint64_t segment, const RecordView& record) {
    const auto kind = static_cast<Kind>(record.header().kind);
    ++replay_.summary.records;
    replay_.last_sequence = std::max(replay_.last_sequence, record.header().sequence);
    if (kind == Kind::segment) return;
    if (kind == Kind::settled) {
      const auto settles = record.u64(tag(Tag::settles));
      if (settles) replay_.unsettled.erase({static_cast<Kind>(*settles), record.header().item});
    } else {
      const ByteView whole = record.whole();
      replay_.unsettled[{kind, record.header().item}] = {
          .segment = segment, .sequence = record.header().sequence, .record = Bytes(whole.begin(), whole.end())};
    }
    if (seen_) seen_(record);
  }

 private:
  Replay& replay_;
  const Seen& seen_;
};

}  // namespace

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::accepted_mm7: return "accepted_mm7";
    case Kind::accepted_mail: return "accepted_mail";
    case Kind::outcome: return "outcome";
    case Kind::report: return "report";
    case Kind::settled: return "settled";
    case Kind::segment: return "segment";
    case Kind::attempt:
      return "attempt";
  }
  return "unknown";
}

RecordWriter make(Kind kind, const ItemId& item) { return {static_cast<std::uint16_t>(kind), versions::journal_schema, item}; }

std::filesystem::path segment_path(const std::filesystem::path& folder, std::uint64_t number) {
  return folder / fmt::format("{:016x}{}", number, suffix);
}

Result<Bytes> read_file(const std::filesystem::path& file) {
  // Opening a FIFO would wait for a writer.
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return fail(journal_read);
  struct stat info {};
  Bytes bytes;
  bool good = ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
  if (good) bytes.resize(static_cast<std::size_t>(info.st_size));
  std::size_t at = 0;
  while (good && at < bytes.size()) {
    const ssize_t n = ::read(fd, bytes.data() + at, bytes.size() - at);
    good = n >= 0;
    if (n <= 0) break;
    at += static_cast<std::size_t>(n);
  }
  ::close(fd);
  if (!good) return fail(journal_read, at);
  bytes.resize(at);
  return bytes;
}

Result<Replay> replay_folder(const std::filesystem::path& folder, const Seen& seen) {
  std::error_code error;
  std::vector<std::uint64_t> numbers;
  std::set<std::uint64_t> not_ours;  // numbers that new segments stepped over
  for (auto entry = std::filesystem::directory_iterator(folder, error); !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const auto number = number_of(entry->path());
    // A lane makes plain files. What else somebody put there is neither read nor followed, nor in the way: new segments step over its name.
    std::error_code unknown;
    const bool is_plain = entry->symlink_status(unknown).type() == std::filesystem::file_type::regular;
    if (number && is_plain) {
      numbers.push_back(*number);
    } else if (entry->path().extension() == suffix) {
      if (number) not_ours.insert(*number);
      log_error("journal_no_segment").text("file", entry->path().string());
    }
  }
  if (error) return fail(journal_open);
  std::sort(numbers.begin(), numbers.end());

  Replay replay;
  if (!numbers.empty()) replay.last_number = numbers.back();
  Reader reader(replay, seen);
  for (const std::uint64_t number : numbers) {
    // Segments are dropped from the front only, so a hole in the numbers is a file that somebody took away.
    if (!replay.segments.empty() && number != replay.segments.back().number + 1) {
      const std::uint64_t before = replay.segments.back().number;
      const auto stepped_over = static_cast<std::uint64_t>(std::distance(not_ours.upper_bound(before), not_ours.lower_bound(number)));
      if (const std::uint64_t missing = number - before - 1 - stepped_over; missing > 0) {
        replay.summary.damaged += missing;
        log_error("journal_segment_missing").text("before", segment_path(folder, number).string());
      }
    }
    const auto bytes = read_file(segment_path(folder, number));
    if (!bytes) {
      // Unreadable as a whole: it stays where it is, counts as damage, and the others are read.
      ++replay.summary.damaged;
      log_error("journal_segment_unreadable").text("segment", segment_path(folder, number).string());
      continue;
    }
    const SegmentScan scan = scan_segment(*bytes, [&](const RecordView& record) { reader.take(number, record); });
    for (const Damage& damage : scan.damage) quarantine(folder, number, *bytes, damage);
    if (scan.tail_size > 0) {
      log_info("journal_torn_tail").text("segment", segment_path(folder, number).string()).number("size", static_cast<std::int64_t>(scan.tail_size));
    }
    replay.summary.damaged += scan.damage.size();
    replay.summary.tail_size += scan.tail_size;
    replay.segments.push_back({.number = number, .used = scan.end, .size = bytes->size()});
  }
  replay.summary.unsettled = replay.unsettled.size();
  return replay;
}

Result<ReplaySummary> read_segment(const std::filesystem::path& segment, const std::function<void(const RecordView&)>& visit) {
  PM_TRY(const Bytes bytes, read_file(segment));
  std::map<Key, bool> unsettled;
  const SegmentScan scan = scan_segment(bytes, [&](const RecordView& record) {
    const auto kind = static_cast<Kind>(record.header().kind);
    if (kind == Kind::settled) {
      unsettled.erase({static_cast<Kind>(record.u64(tag(Tag::settles)).value_or(0)), record.header().item});
    } else if (kind != Kind::segment) {
      unsettled[{kind, record.header().item}] = true;
    }
    visit(record);
  });
  return ReplaySummary{.records = scan.records, .unsettled = unsettled.size(), .tail_size = scan.tail_size, .damaged = scan.damage.size()};
}

}  // namespace pushmail::journal
