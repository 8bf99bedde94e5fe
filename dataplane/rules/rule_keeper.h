// The operator's content rules in the running program: read at start and at each reload, handed to the codec lane.
//
//   file --load_rules--> RuleSet --RuleSetSlot--> codec lane (take before each mail)
//            ^ at start (main), and by the reloader's thread: compiling may take seconds
//
// Invariant: only a set without a mistake comes here; who read the file says what is wrong with one.
#pragma once

#include <filesystem>

#include "codec/scan/rule_file.h"
#include "codec/scan/rule_set.h"
#include "codec/scan/slot.h"

namespace pushmail {

class RuleKeeper {
 public:
  /// `reader_count` codec lanes.
  RuleKeeper(const std::filesystem::path& file, scan::RuleSet first, std::size_t reader_count);
  RuleKeeper(const RuleKeeper&) = delete;
  RuleKeeper& operator=(const RuleKeeper&) = delete;

  [[nodiscard]] scan::RuleSetSlot& slot() { return slot_; }
  /// By one thread at a time, as collect().
  void replace(const std::filesystem::path& file, scan::RuleSet set);
  /// Frees sets that no reader holds; how many are still held.
  std::size_t collect() { return slot_.collect(); }

 private:
  scan::RuleSetSlot slot_;
};

}  // namespace pushmail
