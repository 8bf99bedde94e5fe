// Time zones by name, as far as an invitation needs them: how far the clocks of `Europe/Madrid` are before UTC. Not for use outside this
// folder.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace pushmail::convert {

/// Seconds before UTC in the zone of that IANA name at `utc_seconds` since 1970, by the rules that hold today: an invitation speaks of the
/// days to come. Nothing for a name that is not in the table.
[[nodiscard]] std::optional<std::int32_t> zone_offset(std::string_view name, std::int64_t utc_seconds);
/// The same where a clock on the wall of the zone shows `wall_seconds`. An hour that comes twice is the first of them.
[[nodiscard]] std::optional<std::int32_t> zone_offset_at_wall(std::string_view name, std::int64_t wall_seconds);

}  // namespace pushmail::convert
