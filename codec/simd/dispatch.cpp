// Which kernels this processor runs. One line for each instruction set.
#include <array>

#include "codec/simd/kernels.h"

namespace pushmail::simd {

std::span<const Kernels* const> all_supported() {
  static constexpr std::array<const Kernels*, 3> best_first{&avx512_kernels, &avx2_kernels, &scalar_kernels};
  static const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  static const bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                                 __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2");
  return std::span(best_first).subspan(has_avx512 ? 0 : has_avx2 ? 1 : 2);
}

const Kernels& active() {
  static const Kernels& chosen = *all_supported().front();
  return chosen;
}

}  // namespace pushmail::simd
