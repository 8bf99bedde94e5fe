// `pushmailctl doctor`: whether this machine can serve what its configuration asks for, and the command that would mend what cannot.
//
// Came from: the configuration, /proc, /sys, the accounts of the machine, the peers. Goes to: the command line. Looking changes nothing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.h"

namespace pushmail::cli {

struct Finding {
  enum class State : std::uint8_t { good, warning, bad };
  std::string check{};   // `huge pages`
  std::string object{};  // what was looked at: a path, a peer, a key
  State state = State::good;
  std::string words{};
  std::string remedy{};  // a program and its arguments, divided by blanks; empty: there is none, or none is needed
};
[[nodiscard]] std::string_view to_string(Finding::State state);

/// Folder of the state and its disk, accounts, clock, addresses that are listened on, descriptors, the ends of our certificates; with
/// link.kind dpdk its port. Files of the kernel are read under `system`, which is / but in tests.
[[nodiscard]] std::vector<Finding> examine_machine(const Config& config, const std::filesystem::path& root,
                                                   const std::filesystem::path& system);
/// Whether a name server answers, and every peer in its own protocol (live_check.h).
[[nodiscard]] std::vector<Finding> examine_peers(const Config& config, const std::filesystem::path& root);
/// Runs a remedy, without a shell, and waits for it: whether it ended well.
[[nodiscard]] bool run_remedy(std::string_view remedy);

}  // namespace pushmail::cli
