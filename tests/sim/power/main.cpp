// power_sim: lives of a journal, cut off by the power at every step, and the disks that this leaves. Every failing one prints the command
// that repeats it.
//
//   power_sim [--states N] [--seed S] [--without SYNC] [--verbose]   so many different disks; SYNC (core/storage.h) is left out: the exit
//   code is 1
//                                                          as soon as one disk is wrong
//   power_sim --mutants [--states N]                       each sync is left out once; the exit code is 1 when that was not noticed
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>

#include "core/log.h"
#include "tests/sim/edge/seeded_random.h"
#include "tests/sim/power/history.h"

namespace {

using namespace pushmail;
using namespace pushmail::power;

constexpr std::size_t disks_of_a_life = 100;

[[noreturn]] void usage() {
  fmt::print(stderr, "usage: power_sim [--states N] [--seed S] [--without SYNC] [--verbose] | --mutants [--states N]\n");
  std::exit(64);
}

std::optional<Sync> sync_named(std::string_view name) {
  const auto row = std::ranges::find(syncs, name, &SyncRow::name);
  return row == syncs.end() ? std::nullopt : std::optional(row->sync);
}

struct Silence final : LogSink {
  void put(LogLevel, std::string_view) override {}
};

/// A folder of memory, when there is one.
struct Folder {
  fs::path path;
  Folder() {
    const fs::path memory = "/dev/shm";
    std::string name = ((fs::is_directory(memory) ? memory : fs::temp_directory_path()) / "pushmail-power-XXXXXX").string();
    PM_CHECK(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path); }
};

struct Tried {
  std::size_t lives = 0, tried = 0;
  std::set<std::uint64_t> different;
  std::string failure;
};

/// Until so many different disks were tried, or one was wrong.
Tried try_disks(const fs::path& folder, std::size_t states, std::uint64_t seed, std::optional<Sync> left_out) {
  Tried tried;
  for (; tried.different.size() < states && tried.failure.empty(); ++seed) {
    ++tried.lives;
    edge::seed_random(seed);
    History history(folder / "life", seed, left_out);
    history.live();
    Random random(seed);
    for (std::size_t i = 0; i < disks_of_a_life && tried.failure.empty() && tried.different.size() < states; ++i) {
      const std::size_t position = random() % (history.end() + 1);
      const auto loss = static_cast<Loss>(random() % loss_count);
      const Disk disk = history.cut(position, loss, random);
      ++tried.tried;
      if (!tried.different.insert(disk.hash()).second) continue;
      const std::string wrong = history.judge(folder / "disk", disk, position);
      if (!wrong.empty())
        tried.failure = fmt::format("seed {}, cut at {} of {}, loss {}: {}", seed, position, history.end(), static_cast<int>(loss), wrong);
    }
  }
  return tried;
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t states = 500;
  std::uint64_t seed = 1;
  bool mutants = false, verbose = false;
  std::string without;
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    if (option == "--mutants" || option == "--verbose") {
      (option == "--mutants" ? mutants : verbose) = true;
      continue;
    }
    if (i + 1 >= argc) usage();
    const std::string_view value = argv[++i];
    if (option == "--without") {
      without = value;
      if (!sync_named(value)) usage();
      continue;
    }
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc{} || end != value.data() + value.size()) usage();
    if (option == "--states") {
      states = number;
    } else if (option == "--seed") {
      seed = number;
    } else {
      usage();
    }
  }
  // The journal says what it finds on each disk.
  Silence silence;
  if (!verbose) log_to(&silence);
  const Folder folder;
  if (!mutants) {
    const Tried tried = try_disks(folder.path, states, seed, sync_named(without));
    fmt::print("{} lives, {} cuts, {} different disks\n", tried.lives, tried.tried, tried.different.size());
    if (tried.failure.empty()) return 0;
    fmt::print("{}\nto repeat: {} --seed {}{}{} --verbose\n", tried.failure, argv[0], seed + tried.lives - 1,
               without.empty() ? "" : " --without ", without);
    return 1;
  }
  int unnoticed = 0;
  for (const SyncRow& row : syncs) {
    const Tried tried = try_disks(folder.path, states, seed, row.sync);
    unnoticed += tried.failure.empty() ? 1 : 0;
    fmt::print("without {}: {} ({} different disks)\n", row.name, tried.failure.empty() ? "NOT NOTICED" : tried.failure,
               tried.different.size());
  }
  return unnoticed == 0 ? 0 : 1;
}
