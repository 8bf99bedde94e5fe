// Time zones by their IANA names, out of the machine's TZif files (RFC 9636), so that "07:00" is the subscriber's seven o'clock.
//
// parse_tzif() is pure; load_zone() reads the file once and keeps it. No process-wide TZ, no C library time functions.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/clock.h"

namespace pushmail::schedule {

/// `CET-1CEST,M3.5.0,M10.5.0/3`: what holds after the last transition of the file (POSIX TZ, RFC 9636 §3.3).
struct PosixRule {
  struct Change {
    enum class Kind : std::uint8_t { month_week_day, julian, day_of_year };
    Kind kind = Kind::month_week_day;
    int month = 0, week = 0, day = 0;
    int second = 7200;  // of the local day
  };
  int standard_offset = 0;  // seconds east of UTC
  std::optional<int> summer_offset{};
  Change begins{}, ends{};
};
[[nodiscard]] std::optional<PosixRule> parse_posix_rule(std::string_view text);

class Zone {
 public:
  /// Seconds east of UTC at this time.
  [[nodiscard]] int offset_at(std::int64_t unix_seconds) const;

 private:
  friend std::optional<Zone> parse_tzif(ByteView file);
  struct Transition {
    std::int64_t at;
    int offset;
  };
  std::vector<Transition> transitions_;
  int first_offset_ = 0;
  std::optional<PosixRule> rule_{};
};

[[nodiscard]] std::optional<Zone> parse_tzif(ByteView file);
/// Nothing when the name is not that of a zone of this machine. `UTC` needs no file.
[[nodiscard]] std::shared_ptr<const Zone> load_zone(std::string_view name);

}  // namespace pushmail::schedule
