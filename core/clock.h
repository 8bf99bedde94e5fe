// Time. The only place that asks the system for it (tests/tidy bans the calls elsewhere), so that a test can be its own clock.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "core/result.h"

namespace pushmail {

/// Wall time: microseconds UTC since 1970. Waits that are stored go by it (core/wall_steps.h), those in memory by Instant.
struct Timestamp {
  std::int64_t us = 0;
  auto operator<=>(const Timestamp&) const = default;
};

/// A length of monotonic time in nanoseconds.
struct Duration {
  std::int64_t ns = 0;
  auto operator<=>(const Duration&) const = default;
  [[nodiscard]] constexpr std::int64_t ms() const { return ns / 1'000'000; }
  [[nodiscard]] constexpr std::int64_t us() const { return ns / 1'000; }
};
[[nodiscard]] constexpr Duration microseconds(std::int64_t n) { return {n * 1'000}; }
[[nodiscard]] constexpr Duration milliseconds(std::int64_t n) { return {n * 1'000'000}; }
[[nodiscard]] constexpr Duration seconds(std::int64_t n) { return {n * 1'000'000'000}; }

/// A point of monotonic time in nanoseconds; its zero means nothing.
struct Instant {
  std::int64_t ns = 0;
  auto operator<=>(const Instant&) const = default;
};
[[nodiscard]] constexpr Instant operator+(Instant at, Duration d) { return {at.ns + d.ns}; }
[[nodiscard]] constexpr Duration operator-(Instant a, Instant b) { return {a.ns - b.ns}; }

/// The seam: SystemClock in the programs, a clock moved by hand in tests and in the simulation.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Timestamp wall() const = 0;
  [[nodiscard]] virtual Instant now() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] Timestamp wall() const override;
  [[nodiscard]] Instant now() const override;
};

/// RFC 3339 with milliseconds and Z: `2026-11-23T21:54:12.123Z`.
[[nodiscard]] std::string format_rfc3339(Timestamp at);
/// Reads RFC 3339, with `Z`, an offset, or neither (taken as UTC); fraction optional.
[[nodiscard]] Result<Timestamp> parse_rfc3339(std::string_view text);
/// RFC 5322 §3.3 in UTC: `Mon, 23 Nov 2026 21:54:12 +0000`.
[[nodiscard]] std::string format_rfc5322(Timestamp at);
/// `ends in 12 days`, `ended 3 days ago`.
[[nodiscard]] std::string end_in_words(Timestamp ends, Timestamp now);

}  // namespace pushmail
