// Which kernels this processor runs. One line for each instruction set.
#include <array>

#include "codec/simd/kernels.h"

namespace pushmail::simd {

std::span<const Kernels* const> all_supported() {
  static constexpr std::array<const Kernels*, 2> best_first{&avx2_kernels, &scalar_kernels};
  static const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  return std::span(best_first).subspan(has_avx2 ? 0 : 1);
}

const Kernels& active() {
  static const Kernels& chosen = *all_supported().front();
  return chosen;
}

}  // namespace pushmail::simd
