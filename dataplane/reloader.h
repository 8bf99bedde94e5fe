// Reads the configuration and every file that it names again, in the running program and in a thread of its own: rules take seconds to
// compile, which the I/O thread would take from the journal.
//
//   SIGHUP, or ask() ──> configuration, rules, certificates ──all good──> rules published, settings ──Reload──> worker
//                                     └── one is not ──> nothing changes; the reason in the log and ──Reload──> worker ──> control plane
#pragma once

#include <atomic>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <string>

#include "core/config.h"
#include "core/thread.h"
#include "core/tls_files.h"
#include "dataplane/reload.h"
#include "dataplane/ring.h"
#include "dataplane/rules/rule_keeper.h"

namespace pushmail {

class Reloader {
 public:
  using MakeSettings = std::function<WorkerSettings(const Config& config, TlsFiles files)>;
  /// `started`: what the program was started with. `rules` and `out` outlive it; nobody else sends on `out`.
  Reloader(std::filesystem::path root, const Config& started, MakeSettings make, RuleKeeper& rules, Ring<Reload>& out);
  Reloader(const Reloader&) = delete;
  Reloader& operator=(const Reloader&) = delete;
  ~Reloader();

  /// Starts the thread, which also waits on `reload_fd`, a signalfd that it does not own. Once.
  void watch(int reload_fd);
  /// By any thread. The answer names the latest query that came before it began.
  void ask(std::uint64_t query);
  /// Ends the thread.
  void stop();

 private:
  struct Fresh {
    Config config;
    scan::RuleSet rules;
    TlsFiles tls;
  };
  void run(int reload_fd);
  void reload();
  [[nodiscard]] std::expected<Fresh, std::string> read() const;

  std::filesystem::path root_;
  const Config started_;
  Config running_;
  MakeSettings make_;
  RuleKeeper& rules_;
  Ring<Reload>& out_;
  std::atomic<std::uint64_t> query_{0};
  std::atomic<bool> stopping_{false};
  int bell_ = -1;  // an eventfd
  Thread thread_;
};

}  // namespace pushmail
