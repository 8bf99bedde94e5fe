// Which kernels this processor runs. One line for each instruction set.
#include <algorithm>
#include <array>

#include "codec/simd/choice.h"
#include "codec/simd/kernels.h"

namespace pushmail::simd {
namespace {

const Kernels* chosen_by_name = nullptr;  // null: the best
bool is_asked_for = false;                // written once, while active() makes its choice

const Kernels& choice() {
  is_asked_for = true;
  return chosen_by_name != nullptr ? *chosen_by_name : *all_supported().front();
}

}  // namespace

std::span<const Kernels* const> all_supported() {
  static constexpr std::array<const Kernels*, 3> best_first{&avx512_kernels, &avx2_kernels, &scalar_kernels};
  static const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  static const bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                                 __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi") &&
                                 __builtin_cpu_supports("avx512vbmi2");
  return std::span(best_first).subspan(has_avx512 ? 0 : has_avx2 ? 1 : 2);
}

const Kernels& active() {
  static const Kernels& chosen = choice();
  return chosen;
}

bool choose(std::string_view name) {
  const auto rows = all_supported();
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const Kernels* kernels) { return kernels->name == name; });
  if (is_asked_for || row == rows.end()) return false;
  chosen_by_name = *row;
  return true;
}

}  // namespace pushmail::simd
