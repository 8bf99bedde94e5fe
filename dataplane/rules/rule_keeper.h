// The operator's content rules in the running program: read at start, read again at SIGHUP, handed to the codec lane.
//
//   file --load_rules--> RuleSet --RuleSetSlot--> codec lane (take before each mail)
//            ^ at start (main) and at each SIGHUP (the keeper's own thread: compiling may take seconds)
//
// Invariant: a file with a mistake changes nothing: the rules before stay, and each mistake is logged with its file, line and rule.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>

#include "codec/scan/rule_file.h"
#include "codec/scan/rule_set.h"
#include "codec/scan/slot.h"
#include "core/thread.h"

namespace pushmail {

class RuleKeeper {
 public:
  /// `reader_count` codec lanes.
  RuleKeeper(std::filesystem::path file, scan::RuleSet first, std::size_t reader_count);
  ~RuleKeeper();
  RuleKeeper(const RuleKeeper&) = delete;
  RuleKeeper& operator=(const RuleKeeper&) = delete;

  [[nodiscard]] scan::RuleSetSlot& slot() { return slot_; }
  /// Starts the thread that reads the file again whenever `reload_fd` (a signalfd; not owned) is readable. Once.
  void watch(int reload_fd);
  /// Ends that thread; the readers must have left before the keeper goes.
  void stop();

 private:
  void run(int reload_fd);
  void reload();

  std::filesystem::path file_;
  scan::RuleSetSlot slot_;
  int stop_fd_ = -1;
  Thread thread_;
};

}  // namespace pushmail
