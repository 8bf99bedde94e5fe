// Every kernel of every instruction set answers what the plain one does, for any bytes.
#include "core/result.h"
#include "tests/unit/codec/simd/compare.h"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pushmail;
  for (const simd::Kernels* row : simd::all_supported()) PM_CHECK(simd::difference(*row, ByteView(data, size)).empty());
  return 0;
}
