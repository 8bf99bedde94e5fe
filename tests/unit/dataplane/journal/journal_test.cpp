// The journal on real files: append, settle, replay, crashes at every byte, broken bytes anywhere, a full disk, group commit.
#include "dataplane/journal/journal.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "core/contract/journal/schema.h"
#include "core/contract/journal/segment.h"
#include "core/storage.h"
#include "dataplane/journal/batch_writer.h"
#include "dataplane/journal/errors.h"
#include "dataplane/journal/replay.h"
#include "dataplane/journal/segment_buffer.h"
#include "tests/unit/core/same_storage.h"
#include "tests/unit/core/temporary_folder.h"

namespace pushmail::journal {
namespace {

namespace fs = std::filesystem;

using Folder = TemporaryFolder;

struct HandClock final : Clock {
  Instant at{1};
  Timestamp wall() const override { return {1'000'000}; }
  Instant now() const override { return at; }
};

ItemId item_number(std::uint32_t n) {
  ItemId id;
  store(id.bytes.data() + 12, n, std::endian::big);
  return id;
}

RecordWriter message(const ItemId& item, std::size_t size, char fill = 'm') {
  RecordWriter record = make(Kind::accepted_mm7, item);
  record.text(tag(Tag::peer), "mmsc1").text(tag(Tag::body), std::string(size, fill));
  return record;
}

/// Polls until everything is durable or refused; waits on the completion descriptor, never on time.
void run(Journal& journal) {
  for (int turn = 0; turn < 100'000 && !journal.idle(); ++turn) {
    journal.poll();
    if (journal.idle()) return;
    pollfd ready{.fd = journal.completion_fd(), .events = POLLIN, .revents = 0};
    ::poll(&ready, 1, 5000);
  }
  EXPECT_TRUE(journal.idle());
}

struct Opened {
  std::unique_ptr<Journal> journal;
  std::vector<Replayed> unsettled;
  std::vector<std::uint64_t> seen;
};

Opened open_lane(const fs::path& folder, std::uint64_t segment_size = 1 << 20, const Clock* clock = nullptr,
                 std::uint64_t lane_size_max = 1ULL << 32) {
  Opened opened;
  auto journal = Journal::open(
      {.folder = folder, .segment_size = segment_size, .lane_size_max = lane_size_max, .clock = clock},
      [&](Replayed found) { opened.unsettled.push_back(std::move(found)); },
      [&](const RecordView& record) { opened.seen.push_back(record.header().sequence); });
  EXPECT_TRUE(journal.has_value());
  if (journal) opened.journal = std::move(*journal);
  return opened;
}

std::vector<fs::path> segments_of(const fs::path& folder) {
  std::set<fs::path> sorted;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".segment") sorted.insert(entry.path());
  }
  return {sorted.begin(), sorted.end()};
}

std::size_t quarantined(const fs::path& folder) {
  if (!fs::exists(folder / "quarantine")) return 0;
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder / "quarantine"), fs::directory_iterator()));
}

/// Counts commits; a refusal keeps its rule.
struct Commits {
  int good = 0;
  std::vector<std::string_view> refused;
  Committed expect() {
    return [this](Result<void> result) {
      if (result) {
        ++good;
      } else {
        refused.push_back(result.error().info->name);
      }
    };
  }
};

TEST(Journal, append_replay_settle) {
  Folder folder;
  Commits commits;
  {
    Opened lane = open_lane(folder.path);
    for (std::uint32_t n = 1; n <= 3; ++n)
      lane.journal->append(Kind::accepted_mm7, item_number(n), message(item_number(n), 100 * n), commits.expect());
    EXPECT_EQ(commits.good, 0) << "a commit is told from poll only";
    run(*lane.journal);
    EXPECT_EQ(commits.good, 3);
    lane.journal->settle(Kind::accepted_mm7, item_number(2));
    lane.journal->settle(Kind::accepted_mm7, item_number(2));
    lane.journal->settle(Kind::accepted_mail, item_number(3));
    run(*lane.journal);
    EXPECT_EQ(lane.journal->totals().appended, 4u);
  }
  Opened again = open_lane(folder.path);
  ASSERT_EQ(again.unsettled.size(), 2u);
  EXPECT_EQ(again.unsettled[0].item, item_number(1));
  EXPECT_EQ(again.unsettled[1].item, item_number(3));
  const auto record = parse_record(again.unsettled[1].record);
  ASSERT_TRUE(record.is_done());
  EXPECT_EQ(record.value().text(tag(Tag::body)), std::string(300, 'm'));
  EXPECT_EQ(again.journal->replayed().damaged, 0u);
  EXPECT_EQ(again.journal->replayed().tail_size, 0u);
  EXPECT_TRUE(again.journal->accepting());
}

TEST(Journal, a_later_record_of_kind_and_item_replaces) {
  Folder folder;
  Commits commits;
  {
    Opened lane = open_lane(folder.path);
    lane.journal->append(Kind::accepted_mm7, item_number(1), message(item_number(1), 10, 'a'), commits.expect());
    run(*lane.journal);
    lane.journal->append(Kind::accepted_mm7, item_number(1), message(item_number(1), 10, 'b'), commits.expect());
    run(*lane.journal);
  }
  Opened again = open_lane(folder.path);
  ASSERT_EQ(again.unsettled.size(), 1u);
  EXPECT_EQ(parse_record(again.unsettled[0].record).value().text(tag(Tag::body)), std::string(10, 'b'));
  again.journal->settle(Kind::accepted_mm7, item_number(1));
  run(*again.journal);
  again.journal.reset();
  EXPECT_TRUE(open_lane(folder.path).unsettled.empty());
}

TEST(Journal, one_writer_per_lane) {
  Folder folder;
  Opened lane = open_lane(folder.path);
  EXPECT_FALSE(Journal::open({.folder = folder.path}, [](Replayed) {}).has_value());
}

TEST(Journal, group_commit_needs_fewer_syncs_than_records) {
  Folder folder;
  Commits commits;
  Opened lane = open_lane(folder.path);
  for (std::uint32_t n = 1; n <= 500; ++n) {
    lane.journal->append(Kind::accepted_mm7, item_number(n), message(item_number(n), 200), commits.expect());
    lane.journal->poll();
  }
  run(*lane.journal);
  EXPECT_EQ(commits.good, 500);
  EXPECT_EQ(lane.journal->totals().appended, 500u);
  EXPECT_LT(lane.journal->totals().syncs, 500u);
}

TEST(Journal, segments_are_dropped_when_settled) {
  Folder folder;
  Commits commits;
  Opened lane = open_lane(folder.path, 64 * 1024);
  for (std::uint32_t n = 1; n <= 40; ++n) {
    lane.journal->append(Kind::accepted_mm7, item_number(n), message(item_number(n), 10'000), commits.expect());
    run(*lane.journal);
  }
  const std::uint64_t before = lane.journal->totals().segments;
  EXPECT_GT(before, 6u);
  for (std::uint32_t n = 1; n <= 40; ++n) {
    if (n != 12) lane.journal->settle(Kind::accepted_mm7, item_number(n));
  }
  run(*lane.journal);
  lane.journal->poll();
  const std::size_t held = segments_of(folder.path).size();
  EXPECT_EQ(held, before - 2) << "those before the one that holds item 12 are gone";
  lane.journal->settle(Kind::accepted_mm7, item_number(12));
  run(*lane.journal);
  lane.journal->poll();
  EXPECT_EQ(segments_of(folder.path).size(), 2u) << "active and spare";
  lane.journal.reset();
  EXPECT_TRUE(open_lane(folder.path, 64 * 1024).unsettled.empty());
}

// Whatever else lies in the folder: start neither waits for it nor follows it, and new segments go around it.
TEST(Journal, what_is_no_segment_of_ours_is_in_nobodys_way) {
  Folder folder;
  Commits commits;
  {
    Opened lane = open_lane(folder.path);
    lane.journal->append(Kind::accepted_mm7, item_number(1), message(item_number(1), 100), commits.expect());
    run(*lane.journal);
  }
  const std::uint64_t next = segments_of(folder.path).size() + 1;
  ASSERT_EQ(::mkfifo(segment_path(folder.path, next).c_str(), 0600), 0);
  fs::create_directory(segment_path(folder.path, next + 1));
  fs::create_symlink("/dev/zero", segment_path(folder.path, next + 2));
  std::ofstream(folder.path / "ffffffffffffffff.segment") << "x";
  std::ofstream(folder.path / "fffffffffffffffe.segment") << "x";
  {
    Opened lane = open_lane(folder.path);
    EXPECT_EQ(lane.unsettled.size(), 1U);
    for (std::uint32_t n = 2; n <= 40; ++n) {
      lane.journal->append(Kind::accepted_mm7, item_number(n), message(item_number(n), 100'000), commits.expect());
      run(*lane.journal);
    }
    EXPECT_EQ(commits.good, 40);
  }
  const Opened last = open_lane(folder.path);
  EXPECT_EQ(last.unsettled.size(), 40U);
  EXPECT_EQ(last.journal->replayed().damaged, 0U) << "a number that was stepped over is no missing segment";
}

TEST(Journal, a_record_larger_than_a_segment) {
  Folder folder;
  Commits commits;
  {
    Opened lane = open_lane(folder.path, 64 * 1024);
    lane.journal->append(Kind::accepted_mm7, item_number(1), message(item_number(1), 3'000'000), commits.expect());
    lane.journal->append(Kind::accepted_mm7, item_number(2), message(item_number(2), 10), commits.expect());
    run(*lane.journal);
    EXPECT_EQ(commits.good, 2);
  }
  EXPECT_EQ(open_lane(folder.path, 64 * 1024).unsettled.size(), 2u);
}

// ---- crashes and damage -----------------------------------------------------------------------------------------------------------

/// A folder with `count` unsettled records in one segment; returns that file's bytes.
Bytes write_records(const fs::path& folder, std::uint32_t count) {
  Commits commits;
  Opened lane = open_lane(folder);
  for (std::uint32_t n = 1; n <= count; ++n)
    lane.journal->append(Kind::accepted_mm7, item_number(n), message(item_number(n), 40), commits.expect());
  run(*lane.journal);
  lane.journal.reset();
  return *read_file(system_storage(), segments_of(folder).front());
}

void put_segment(const fs::path& folder, ByteView bytes) {
  fs::remove_all(folder);
  fs::create_directories(folder);
  std::ofstream(segment_path(folder, 1), std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

std::size_t used_size(ByteView bytes) {
  std::size_t at = 0;
  while (true) {
    const auto record = parse_record(bytes.subspan(at));
    if (!record.is_done()) return at;
    at += record.used();
  }
}

TEST(Journal, torn_tail_at_every_byte_of_the_last_record) {
  Folder folder;
  Bytes bytes = write_records(folder.path / "made", 3);
  const std::size_t end = used_size(bytes);
  const std::size_t last_size = message(item_number(3), 40).size() + seal_size;
  const fs::path lane = folder.path / "torn";
  for (std::size_t cut = end - last_size; cut < end; ++cut) {
    // What a crash leaves: the bytes up to the cut, then the zeros of the preallocation (or the end of the file).
    for (const bool zeros : {true, false}) {
      Bytes torn(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(cut));
      if (zeros) torn.resize(end + 4096);
      put_segment(lane, torn);
      Opened opened = open_lane(lane);
      // A record whose last bytes are zeros (one checksum in 256) is whole again with the zeros behind the cut.
      const bool is_whole =
          zeros && std::ranges::all_of(ByteView(bytes).subspan(cut, end - cut), [](std::uint8_t byte) { return byte == 0; });
      ASSERT_EQ(opened.unsettled.size(), is_whole ? 3u : 2u) << "cut at " << cut;
      ASSERT_EQ(opened.journal->replayed().damaged, 0u) << "cut at " << cut;
      ASSERT_EQ(quarantined(lane), 0u);
    }
  }
}

TEST(Journal, one_flipped_bit_anywhere_costs_one_record) {
  Folder folder;
  const Bytes bytes = write_records(folder.path / "made", 4);
  const std::size_t end = used_size(bytes);
  const std::size_t size = message(item_number(1), 40).size() + seal_size;
  const std::size_t first = end - 4 * size;
  ASSERT_EQ(first, segment_record_size);
  const fs::path lane = folder.path / "flipped";
  // Every byte, but few of the padding in the middle of the segment's own record.
  for (std::size_t at = 0; at < end; at += at < 128 || at >= first - 64 ? 1 : 31) {
    Bytes broken = bytes;
    broken[at] ^= static_cast<std::uint8_t>(1u << (at % 8));
    put_segment(lane, broken);
    Opened opened = open_lane(lane);
    std::set<ItemId> found;
    for (const Replayed& replayed : opened.unsettled) found.insert(replayed.item);
    if (at < first) {
      ASSERT_EQ(found.size(), 4u) << "flip at " << at << " hit the segment's own record";
      ASSERT_EQ(opened.journal->replayed().damaged, 1u);
    } else {
      const auto hit = static_cast<std::uint32_t>((at - first) / size + 1);
      ASSERT_EQ(found.size(), 3u) << "flip at " << at;
      ASSERT_FALSE(found.contains(item_number(hit))) << "flip at " << at;
      // The batch record of the close behind it proves that it was durable.
      ASSERT_EQ(opened.journal->replayed().damaged, 1u) << "flip at " << at;
      ASSERT_EQ(opened.journal->replayed().tail_size, 0u) << "flip at " << at;
      ASSERT_EQ(quarantined(lane), 1u);
    }
    ASSERT_TRUE(opened.journal->accepting());
  }
}

/// What a stranger who knows the framing puts into a message: records that are right but for this lane's mark.
Bytes forged_records() {
  Mark guessed{};
  Bytes forged;
  std::uint64_t sequence = 1'000;
  append(forged, ByteView(message(item_number(666), 10).finish(++sequence)));
  append(forged, ByteView(finish_sealed(message(item_number(667), 10), guessed, ++sequence)));
  append(forged, ByteView(segment_record(1, {1}, {}, guessed, ++sequence)));
  RecordWriter settled = make(Kind::settled, item_number(1));
  settled.u64(tag(Tag::settles), static_cast<std::uint64_t>(Kind::accepted_mm7));
  append(forged, ByteView(RecordWriter(settled).finish(++sequence)));
  append(forged, ByteView(finish_sealed(settled, guessed, ++sequence)));
  return forged;
}

struct Forgery {
  Bytes bytes;            // of the segment
  std::size_t begin = 0;  // of the record that carries the forged ones
  std::size_t end = 0;
};

/// A segment with a true message, then a mail whose body is forged records, then `behind` more true messages.
Forgery write_forgery(const fs::path& folder, std::uint32_t behind) {
  Commits commits;
  Opened lane = open_lane(folder);
  lane.journal->append(Kind::accepted_mm7, item_number(1), message(item_number(1), 40), commits.expect());
  RecordWriter mail = make(Kind::accepted_mail, item_number(2));
  mail.bytes(tag(Tag::body), forged_records());
  const std::size_t size = mail.size() + seal_size;
  lane.journal->append(Kind::accepted_mail, item_number(2), std::move(mail), commits.expect());
  for (std::uint32_t n = 3; n < 3 + behind; ++n)
    lane.journal->append(Kind::accepted_mm7, item_number(n), message(item_number(n), 40), commits.expect());
  run(*lane.journal);
  lane.journal.reset();
  const std::size_t begin = segment_record_size + message(item_number(1), 40).size() + seal_size;
  return {.bytes = *read_file(system_storage(), segments_of(folder).front()), .begin = begin, .end = begin + size};
}

std::set<ItemId> replayed_items(ByteView segment, const fs::path& lane) {
  put_segment(lane, segment);
  std::set<ItemId> found;
  for (const Replayed& replayed : open_lane(lane).unsettled) found.insert(replayed.item);
  return found;
}

TEST(Journal, records_in_a_body_are_never_replayed) {
  Folder folder;
  const Forgery made = write_forgery(folder.path / "made", 1);
  const fs::path lane = folder.path / "lane";
  EXPECT_EQ(replayed_items(made.bytes, lane), (std::set{item_number(1), item_number(2), item_number(3)}));
  // The header, the fields before the forged records, some of them, the seal.
  for (std::size_t at = made.begin; at < made.end; at += at < made.begin + 128 || at >= made.end - 40 ? 1 : 97) {
    Bytes broken = made.bytes;
    broken[at] ^= static_cast<std::uint8_t>(1u << (at % 8));
    ASSERT_EQ(replayed_items(broken, lane), (std::set{item_number(1), item_number(3)})) << "flip at " << at;
    ASSERT_EQ(quarantined(lane), 1u);
  }
}

TEST(Journal, records_in_a_torn_body_are_never_replayed) {
  Folder folder;
  const Forgery made = write_forgery(folder.path / "made", 0);
  const fs::path lane = folder.path / "lane";
  for (std::size_t cut = made.begin + 1; cut < made.end; cut += cut >= made.end - 40 ? 1 : 29) {
    Bytes torn(made.bytes.begin(), made.bytes.begin() + static_cast<std::ptrdiff_t>(cut));
    ASSERT_EQ(replayed_items(torn, lane), std::set{item_number(1)}) << "cut at " << cut;
    torn.resize(made.end + 4096);
    // The seal is drawn: when it ends in zeros, those that follow the cut are what was cut off.
    const bool whole = std::equal(torn.begin() + static_cast<std::ptrdiff_t>(cut), torn.begin() + static_cast<std::ptrdiff_t>(made.end),
                                  made.bytes.begin() + static_cast<std::ptrdiff_t>(cut));
    ASSERT_EQ(replayed_items(torn, lane), whole ? std::set({item_number(1), item_number(2)}) : std::set({item_number(1)}))
        << "cut at " << cut;
    ASSERT_EQ(quarantined(lane), 0u);
  }
}

// Ends where the record around it ends, so it has a true seal behind it; only its length gives it away.
TEST(Journal, a_record_in_a_body_cannot_borrow_the_seal_around_it) {
  const Mark mark = new_mark();
  Bytes bytes = segment_record(1, {1}, {}, mark, 1);
  const std::size_t inner_at = bytes.size() + record_header_size + 6;
  RecordWriter outer = make(Kind::accepted_mail, item_number(1));
  outer.bytes(tag(Tag::body), Bytes(record_header_size));
  append(bytes, ByteView(finish_sealed(std::move(outer), mark, 2)));
  // Even with a checksum that is right, which the sender could only hit by chance.
  const ByteView seal = ByteView(bytes).last(seal_size);
  RecordWriter inner = make(Kind::accepted_mm7, item_number(666));
  inner.bytes(tag(Tag::seal), seal.subspan(6));
  const Bytes forged = inner.finish(3);
  std::copy(forged.begin(), forged.end(), bytes.begin() + static_cast<std::ptrdiff_t>(inner_at));
  ASSERT_TRUE(parse_record(ByteView(bytes).subspan(inner_at)).is_done());

  std::vector<std::uint64_t> sequences;
  const SegmentScan scan = scan_segment(bytes, [&](const RecordView& record) { sequences.push_back(record.header().sequence); });
  EXPECT_EQ(sequences, std::vector<std::uint64_t>{1});
  EXPECT_EQ(scan.broken.size(), 0u);
  EXPECT_GT(scan.tail_size, 0u);
}

TEST(Journal, a_lost_first_page_costs_no_message) {
  Folder folder;
  Bytes bytes = write_records(folder.path / "made", 4);
  std::fill_n(bytes.begin(), segment_record_size, std::uint8_t{0});
  put_segment(folder.path / "lane", bytes);
  Opened opened = open_lane(folder.path / "lane");
  EXPECT_EQ(opened.unsettled.size(), 4u);
  EXPECT_EQ(opened.journal->replayed().damaged, 1u);
}

TEST(Journal, a_file_without_a_mark_is_kept_and_not_believed) {
  Folder folder;
  Bytes bytes = write_records(folder.path / "made", 4);
  std::fill_n(bytes.begin(), segment_record_size + 10, std::uint8_t{0});
  put_segment(folder.path / "lane", bytes);
  Opened opened = open_lane(folder.path / "lane");
  EXPECT_TRUE(opened.unsettled.empty());
  EXPECT_EQ(opened.journal->replayed().torn, 1u) << "nothing proves that it was ever durable";
  EXPECT_EQ(quarantined(folder.path / "lane"), 1u);
}

TEST(Journal, every_segment_has_its_own_mark) {
  Folder folder;
  write_records(folder.path, 1);
  Commits commits;
  Opened lane = open_lane(folder.path);
  lane.journal->append(Kind::accepted_mm7, item_number(2), message(item_number(2), 40), commits.expect());
  run(*lane.journal);
  lane.journal.reset();
  std::set<Bytes> seals;
  std::size_t used = 0;
  for (const fs::path& file : segments_of(folder.path)) {
    const Bytes bytes = *read_file(system_storage(), file);
    if (used_size(bytes) == 0) continue;
    ++used;
    seals.emplace(bytes.begin() + (segment_record_size - seal_size), bytes.begin() + segment_record_size);
  }
  EXPECT_EQ(used, 2u);
  EXPECT_EQ(seals.size(), used);
}

TEST(Journal, quarantine_holds_the_broken_bytes) {
  Folder folder;
  Bytes bytes = write_records(folder.path / "made", 2);
  const std::size_t size = message(item_number(1), 40).size() + seal_size;
  const std::size_t first = used_size(bytes) - 2 * size;
  bytes[first + record_header_size + 20] ^= 1;
  const fs::path lane = folder.path / "lane";
  put_segment(lane, bytes);
  EXPECT_EQ(open_lane(lane).unsettled.size(), 1u);
  const auto file = fs::directory_iterator(lane / "quarantine")->path();
  EXPECT_EQ(*read_file(system_storage(), file),
            Bytes(bytes.begin() + static_cast<std::ptrdiff_t>(first), bytes.begin() + static_cast<std::ptrdiff_t>(first + size)));
}

TEST(Journal, a_missing_segment_is_damage_and_the_rest_is_read) {
  Folder folder;
  Commits commits;
  {
    Opened lane = open_lane(folder.path, 64 * 1024);
    for (std::uint32_t n = 1; n <= 20; ++n)
      lane.journal->append(Kind::accepted_mm7, item_number(n), message(item_number(n), 20'000), commits.expect());
    run(*lane.journal);
  }
  const auto files = segments_of(folder.path);
  ASSERT_GT(files.size(), 4u);
  std::size_t lost = 0;
  ASSERT_TRUE(read_segment(
      files[2], [&](const RecordView& record) { lost += record.header().kind == static_cast<std::uint16_t>(Kind::accepted_mm7) ? 1 : 0; }));
  fs::remove(files[2]);
  Opened opened = open_lane(folder.path, 64 * 1024);
  EXPECT_EQ(opened.unsettled.size(), 20u - lost);
  EXPECT_EQ(opened.journal->replayed().damaged, 1u);
}

TEST(Journal, read_segment_prints_what_open_finds) {
  Folder folder;
  const Bytes bytes = write_records(folder.path, 3);
  std::vector<std::string> kinds;
  const auto summary = read_segment(segments_of(folder.path).front(), [&](const RecordView& record) {
    kinds.emplace_back(to_string(static_cast<Kind>(record.header().kind)));
  });
  ASSERT_TRUE(summary.has_value());
  EXPECT_EQ(kinds, (std::vector<std::string>{"segment", "accepted_mm7", "accepted_mm7", "accepted_mm7", "batch"}));
  EXPECT_EQ(summary->unsettled, 3u);
  EXPECT_FALSE(read_segment(folder.path / "none", [](const RecordView&) {}).has_value());
}

// ---- no room ----------------------------------------------------------------------------------------------------------------------

/// The kernel's limit on file sizes stands in for a full disk: fallocate fails with EFBIG, which counts as no room.
struct NoRoom {
  rlimit before{};
  NoRoom() {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before);
  }
  void limit(rlim_t size) {
    const rlimit now{.rlim_cur = size, .rlim_max = before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &now);
  }
  void lift() { ::setrlimit(RLIMIT_FSIZE, &before); }
  ~NoRoom() { lift(); }
};

TEST(Journal, a_full_disk_refuses_messages_finishes_old_ones_and_accepts_again) {
  Folder folder;
  HandClock clock;
  NoRoom room;
  Commits commits;
  Opened lane = open_lane(folder.path, 64 * 1024, &clock);
  Journal& journal = *lane.journal;
  journal.append(Kind::accepted_mm7, item_number(1), message(item_number(1), 40'000), commits.expect());
  run(journal);
  ASSERT_EQ(commits.good, 1);

  // Goes to the spare segment; a new spare cannot be made.
  journal.append(Kind::accepted_mm7, item_number(2), message(item_number(2), 40'000), commits.expect());
  room.limit(48 * 1024);
  run(journal);
  journal.poll();
  EXPECT_EQ(commits.good, 2);
  EXPECT_FALSE(journal.accepting());
  EXPECT_EQ(journal.refusal(), journal_no_room.text);

  journal.append(Kind::accepted_mm7, item_number(3), message(item_number(3), 100), commits.expect());
  EXPECT_TRUE(commits.refused.empty()) << "a refusal is told from poll too";
  run(journal);
  EXPECT_EQ(commits.refused, std::vector<std::string_view>{"journal.no_room"});

  // What was accepted can be finished.
  journal.append(Kind::outcome, item_number(1), make(Kind::outcome, item_number(1)), commits.expect());
  journal.settle(Kind::accepted_mm7, item_number(1));
  run(journal);
  EXPECT_EQ(commits.good, 3);

  room.lift();
  journal.poll();
  EXPECT_FALSE(journal.accepting()) << "it asks once a second";
  clock.at = clock.at + seconds(2);
  journal.poll();
  EXPECT_TRUE(journal.accepting());
  journal.append(Kind::accepted_mm7, item_number(4), message(item_number(4), 60'000), commits.expect());
  run(journal);
  EXPECT_EQ(commits.good, 4);
  lane.journal.reset();

  Opened again = open_lane(folder.path, 64 * 1024);
  std::set<ItemId> found;
  for (const Replayed& replayed : again.unsettled) found.insert(replayed.item);
  EXPECT_EQ(found, (std::set{item_number(1), item_number(2), item_number(4)}));
  EXPECT_EQ(again.journal->replayed().damaged, 0u);
}

TEST(Journal, a_disk_that_is_full_at_start_is_replayed_and_refuses) {
  Folder folder;
  write_records(folder.path, 2);
  HandClock clock;
  NoRoom room;
  room.limit(16 * 1024);
  Opened lane = open_lane(folder.path, 64 * 1024, &clock);
  EXPECT_EQ(lane.unsettled.size(), 2u);
  EXPECT_FALSE(lane.journal->accepting());
  lane.journal->settle(Kind::accepted_mm7, item_number(1));
  lane.journal->poll();
  EXPECT_FALSE(lane.journal->idle()) << "the settle record waits for room";
  room.lift();
  clock.at = clock.at + seconds(2);
  run(*lane.journal);
  lane.journal.reset();
  EXPECT_EQ(open_lane(folder.path).unsettled.size(), 1u);
}

TEST(Journal, a_full_lane_refuses_until_segments_are_dropped) {
  Folder folder;
  HandClock clock;
  Commits commits;
  Opened lane = open_lane(folder.path, 64 * 1024, &clock, 256 * 1024);
  std::uint32_t n = 0;
  while (lane.journal->accepting() && n < 100) {
    ++n;
    lane.journal->append(Kind::accepted_mm7, item_number(n), message(item_number(n), 30'000), commits.expect());
    run(*lane.journal);
  }
  ASSERT_LT(n, 20u);
  EXPECT_EQ(lane.journal->refusal(), journal_lane_full.text);
  for (std::uint32_t i = 1; i <= n; ++i) lane.journal->settle(Kind::accepted_mm7, item_number(i));
  run(*lane.journal);
  clock.at = clock.at + seconds(2);
  lane.journal->poll();
  EXPECT_TRUE(lane.journal->accepting());
}

// ---- a disk that fails ------------------------------------------------------------------------------------------------------------

/// Writes as it should until it is given an errno.
class ScriptedWriter final : public BatchWriter {
 public:
  void start(int fd, ByteView bytes, std::uint64_t offset) override {
    outcome_ = next_;
    next_ = {};
    if (outcome_->write != 0) return;
    EXPECT_EQ(::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset)), static_cast<ssize_t>(bytes.size()));
  }
  std::optional<BatchOutcome> poll() override { return std::exchange(outcome_, std::nullopt); }
  int completion_fd() const override { return -1; }
  bool needs_turn() const override { return false; }
  void fail_next(BatchOutcome with) { next_ = with; }

 private:
  BatchOutcome next_;
  std::optional<BatchOutcome> outcome_;
};

struct NoCut final : SameStorage {
  bool fails = false;
  int truncate(int fd, std::uint64_t size) override { return fails ? -EIO : SameStorage::truncate(fd, size); }
};

/// No segment can be opened for reading, so many times.
struct Shut final : SameStorage {
  int times = 1'000;
  int open(const fs::path& file, int flags, mode_t mode) override {
    const bool refused = file.extension() == ".segment" && (flags & O_ACCMODE) == O_RDONLY && times-- > 0;
    return refused ? -EMFILE : SameStorage::open(file, flags, mode);
  }
};

/// The body of a message says something else each time it is read: `of` readings are as they should be.
struct Rotting final : SameStorage {
  int of = 0;
  int readings = 0;
  ssize_t read(int fd, std::span<std::uint8_t> to) override {
    const ssize_t count = SameStorage::read(fd, to);
    const std::string body(40, 'm');
    const auto there = std::ranges::search(to.first(static_cast<std::size_t>(std::max<ssize_t>(count, 0))), bytes_of(body));
    if (!there.empty() && readings++ >= of) there.front() = 'n';
    return count;
  }
};

struct FailingLane {
  Folder folder;
  ScriptedWriter writer;
  NoCut storage;
  std::unique_ptr<Journal> journal;
  Commits commits;
  FailingLane() {
    journal = std::move(
        *Journal::open({.folder = folder.path, .segment_size = 1 << 20, .storage = &storage, .writer = &writer}, [](Replayed) {}));
    append(1);
    poll();
    EXPECT_EQ(commits.good, 1);
  }
  void append(std::uint32_t n) { journal->append(Kind::accepted_mm7, item_number(n), message(item_number(n), 100), commits.expect()); }
  void poll() {
    for (int i = 0; i < 10; ++i) journal->poll();
  }
  std::set<ItemId> found_again() {
    journal.reset();
    std::set<ItemId> found;
    for (const Replayed& replayed : open_lane(folder.path).unsettled) found.insert(replayed.item);
    return found;
  }
};

TEST(JournalFailure, a_batch_that_fails_is_cut_off_and_the_lane_goes_on) {
  for (const BatchOutcome outcome : {BatchOutcome{.write = EIO}, BatchOutcome{.sync = EIO}}) {
    FailingLane lane;
    lane.journal->settle(Kind::accepted_mm7, item_number(1));
    lane.append(2);
    lane.writer.fail_next(outcome);
    lane.poll();
    EXPECT_EQ(lane.commits.refused.size(), 1u);
    EXPECT_FALSE(lane.journal->failed().has_value());
    EXPECT_TRUE(lane.journal->accepting());
    lane.append(3);
    lane.poll();
    EXPECT_EQ(lane.commits.good, 2);
    EXPECT_EQ(lane.found_again(), std::set{item_number(3)}) << "what was settled stays so, what was refused does not come back";
  }
}

TEST(JournalFailure, the_second_failure_in_a_row_is_the_end) {
  FailingLane lane;
  lane.writer.fail_next({.write = EIO});
  lane.append(2);
  lane.poll();
  lane.writer.fail_next({.sync = EIO});
  lane.append(3);
  lane.poll();
  ASSERT_TRUE(lane.journal->failed().has_value());
  EXPECT_TRUE(lane.journal->failed()->is(journal_sync));
  EXPECT_EQ(lane.journal->failed()->os, EIO);
  lane.append(4);
  lane.poll();
  EXPECT_EQ(lane.found_again(), std::set{item_number(1)});
}

TEST(JournalFailure, what_cannot_be_cut_off_is_neither_refused_nor_acknowledged) {
  FailingLane lane;
  lane.storage.fails = true;
  lane.writer.fail_next({.sync = EIO});
  lane.append(2);
  lane.poll();
  ASSERT_TRUE(lane.journal->failed().has_value());
  EXPECT_TRUE(lane.journal->failed()->is(journal_cut));
  EXPECT_EQ(lane.commits.good, 1);
  EXPECT_TRUE(lane.commits.refused.empty()) << "it may come back";
  EXPECT_EQ(lane.found_again(), (std::set{item_number(1), item_number(2)}));
}

TEST(JournalFailure, a_segment_that_cannot_be_read_is_no_broken_one) {
  Folder folder;
  write_records(folder.path, 2);
  Shut storage;
  const auto opened = Journal::open({.folder = folder.path, .storage = &storage}, [](Replayed) { FAIL(); });
  ASSERT_FALSE(opened.has_value());
  EXPECT_TRUE(opened.error().is(journal_read));
  EXPECT_EQ(opened.error().os, EMFILE);
  storage.times = 2;
  EXPECT_TRUE(Journal::open({.folder = folder.path, .storage = &storage}, [](Replayed) {}).has_value()) << "it is tried again";
}

TEST(JournalFailure, what_was_whole_and_is_not_any_more_is_no_start) {
  Folder folder;
  write_records(folder.path, 2);
  Rotting storage;
  storage.of = 1;
  int visited = 0;
  const auto opened = Journal::open({.folder = folder.path, .storage = &storage}, [&](Replayed) { ++visited; });
  ASSERT_FALSE(opened.has_value());
  EXPECT_TRUE(opened.error().is(journal_read));
  EXPECT_EQ(opened.error().os, EIO);
  EXPECT_EQ(visited, 0);
  // The next start finds what is left, and says what is broken.
  const Opened again = open_lane(folder.path);
  EXPECT_EQ(again.unsettled.size(), 2u);
}

// ---- what is read at start ----------------------------------------------------------------------------------------------------------

TEST(Journal, what_is_unsettled_comes_in_the_order_of_the_lane_and_not_of_its_ids) {
  Folder folder;
  Commits commits;
  const auto append = [&](Journal& journal, std::uint32_t n, char fill) {
    journal.append(Kind::accepted_mm7, item_number(n), message(item_number(n), 10'000, fill), commits.expect());
    run(journal);
  };
  {
    Opened lane = open_lane(folder.path, 64 * 1024);
    for (std::uint32_t n = 30; n > 0; --n) append(*lane.journal, n, 'a');
    append(*lane.journal, 20, 'b');
    lane.journal->settle(Kind::accepted_mm7, item_number(10));
    run(*lane.journal);
    EXPECT_GT(lane.journal->totals().segments, 5u);
  }
  std::vector<ItemId> expected;
  for (std::uint32_t n = 30; n > 0; --n) {
    if (n != 20 && n != 10) expected.push_back(item_number(n));
  }
  expected.push_back(item_number(20));
  std::vector<ItemId> found;
  Opened again = open_lane(folder.path, 64 * 1024);
  for (const Replayed& each : again.unsettled) {
    found.push_back(each.item);
    const auto body = parse_record(each.record).value().text(tag(Tag::body));
    EXPECT_EQ(body, std::string(10'000, each.item == item_number(20) ? 'b' : 'a'));
  }
  EXPECT_EQ(found, expected);
}

TEST(SegmentBuffer, the_same_memory_for_one_file_after_the_other) {
  Folder folder;
  SegmentBuffer buffer;
  const std::uint8_t* memory = nullptr;
  // The first has huge pages; the last one is larger than all before.
  for (const std::size_t size : {std::size_t{3} << 20, std::size_t{0}, (std::size_t{4} << 20) - 5, std::size_t{5} << 20}) {
    Bytes content(size);
    for (std::size_t i = 0; i < size; i += 4'099) content[i] = static_cast<std::uint8_t>(i + size);
    const fs::path file = folder.path / "file";
    ASSERT_TRUE(replace_file(system_storage(), file, content, 0600).has_value());
    const auto read = buffer.read(system_storage(), file);
    ASSERT_TRUE(read.has_value());
    EXPECT_TRUE(std::ranges::equal(*read, content));
    EXPECT_EQ(memory == nullptr || read->data() == memory, size <= std::size_t{4} << 20);
    memory = read->data();
  }
  EXPECT_EQ(buffer.read(system_storage(), folder.path / "none").error().os, ENOENT);
}

}  // namespace
}  // namespace pushmail::journal
