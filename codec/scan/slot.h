// The place where codec threads find the present rules, and where new ones are put while they work.
//
//   writer (one thread)            readers (codec threads, each with its number)
//   publish(new)                   take(n)   once a turn: the newest set; what was taken before is given back
//   collect()  frees old sets      leave(n)  before a wait that may be long: nothing is held
//
// A reader does one store and two loads a turn and never waits. The writer numbers every publication; a reader notes the number
// before it looks at the pointer; an old set goes when every reader has noted a later number or left. No locks, no counted references.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "codec/scan/rule_set.h"

namespace pushmail::scan {

class RuleSetSlot {
 public:
  /// Starts with a set without rules.
  explicit RuleSetSlot(std::size_t reader_count);
  /// No reader may hold a set any more.
  ~RuleSetSlot();
  RuleSetSlot(const RuleSetSlot&) = delete;
  RuleSetSlot& operator=(const RuleSetSlot&) = delete;

  /// The present set, good until this reader's next take() or leave().
  [[nodiscard]] const RuleSet& take(std::size_t reader);
  void leave(std::size_t reader);

  /// Writer's thread only. The set before is kept until collect() finds it unused.
  void publish(std::unique_ptr<const RuleSet> set);
  /// Writer's thread only. Frees what no reader can hold; returns how many old sets are still held.
  std::size_t collect();

 private:
  static constexpr std::uint64_t holds_nothing = UINT64_MAX;
  struct alignas(64) Reader {
    std::atomic<std::uint64_t> noted = holds_nothing;
  };
  struct Retired {
    std::unique_ptr<const RuleSet> set;
    std::uint64_t number;  // of the publication that replaced it
  };

  std::vector<Reader> readers_;
  std::atomic<const RuleSet*> present_;
  std::atomic<std::uint64_t> number_ = 0;
  std::unique_ptr<const RuleSet> owned_;  // what present_ points to
  std::vector<Retired> retired_;
};

}  // namespace pushmail::scan
