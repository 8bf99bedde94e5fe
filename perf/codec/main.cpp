// The codec's figures: every other file of this folder registers its own. Here is only what tells how fast the machine is.
#include <benchmark/benchmark.h>

#include <cstring>

#include "core/bytes.h"

namespace {

// perf/run scales goals for absolute values by this one.
void memcpy_1m(benchmark::State& state) {
  const pushmail::Bytes from(1U << 20U, 1);
  pushmail::Bytes to(from.size());
  for (auto _ : state) {
    std::memcpy(to.data(), from.data(), from.size());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * from.size()));
}
BENCHMARK(memcpy_1m)->Name("machine.memcpy.1m");

}  // namespace

BENCHMARK_MAIN();
