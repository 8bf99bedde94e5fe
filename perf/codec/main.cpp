// The codec's figures: every other file of this folder registers its own. Here are only what tells how fast the machine is, and
// PUSHMAIL_KERNELS: the name of the kernels to measure with, where the processor has better ones (codec/simd/choice.h).
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "codec/simd/choice.h"
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

/// Before any static object asks for kernels: those that register figures make their inputs with some.
[[gnu::constructor(200)]] void choose_kernels() {
  constexpr int wrong_usage = 64;
  __builtin_cpu_init();
  const char* kernels = std::getenv("PUSHMAIL_KERNELS");
  if (kernels == nullptr || pushmail::simd::choose(kernels)) return;
  static_cast<void>(std::fprintf(stderr, "perf_codec: PUSHMAIL_KERNELS=%s: this processor has no such kernels\n", kernels));
  std::_Exit(wrong_usage);
}

}  // namespace

BENCHMARK_MAIN();
