// `timer list`: the waits of both planes as core/timers.h has them, for people or as JSON.
#pragma once

#include <array>
#include <ostream>
#include <span>
#include <string_view>

#include "core/timers.h"

namespace pushmail::cli {

struct PlaneTimers {
  std::string_view name;
  std::span<const Timer> timers;
};
inline constexpr std::array all_timers{PlaneTimers{"control", timers::of_control_plane}, PlaneTimers{"data", timers::of_data_plane}};

/// For people: one line each.
void print_timers(std::ostream& out, std::span<const PlaneTimers> planes);
/// `all_timers`.
void print_timers(std::ostream& out, bool as_json);

}  // namespace pushmail::cli
