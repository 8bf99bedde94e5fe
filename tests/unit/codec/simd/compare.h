// One input through every kernel of a row and of scalar; says which one answers otherwise. The unit test and the fuzz target share it.
#pragma once

#include <algorithm>

#include "codec/simd/simd.h"

namespace pushmail::simd {

inline const Kernels& scalar_kernels_of() { return *all_supported().back(); }

inline bool operator==(const Decoded& a, const Decoded& b) {
  return a.used == b.used && a.written == b.written && a.faults == b.faults && a.first_fault == b.first_fault;
}

/// The name of the first kernel of `row` that answers other than scalar does for `in`, or empty.
inline std::string difference(const Kernels& row, ByteView in) {
  const Kernels& oracle = scalar_kernels_of();
  const auto decoders_differ = [&](auto kernel, std::size_t out_size) {
    Bytes a(out_size);
    Bytes b(out_size);
    const Decoded ours = (row.*kernel)(in, a);
    const Decoded theirs = (oracle.*kernel)(in, b);
    return !(ours == theirs) || !std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(ours.written), b.begin());
  };
  const auto encoders_differ = [&](auto encode, std::size_t out_size) {
    Bytes a(out_size);
    Bytes b(out_size);
    a.resize(encode(row, a));
    b.resize(encode(oracle, b));
    return a != b;
  };
  if (decoders_differ(&Kernels::base64_decode, base64_decoded_max(in.size()))) return "base64_decode";
  if (decoders_differ(&Kernels::qp_decode, in.size())) return "qp_decode";
  if (encoders_differ([&](const Kernels& k, Bytes& out) { return k.base64_encode(in, out); }, base64_encoded_size(in.size())))
    return "base64_encode";
  for (const QpMode mode : {QpMode::text, QpMode::binary}) {
    if (encoders_differ([&](const Kernels& k, Bytes& out) { return k.qp_encode(in, out, mode); }, qp_encoded_max(in.size())))
      return "qp_encode";
  }
  if (row.utf8_valid_prefix(in) != oracle.utf8_valid_prefix(in)) return "utf8_valid_prefix";
  const std::size_t from = in.size() / 5;
  for (const std::size_t start : {std::size_t{0}, from}) {
    for (const std::uint8_t byte : {std::uint8_t{'\n'}, std::uint8_t{'a'}, std::uint8_t{0xFF}}) {
      if (row.find_byte(in, start, byte) != oracle.find_byte(in, start, byte)) return "find_byte";
    }
    if (row.find_dash_line(in, start) != oracle.find_dash_line(in, start)) return "find_dash_line";
    if (row.find_dot_line(in, start) != oracle.find_dot_line(in, start)) return "find_dot_line";
    if (row.find_field_end(in, start) != oracle.find_field_end(in, start)) return "find_field_end";
  }
  const auto charset_differs = [&](auto convert) {
    Bytes a(charset_utf8_max(in.size()));
    Bytes b(a.size());
    const Converted ours = convert(row, a);
    const Converted theirs = convert(oracle, b);
    return ours.used != theirs.used || ours.written != theirs.written ||
           !std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(ours.written), b.begin());
  };
  for (const std::string_view name : {"CP1252", "KOI8-R"}) {
    if (charset_differs(
            [&](const Kernels& k, Bytes& out) { return Converted{in.size(), k.single_byte_to_utf8(in, out, *single_byte_charset(name))}; }))
      return "single_byte_to_utf8";
  }
  if (charset_differs([&](const Kernels& k, Bytes& out) { return k.shift_jis_to_utf8(in, out); })) return "shift_jis_to_utf8";
  if (charset_differs([&](const Kernels& k, Bytes& out) { return k.iso2022jp_to_utf8(in, out); })) return "iso2022jp_to_utf8";
  return "";
}

}  // namespace pushmail::simd
