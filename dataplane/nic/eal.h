// DPDK's environment abstraction layer, started once a process.
//
// It is kept out of the way: no huge pages unless asked for, no PCI scan without `allow`, no telemetry socket, its files in
// RUNTIME_DIRECTORY, its main lcore not pinned (a worker is an ordinary thread that registers itself).
#pragma once

#include <cstdint>
#include <string>

#include "core/result.h"

namespace pushmail {

struct EalOptions {
  std::string file_prefix;  // unique on the host: two processes with one prefix would share memory
  std::string vdev;         // net_tap0,iface=pm0 ...; empty: none
  std::string allow;        // PCI address; empty: none
  bool huge_pages = false;
  std::uint64_t memory_size = 0;  // bytes
};

/// Starts EAL. Call before any other thread exists: it blocks real-time signals for all of them. A vdev that fails does not fail this:
/// Port::open looks its port up by name.
[[nodiscard]] Result<void> start_eal(const EalOptions& options);
/// Makes the calling thread known to DPDK, so that it gets caches of the frame pools. Call in each worker thread.
void register_worker_thread();

}  // namespace pushmail
