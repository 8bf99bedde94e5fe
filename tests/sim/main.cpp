// tcp_sim: runs seeds of the simulation. The first failing one ends it with exit code 1 and the command that repeats it.
//   tcp_sim [--seeds N] [--first S] [--size BYTES] [--loss RATE] [--verbose]
// The build for planted faults (tcp_faults) also knows --fault NAME and --list.
#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "dataplane/tcp/planted.h"
#include "tests/sim/simulation.h"

namespace {

using namespace pushmail::tcp;

[[noreturn]] void usage(std::string_view why) {
  fmt::print(stderr, "tcp_sim: {}\nusage: tcp_sim [--seeds N] [--first S] [--size BYTES] [--loss 0.05] [--verbose]\n", why);
  std::exit(64);
}

template <class T>
T number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) usage(fmt::format("not a number: {}", text));
  return value;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t seeds = 100, first = 1;
  std::size_t size = 10'000'000;
  double loss = -1;
  bool verbose = false;
  std::string_view fault = "none";
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    const auto value = [&]() -> std::string_view {
      return ++i < argc ? std::string_view(argv[i]) : (usage(fmt::format("{} needs a value", option)), "");
    };
    if (option == "--seeds") {
      seeds = number<std::uint64_t>(value());
    } else if (option == "--first") {
      first = number<std::uint64_t>(value());
    } else if (option == "--size") {
      size = number<std::size_t>(value());
    } else if (option == "--loss") {
      loss = number<double>(value());
    } else if (option == "--verbose") {
      verbose = true;
    } else if (option == "--fault") {
      fault = value();
    } else if (option == "--list") {
      for (const std::string_view name : planted_names) fmt::print("{}\n", name);
      return 0;
    } else {
      usage(fmt::format("unknown option {}", option));
    }
  }
#ifdef PUSHMAIL_TCP_FAULTS
  bool known = false;
  for (std::size_t i = 0; i < planted_names.size(); ++i) {
    if (planted_names[i] != fault) continue;
    planted_now = static_cast<Planted>(i);
    known = true;
  }
  if (!known) usage(fmt::format("unknown fault {}", fault));
#else
  if (fault != "none") usage("this build has no planted faults");
#endif
  std::uint64_t segments = 0, repeated = 0, timeouts = 0, fast = 0, probes = 0, corrupted = 0;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    const Plan plan{.seed = seed, .loss = loss >= 0 ? loss : loss_of(seed), .size = size};
    // Printed first, since a broken invariant stops the program where it stands.
    const std::string command = fmt::format("{} --first {} --seeds 1 --size {} --loss {}", argv[0], seed, size, plan.loss);
    if (std::FILE* last = std::getenv("TCP_SIM_LAST") != nullptr ? std::fopen(std::getenv("TCP_SIM_LAST"), "w") : nullptr) {
      fmt::print(last, "{}\n", command);
      std::fclose(last);
    }
    const Outcome outcome = simulate(plan);
    if (verbose) {
      fmt::print("seed {} loss {}: {:.1f} s, {} segments, {} repeated, {} time-outs, {} fast, {} probes\n", seed, plan.loss,
                 outcome.seconds, outcome.segments, outcome.repeated, outcome.timeouts, outcome.fast_retransmits, outcome.probes);
      std::fflush(stdout);
    }
    if (!outcome.failure.empty()) {
      fmt::print("FAILED seed {}: {}\nto repeat: {}\n", seed, outcome.failure, command);
      return 1;
    }
    segments += outcome.segments;
    repeated += outcome.repeated;
    timeouts += outcome.timeouts;
    fast += outcome.fast_retransmits;
    probes += outcome.probes;
    corrupted += outcome.corrupted;
  }
  fmt::print(
      "{} seeds from {}, {} bytes each way: all right ({} segments, {} sent again, {} time-outs, {} fast retransmits, {} probes, {} "
      "corrupted)\n",
      seeds, first, size, segments, repeated, timeouts, fast, probes, corrupted);
  return 0;
}
