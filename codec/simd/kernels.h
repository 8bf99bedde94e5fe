// The rows that dispatch.cpp chooses from, one for each file of kernels. Not for use outside this folder.
#pragma once

#include "codec/simd/simd.h"

namespace pushmail::simd {

extern const Kernels scalar_kernels;

}  // namespace pushmail::simd
