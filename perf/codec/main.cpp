// The codec's figures: every other file of this folder registers its own.
#include <benchmark/benchmark.h>

BENCHMARK_MAIN();
