// What came of reading the configuration again, on its way from the reloader to the worker, and from there to the control plane.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/worker_settings.h"

namespace pushmail {

struct Reload {
  std::uint64_t query = 0;                     // of the control plane that asked last; 0: none did
  std::uint64_t configuration = 0;             // Config::generation() of what is in force now
  std::unique_ptr<WorkerSettings> settings{};  // null: nothing changes
  std::string refusal{};                       // why
  std::vector<std::string> at_restart{};       // keys whose new values wait for the next start
};

}  // namespace pushmail
