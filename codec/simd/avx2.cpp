// The row of the kernels that use AVX2, BMI1 and BMI2.
#include "codec/simd/avx2.h"

namespace pushmail::simd {

const Kernels avx2_kernels{
    .name = "avx2",
    .base64_decode = avx2::base64_decode,
    .base64_encode = avx2::base64_encode,
    .qp_decode = avx2::qp_decode,
    .qp_encode = avx2::qp_encode,
    .utf8_valid_prefix = avx2::utf8_valid_prefix,
    .find_byte = avx2::find_byte,
    .find_dash_line = avx2::find_dash_line,
    .find_dot_line = avx2::find_dot_line,
    .find_field_end = avx2::find_field_end,
    .single_byte_to_utf8 = avx2::single_byte_to_utf8,
    .shift_jis_to_utf8 = avx2::shift_jis_to_utf8,
    .iso2022jp_to_utf8 = avx2::iso2022jp_to_utf8,
};

}  // namespace pushmail::simd
