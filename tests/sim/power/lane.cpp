// power_lane: a lane on a real file system, for tests/sim/power/ext4, which cuts the power.
//
//   power_lane write FOLDER FIRST COUNT       appends so many messages, one batch each; prints the number of each that was acknowledged
//   power_lane die FOLDER NUMBER              one more, and dies by SIGKILL between its write and its sync
//   power_lane read FOLDER                    prints the numbers of those that are not settled, and `damaged N`
//   power_lane settle FOLDER                  the same, settles them, and goes on until the segments are gone
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "core/contract/journal/schema.h"
#include "core/ids.h"
#include "core/record.h"
#include "dataplane/journal/batch_writer.h"
#include "dataplane/journal/journal.h"

namespace {

using namespace pushmail;
using journal::Journal;
using journal::Kind;

ItemId item_number(std::uint32_t n) {
  ItemId id;
  store(id.bytes.data() + 12, n, std::endian::big);
  return id;
}
std::uint32_t number_of(const ItemId& id) { return load<std::uint32_t>(id.bytes.data() + 12, std::endian::big); }

void run(Journal& lane) {
  while (!lane.idle()) {
    lane.poll();
    pollfd ready{.fd = lane.completion_fd(), .events = POLLIN, .revents = 0};
    if (!lane.idle()) ::poll(&ready, 1, 100);
  }
}

void append(Journal& lane, std::uint32_t n, journal::Committed committed) {
  RecordWriter record = journal::make(Kind::accepted_mm7, item_number(n));
  record.text(journal::tag(journal::Tag::body), fmt::format("message {} ", n) + std::string(3'000, 'm'));
  lane.append(Kind::accepted_mm7, item_number(n), std::move(record), std::move(committed));
}

/// Writes, and never lives to sync.
class Deadly final : public journal::BatchWriter {
 public:
  void start(int fd, ByteView bytes, std::uint64_t offset) override {
    PM_CHECK(::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset)) == static_cast<ssize_t>(bytes.size()));
    if (is_armed) ::raise(SIGKILL);
    PM_CHECK(::fdatasync(fd) == 0);
    is_done_ = true;
  }
  std::optional<journal::BatchOutcome> poll() override {
    return std::exchange(is_done_, false) ? std::optional(journal::BatchOutcome{}) : std::nullopt;
  }
  int completion_fd() const override { return ready_; }
  bool needs_turn() const override { return false; }
  bool is_armed = false;

 private:
  int ready_ = ::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);  // always readable
  bool is_done_ = false;
};

/// Of the command line; none: no number.
std::optional<std::uint32_t> number_in(std::string_view text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

int usage() {
  fmt::print(stderr, "usage: power_lane write FOLDER FIRST COUNT | die FOLDER NUMBER | read FOLDER | settle FOLDER\n");
  return 64;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return usage();
  const std::string_view word = argv[1];
  const auto first = number_in(argc > 3 ? argv[3] : "0");
  const auto count = number_in(argc > 4 ? argv[4] : "0");
  if (!first || !count) return usage();
  Deadly deadly;
  std::vector<ItemId> found;
  const SystemClock clock;
  auto opened = Journal::open({.folder = argv[2], .segment_size = 256 * 1024, .clock = &clock, .writer = word == "die" ? &deadly : nullptr},
                              [&](const journal::Replayed& each) { found.push_back(each.item); });
  if (!opened) {
    fmt::print(stderr, "{}\n", opened.error().info->text);
    return 71;
  }
  Journal& lane = **opened;
  if (word == "write" && argc == 5) {
    for (std::uint32_t n = *first; n < *first + *count; ++n) {
      append(lane, n, [n](const Result<void>& result) { fmt::print("{} {}\n", result ? "acknowledged" : "refused", n); });
      run(lane);
    }
  } else if (word == "die" && argc == 4) {
    deadly.is_armed = true;
    append(lane, *first, [](const Result<void>&) {});
    run(lane);
  } else if (word == "read" || word == "settle") {
    for (const ItemId& item : found) fmt::print("found {}\n", number_of(item));
    fmt::print("damaged {}\n", lane.replayed().damaged);
    for (const ItemId& item : word == "settle" ? found : std::vector<ItemId>{}) lane.settle(Kind::accepted_mm7, item);
    run(lane);
    lane.poll();
  } else {
    return usage();
  }
  std::fflush(stdout);
  // As a machine that stops: no destructor proves or closes anything.
  std::_Exit(0);
}
