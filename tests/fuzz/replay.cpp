// The main of every fuzz target in builds without libFuzzer: replays each seed, then small mutations of it.
//
// Came from: the folders or files named as arguments (tests/fuzz/seeds/NAME). Goes to: LLVMFuzzerTestOneInput of the target.
// Deterministic: the mutations depend on the file's bytes and the round's number only, so a failure is reproduced by
// `fuzz_NAME FILE`, and by `fuzz_NAME FILE ROUND` for one mutation.
#include <algorithm>
#include <array>
#include <cctype>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <unistd.h>

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Input = std::vector<std::uint8_t>;

// A round costs a whole run of the target, so large seeds get fewer rounds: about this many bytes are run per seed.
constexpr std::size_t bytes_per_seed_max = 4 * 1024 * 1024;
constexpr unsigned rounds_per_seed_max = 300;
constexpr unsigned rounds_per_seed_min = 8;

// What runs now, for the line printed when it crashes; written before each run.
std::array<char, 512> running{};

void print_running(int signal_number) {
  const std::size_t size = std::strlen(running.data());
  // Only write() is safe here; when it fails nothing is left to do.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, running.data(), size);
  std::signal(signal_number, SIG_DFL);
  std::raise(signal_number);
}

void run(const std::string& name, long round, const Input& input) {
  std::snprintf(running.data(), running.size(), "crashed in: %s, round %ld (-1: unchanged)\n", name.c_str(), round);
  // A buffer of exactly this size, so that a sanitizer sees the first byte read beyond it.
  std::vector<std::uint8_t> exact(input.begin(), input.end());
  exact.shrink_to_fit();
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

// xorshift64*: small, and the same everywhere.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed | 1U) {}
  std::size_t below(std::size_t end) {
    state_ ^= state_ >> 12U;
    state_ ^= state_ << 25U;
    state_ ^= state_ >> 27U;
    return end == 0 ? 0 : static_cast<std::size_t>((state_ * 0x2545F4914F6CDD1DULL) >> 11U) % end;
  }

 private:
  std::uint64_t state_;
};

std::uint64_t hash_of(const Input& input) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const std::uint8_t byte : input) hash = (hash ^ byte) * 0x100000001b3ULL;
  return hash;
}

Input mutate(const Input& seed, std::uint64_t round) {
  // Bytes that mean something in one of our formats: line ends, brackets, quotes, length and continuation bits, UTF-8 leads.
  static constexpr std::array<std::uint8_t, 24> telling{0x00, 0x01, 0x0a, 0x0d, 0x20, '"', '\'', '(',  ')',  '-',  '.',  ':',
                                                        ';',  '<',  '=',  '>',  '?',  '@', '\\', 0x7f, 0x80, 0xc3, 0xf0, 0xff};
  Dice dice(hash_of(seed) + round * 0x9E3779B97F4A7C15ULL);
  Input out = seed;
  for (std::size_t step = 0, steps = 1 + dice.below(4); step < steps; ++step) {
    const std::size_t at = dice.below(out.size() + 1);
    const auto here = out.begin() + static_cast<std::ptrdiff_t>(at);
    const auto left = static_cast<std::size_t>(out.end() - here);
    const auto run_end = here + static_cast<std::ptrdiff_t>(std::min(left, 1 + dice.below(32)));
    switch (dice.below(7)) {
      case 0:
        if (left > 0) *here = static_cast<std::uint8_t>(*here ^ (1U << dice.below(8)));
        break;
      case 1:
        if (left > 0) *here = telling[dice.below(telling.size())];
        break;
      case 2:
        out.insert(here, telling[dice.below(telling.size())]);
        break;
      case 3:
        out.erase(here, run_end);
        break;
      case 4: {  // a piece twice
        const Input piece(here, run_end);
        out.insert(run_end, piece.begin(), piece.end());
        break;
      }
      case 5:  // truncated
        if (dice.below(4) == 0) out.erase(here, out.end());
        break;
      default: {  // a piece of the seed somewhere else
        const std::size_t from = dice.below(seed.size() + 1);
        const std::size_t size = std::min(seed.size() - from, 1 + dice.below(64));
        const auto piece = seed.begin() + static_cast<std::ptrdiff_t>(from);
        out.insert(here, piece, piece + static_cast<std::ptrdiff_t>(size));
        break;
      }
    }
  }
  return out;
}

Input read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "%s: cannot be read\n", path.c_str());
    std::exit(2);
  }
  return Input(std::istreambuf_iterator<char>(file), {});
}

}  // namespace

int main(int argc, char** argv) {
  for (const int number : {SIGSEGV, SIGABRT, SIGFPE, SIGILL, SIGBUS}) std::signal(number, print_running);

  if (argc == 3 && std::filesystem::is_regular_file(argv[1]) && std::isdigit(static_cast<unsigned char>(argv[2][0])) != 0) {
    const long round = std::strtol(argv[2], nullptr, 10);
    run(argv[1], round, mutate(read(argv[1]), static_cast<std::uint64_t>(round)));
    return 0;
  }

  std::vector<std::filesystem::path> files;
  for (int i = 1; i < argc; ++i) {
    if (std::filesystem::is_regular_file(argv[i])) {
      files.emplace_back(argv[i]);
    } else if (std::filesystem::is_directory(argv[i])) {
      for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
        if (entry.is_regular_file()) files.push_back(entry.path());
      }
    }
  }
  if (files.empty()) {
    std::fprintf(stderr, "usage: %s SEED_FOLDER... | FILE [ROUND]   (no seeds found)\n", argv[0]);
    return 2;
  }
  std::sort(files.begin(), files.end());

  std::size_t runs = 0;
  run("empty input", -1, {});
  for (const auto& path : files) {
    const Input seed = read(path);
    run(path.string(), -1, seed);
    const std::size_t rounds = std::clamp<std::size_t>(bytes_per_seed_max / (seed.size() + 1), rounds_per_seed_min, rounds_per_seed_max);
    for (std::size_t round = 0; round < rounds; ++round) run(path.string(), static_cast<long>(round), mutate(seed, round));
    runs += rounds + 1;
  }
  std::printf("%zu seeds, %zu inputs\n", files.size(), runs);
  return 0;
}
