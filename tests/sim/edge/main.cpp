// edge_sim: runs seeds. Every failing one prints the command that repeats it; the exit code is 1 when one failed.
//   edge_sim [--seeds N] [--first S] [--verbose]
#include <fmt/format.h>
#include <malloc.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "core/log.h"
#include "tests/sim/edge/seeded_random.h"
#include "tests/sim/edge/simulation.h"

namespace {

using namespace pushmail;

[[noreturn]] void usage() {
  fmt::print(stderr, "usage: edge_sim [--seeds N] [--first S] [--verbose]\n");
  std::exit(64);
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t seeds = 100, first = 1;
  bool verbose = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    std::uint64_t* const number = option == "--seeds" ? &seeds : option == "--first" ? &first : nullptr;
    if (option == "--verbose") {
      verbose = true;
    } else if (number != nullptr && i + 1 < argc) {
      const std::string_view text = argv[++i];
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
      if (error != std::errc{} || end != text.data() + text.size()) usage();
    } else {
      usage();
    }
  }
  // The planes log their own view; what counts is judged from outside.
  log_start("sim", verbose ? LogLevel::info : LogLevel::error, LogPersons::clear);
  // SQLite takes and gives back its page cache with each look at a store in memory.
  mallopt(M_TRIM_THRESHOLD, 256 << 20);
  std::uint64_t failed = 0, mails = 0, messages = 0, seen = 0, twice = 0, kills = 0, cuts = 0;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    edge::seed_random(seed);
    const edge::Result result = edge::simulate({.seed = seed, .verbose = verbose});
    mails += result.mails;
    messages += result.messages;
    seen += result.seen;
    twice += result.twice;
    kills += result.kills;
    cuts += result.cuts;
    if (result.failure.empty()) continue;
    ++failed;
    fmt::print("seed {}: {}\nto repeat: {} --first {} --seeds 1 --verbose\n", seed, result.failure, argv[0], seed);
  }
  fmt::print(
      "{} seeds: {} mails to phones, {} requests acknowledged, {} seen by peers, {} taken twice and marked, {} kills, {} cuts; {} seeds "
      "failed\n",
      seeds, mails, messages, seen, twice, kills, cuts, failed);
  return failed == 0 ? 0 : 1;
}
