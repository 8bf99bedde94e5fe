// notify_simulation: seeds of the notifier against an SMSC that misbehaves. The first failing one ends it with exit code 1 and the command
// that repeats it.
//   notify_simulation [--seeds N] [--first S]
#include <fmt/format.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <string_view>

#include "core/log.h"
#include "tests/sim/sms/simulation.h"

namespace {

std::uint64_t seed_now = 0;

// A broken invariant stops the program where it stands.
extern "C" void on_abort(int) {
  fmt::print("ABORTED in seed {}; to repeat: notify_simulation --first {} --seeds 1\n", seed_now, seed_now);
  std::fflush(stdout);
}

bool read_number(std::string_view text, std::uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

int main(int argc, char** argv) {
  using namespace pushmail;
  std::uint64_t seeds = 1000, first = 1;
  for (int i = 1; i < argc; i += 2) {
    const std::string_view option = argv[i];
    std::uint64_t* const value = option == "--seeds" ? &seeds : option == "--first" ? &first : nullptr;
    if (value == nullptr || i + 1 == argc || !read_number(argv[i + 1], *value)) {
      fmt::print(stderr, "usage: notify_simulation [--seeds N] [--first S]\n");
      return 64;
    }
  }
  // With one seed its log is worth reading; with many only what failed.
  if (seeds == 1)
    log_start("sim", LogLevel::debug, LogPersons::clear);
  else if (std::freopen("/dev/null", "w", stderr) == nullptr)
    return 71;
  std::signal(SIGABRT, on_abort);
  notify::Outcome all;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    seed_now = seed;
    const notify::Outcome one = notify::simulate(seed);
    if (!one.failure.empty()) {
      fmt::print("FAILED seed {}: {}\nto repeat: {} --first {} --seeds 1\n", seed, one.failure, argv[0], seed);
      return 1;
    }
    all.texts += one.texts;
    all.shown += one.shown;
    all.twice += one.twice;
    all.set_aside += one.set_aside;
    all.refused += one.refused;
    all.binds += one.binds;
    all.restarts += one.restarts;
    all.pdus += one.pdus;
    all.seconds += one.seconds;
  }
  fmt::print(
      "{} seeds from {}: all right ({} texts, {} times shown, {} of them twice, {} set aside, {} refused, {} binds, {} restarts, {} PDUs, "
      "{} hours)\n",
      seeds, first, all.texts, all.shown, all.twice, all.set_aside, all.refused, all.binds, all.restarts, all.pdus, all.seconds / 3600);
  return 0;
}
