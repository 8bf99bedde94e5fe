// Which kernels this processor runs. One line for each instruction set.
#include <array>

#include "codec/simd/kernels.h"

namespace pushmail::simd {

std::span<const Kernels* const> all_supported() {
  static constexpr std::array<const Kernels*, 1> supported{&scalar_kernels};
  return supported;
}

const Kernels& active() {
  static const Kernels& chosen = *all_supported().front();
  return chosen;
}

}  // namespace pushmail::simd
