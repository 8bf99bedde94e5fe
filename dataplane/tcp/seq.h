// Sequence numbers: 32 bits that wrap. Only differences mean something, and only below 2^31 apart (RFC 9293 §3.4).
#pragma once

#include <cstdint>

namespace pushmail::tcp {

struct Seq {
  std::uint32_t v = 0;
  bool operator==(const Seq&) const = default;
};

[[nodiscard]] constexpr Seq operator+(Seq at, std::uint32_t n) { return {at.v + n}; }
[[nodiscard]] constexpr Seq operator-(Seq at, std::uint32_t n) { return {at.v - n}; }
/// How far `a` lies behind `b`; negative when before it.
[[nodiscard]] constexpr std::int32_t operator-(Seq a, Seq b) { return static_cast<std::int32_t>(a.v - b.v); }
[[nodiscard]] constexpr bool operator<(Seq a, Seq b) { return a - b < 0; }
[[nodiscard]] constexpr bool operator>(Seq a, Seq b) { return a - b > 0; }
[[nodiscard]] constexpr bool operator<=(Seq a, Seq b) { return a - b <= 0; }
[[nodiscard]] constexpr bool operator>=(Seq a, Seq b) { return a - b >= 0; }
/// Bytes from `from` to `to`; the caller knows that from <= to.
[[nodiscard]] constexpr std::uint32_t distance(Seq from, Seq to) { return to.v - from.v; }
[[nodiscard]] constexpr Seq later(Seq a, Seq b) { return a < b ? b : a; }
[[nodiscard]] constexpr Seq earlier(Seq a, Seq b) { return a < b ? a : b; }

}  // namespace pushmail::tcp
