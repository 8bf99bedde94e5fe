// What a configuration that was read again says differently: what a running program takes now, and what waits for its next start.
//
// Came from: each program at SIGHUP and `pushmailctl reload`. Goes to: its log and the answer of the reload. Whether a key is taken says
// its row (core/config_keys.cpp).
#pragma once

#include <string>
#include <vector>

#include "core/config.h"

namespace pushmail {

/// Keys as a file writes them, `peer.mmsc1.url`, in the order of their names.
struct ConfigChanges {
  std::vector<std::string> taken{};
  std::vector<std::string> at_restart{};
};

/// `started`: what the program was started with, and still has of all keys that need a restart. `running`: what it took last.
[[nodiscard]] ConfigChanges changes_of(const Config& started, const Config& running, const Config& fresh);

}  // namespace pushmail
