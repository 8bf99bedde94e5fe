#include "dataplane/faults.h"

#ifndef NDEBUG
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <string>

#include "core/log_writer.h"
#endif

namespace pushmail {

#ifdef NDEBUG

FaultPoints fault_points_of_environment() { return {}; }

#else

namespace {

struct Plan {
  std::string step;
  std::atomic<int> left{1};
  int log = -1;  // open from the start: the user who dies may not be the one who may make it
};

void reach(void* context, std::string_view step) {
  auto& plan = *static_cast<Plan*>(context);
  // Sessions write `data.half`, the environment `data_half`.
  std::string name(step);
  std::replace(name.begin(), name.end(), '.', '_');
  if (name != plan.step || --plan.left != 0) return;
  const std::string line = fmt::format("{} {}\n", name, ::getpid());
  if (plan.log >= 0) {
    [[maybe_unused]] const ssize_t n = ::write(plan.log, line.data(), line.size());
  }
  log_flush();  // the lines before the end belong to the test's evidence
  ::raise(SIGKILL);
}

}  // namespace

FaultPoints fault_points_of_environment() {
  const char* asked = std::getenv("PUSHMAIL_KILL_AT");
  if (asked == nullptr || *asked == '\0') return {};
  // One for the life of the process, which it ends.
  static Plan plan;
  const std::string_view text(asked);
  const std::size_t colon = text.find(':');
  plan.step = std::string(text.substr(0, colon));
  int count = 1;
  if (colon != std::string_view::npos) std::from_chars(text.data() + colon + 1, text.data() + text.size(), count);
  plan.left = std::max(count, 1);
  if (const char* file = std::getenv("PUSHMAIL_KILL_LOG")) plan.log = ::open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  return {.reach = reach, .context = &plan};
}

#endif

}  // namespace pushmail
