// What records cost the journal alone: road.attempt_share and journal.replay.1m are made of it.
//
//   perf_journal FOLDER SIZE DEPTH SECONDS        appends and settles, DEPTH records of SIZE bytes under way; prints
//   {"records":N,"cpu_us":X},
//                                                 X being the process's CPU time for one record and its settling
//   perf_journal FOLDER SIZE DEPTH start COUNT    appends COUNT records that stay, then opens the journal again as a start does; prints
//                                                 {"records":N,"seconds":X,"cpu_s":X,"faults":N}, the latter being page faults of the start
#include <fmt/format.h>
#include <poll.h>
#include <sys/resource.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/contract/journal/schema.h"
#include "core/ids.h"
#include "dataplane/journal/journal.h"

namespace pushmail {
namespace {

double cpu_us() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto us = [](const timeval& time) { return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec); };
  return us(usage.ru_utime) + us(usage.ru_stime);
}

long page_faults() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt + usage.ru_majflt;
}

int start(const char* folder, std::size_t size, std::size_t depth, std::size_t count) {
  const SystemClock clock;
  const journal::Options options{.folder = folder, .clock = &clock};
  const std::string body(size, 'x');
  {
    auto journal = journal::Journal::open(options, [](journal::Replayed) {});
    if (!journal) return 71;
    std::size_t under_way = 0, failed = 0;
    for (std::size_t made = 0; made < count || under_way > 0;) {
      for (; under_way < depth && made < count; ++under_way, ++made) {
        const ItemId item = new_item_id(clock.wall(), 1);
        RecordWriter record = journal::make(journal::Kind::accepted_mail, item);
        record.text(journal::tag(journal::Tag::body), body);
        (*journal)->append(journal::Kind::accepted_mail, item, std::move(record), [&](const Result<void>& result) {
          --under_way;
          failed += result ? 0 : 1;
        });
      }
      (*journal)->poll();
      pollfd ready{.fd = (*journal)->completion_fd(), .events = POLLIN, .revents = 0};
      if (under_way > 0) ::poll(&ready, 1, 100);
    }
    if (failed != 0) return 74;
  }
  std::size_t found = 0;
  const Instant before = clock.now();
  const double cpu_before = cpu_us();
  const long faults_before = page_faults();
  const auto journal = journal::Journal::open(options, [&](journal::Replayed) { ++found; });
  if (!journal || found != count) return 74;
  fmt::print("{{\"records\":{},\"seconds\":{:.2f},\"cpu_s\":{:.2f},\"faults\":{}}}\n", found,
             static_cast<double>((clock.now() - before).ns) / 1e9, (cpu_us() - cpu_before) / 1e6, page_faults() - faults_before);
  return 0;
}

int run(const char* folder, std::size_t size, std::size_t depth, int seconds_long) {
  const SystemClock clock;
  const journal::Options options{.folder = folder, .clock = &clock};
  auto journal = journal::Journal::open(options, [](journal::Replayed) {});
  if (!journal) return 71;
  const std::string body(size, 'x');
  std::uint64_t done = 0, failed = 0;
  std::size_t under_way = 0;
  const double before = cpu_us();
  const Instant end = clock.now() + seconds(seconds_long);
  while (clock.now() < end || under_way > 0) {
    for (; under_way < depth && clock.now() < end; ++under_way) {
      const ItemId item = new_item_id(clock.wall(), 1);
      RecordWriter record = journal::make(journal::Kind::accepted_mail, item);
      record.text(journal::tag(journal::Tag::body), body);
      (*journal)->append(journal::Kind::accepted_mail, item, std::move(record), [&, item](const Result<void>& result) {
        --under_way;
        ++(result ? done : failed);
        if (result) (*journal)->settle(journal::Kind::accepted_mail, item);
      });
    }
    (*journal)->poll();
    pollfd ready{.fd = (*journal)->completion_fd(), .events = POLLIN, .revents = 0};
    if (under_way > 0) ::poll(&ready, 1, 100);
  }
  if (failed != 0 || done == 0) return 74;
  fmt::print("{{\"records\":{},\"cpu_us\":{:.2f}}}\n", done, (cpu_us() - before) / static_cast<double>(done));
  return 0;
}

}  // namespace
}  // namespace pushmail

int main(int argc, char** argv) {
  if (argc == 6 && std::string_view(argv[4]) == "start")
    return pushmail::start(argv[1], std::strtoul(argv[2], nullptr, 10), std::strtoul(argv[3], nullptr, 10),
                           std::strtoul(argv[5], nullptr, 10));
  if (argc != 5) return 64;
  return pushmail::run(argv[1], std::strtoul(argv[2], nullptr, 10), std::strtoul(argv[3], nullptr, 10),
                       static_cast<int>(std::strtol(argv[4], nullptr, 10)));
}
