#include "controlplane/cli/timer_list.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>

#include "controlplane/cli/keys_page.h"
#include "controlplane/cli/table.h"

namespace pushmail::cli {

namespace {

std::string length_words(Duration wait) {
  return wait.us() % 1000 == 0 ? as_written(wait.ms(), KeyType::duration) : fmt::format("{}us", wait.us());
}

}  // namespace

void print_timers(std::ostream& out, std::span<const PlaneTimers> planes) {
  Table table({"plane", "timer", "of", "first", "most", "jitter", "what"});
  for (const PlaneTimers& plane : planes) {
    for (const Timer& timer : plane.timers) {
      table.add({std::string(plane.name), std::string(timer.name), std::string(timer.who), length_words(timer.first),
                 timer.most == timer.first ? std::string() : length_words(timer.most),
                 timer.jitter_percent == 0 ? std::string() : fmt::format("{} %", timer.jitter_percent), std::string(timer.what)});
    }
  }
  table.print(out);
}

void print_timers(std::ostream& out, bool as_json) {
  if (!as_json) return print_timers(out, all_timers);
  auto rows = nlohmann::ordered_json::array();
  for (const PlaneTimers& plane : all_timers) {
    for (const Timer& timer : plane.timers) {
      rows.push_back({{"plane", plane.name},
                      {"timer", timer.name},
                      {"of", timer.who},
                      {"first_ms", timer.first.ms()},
                      {"most_ms", timer.most.ms()},
                      {"jitter_percent", timer.jitter_percent},
                      {"what", timer.what}});
    }
  }
  out << rows.dump(2) << '\n';
}

}  // namespace pushmail::cli
