#include "controlplane/schedule/due.h"

#include <algorithm>

#include "core/ascii.h"

namespace pushmail::schedule {

namespace {

constexpr std::int64_t us_per_second = 1'000'000;
constexpr std::int64_t day_seconds = 86'400;

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0); }

// FNV-1a: spreads ids that differ in a few characters; it is no secret.
std::uint64_t spread(std::string_view key) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

// The UTC time at which the zone's clock shows this local time. A time that a change of the clock skips comes when the clock jumps
// past it; one that comes twice counts the first time.
std::int64_t utc_of_local(const Zone* zone, std::int64_t local) {
  if (zone == nullptr) return local;
  const std::int64_t early = local - zone->offset_at(local - day_seconds);
  const std::int64_t late = local - zone->offset_at(local + day_seconds);
  for (const std::int64_t candidate : {std::min(early, late), std::max(early, late)}) {
    if (candidate + zone->offset_at(candidate) == local) return candidate;
  }
  return std::max(early, late);
}

}  // namespace

std::optional<std::vector<int>> parse_times(std::string_view text) {
  std::vector<int> times;
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view one = ascii_trim(text.substr(0, comma));
    const auto digit = [&](std::size_t at) { return is_digit(one[at]) ? one[at] - '0' : -100; };
    if (one.size() != 5 || one[2] != ':') return std::nullopt;
    const int hour = digit(0) * 10 + digit(1);
    const int minute = digit(3) * 10 + digit(4);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59) return std::nullopt;
    times.push_back(hour * 60 + minute);
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  std::sort(times.begin(), times.end());
  times.erase(std::unique(times.begin(), times.end()), times.end());
  return times;
}

Timestamp next_due(const Plan& plan, Timestamp last) {
  if (plan.mode == Plan::Mode::round_robin) {
    // Each mailbox has its own point in every round, so a restart neither floods the servers nor skips anybody.
    const std::int64_t round = std::max<std::int64_t>(plan.round.us(), us_per_second);
    const auto point = static_cast<std::int64_t>(spread(plan.key) % static_cast<std::uint64_t>(round));
    return {(floor_div(last.us - point, round) + 1) * round + point};
  }
  const std::int64_t last_second = floor_div(last.us, us_per_second);
  const int offset = plan.zone == nullptr ? 0 : plan.zone->offset_at(last_second);
  const std::int64_t today = floor_div(last_second + offset, day_seconds);
  std::optional<std::int64_t> best;
  // Yesterday too: where the clock goes back over midnight, a time of the old day may still be ahead.
  for (std::int64_t day = today - 1; day <= today + 2; ++day) {
    for (const int minute : plan.times) {
      const std::int64_t at = utc_of_local(plan.zone, day * day_seconds + minute * 60);
      if (at * us_per_second > last.us && (!best || at < *best)) best = at;
    }
  }
  return best ? Timestamp{*best * us_per_second} : Timestamp{last.us + day_seconds * us_per_second};
}

}  // namespace pushmail::schedule
