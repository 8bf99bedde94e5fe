#include "dataplane/nic/eal.h"

#include <fmt/format.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "core/limits.h"
#include "core/log.h"
#include "dataplane/nic/errors.h"

namespace pushmail {

namespace {

// net_tap has the kernel send a real-time signal per packet; port.cpp turns that off. A signal that slips through before makes the
// driver's receive function wait for the next one, which never comes: the port would be deaf. So none is ever delivered: this thread and
// those of EAL have this mask, ours take no signal at all (core/thread.h), and the driver, never having seen one, reads whenever it is
// asked.
void block_tap_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGIO);
  for (int number = SIGRTMIN; number <= SIGRTMAX; ++number) sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

}  // namespace

Result<void> start_eal(const EalOptions& options) {
  block_tap_signals();
  std::vector<std::string> arguments{"pushmail-dataplane", "--no-telemetry", "--file-prefix", options.file_prefix, "--log-level", "warning",
                                     // One lcore for the main thread, free to run anywhere: workers pin themselves.
                                     "--lcores", fmt::format("0@(0-{})", std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)) - 1)};
  arguments.insert(arguments.end(), {"-m", std::to_string(options.memory_size / limits::MiB)});
  if (!options.huge_pages) arguments.emplace_back("--no-huge");
  if (options.allow.empty()) {
    arguments.emplace_back("--no-pci");
  } else {
    arguments.insert(arguments.end(), {"--allow", options.allow});
  }
  if (!options.vdev.empty()) arguments.insert(arguments.end(), {"--vdev", options.vdev});

  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  if (rte_eal_init(static_cast<int>(argv.size()), argv.data()) < 0) {
    log_error("eal_failed").text("reason", rte_strerror(rte_errno));
    return fail(nic_eal_failed);
  }
  return {};
}

void register_worker_thread() {
  // Without it the pools work too, only without a cache; so a failure is no reason to stop.
  if (rte_lcore_id() == LCORE_ID_ANY && rte_thread_register() != 0)
    log_warning("worker_thread_without_cache").text("reason", rte_strerror(rte_errno));
}

}  // namespace pushmail
