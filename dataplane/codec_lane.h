// The codec lane: one thread per worker that converts, so that a large message never holds up the turn.
//
// Came from: the worker's relay (Conversion, with the message's bytes). Goes to: back to the relay (Converted). The content is a
// stranger's; the code that reads it is pure and bounded (codec/*).
#pragma once

#include <atomic>
#include <cstdint>

#include "codec/scan/slot.h"
#include "dataplane/relay/conversion.h"
#include "dataplane/ring.h"

namespace pushmail {

class CodecLane {
 public:
  /// The rules are taken before each conversion, as reader `reader` of the slot. `bell` is rung for what comes in.
  CodecLane(Ring<relay::Conversion>& in, Ring<relay::Converted>& out, Wake& bell, scan::RuleSetSlot& rules, std::size_t reader)
      : in_(in), out_(out), bell_(bell), rules_(rules), reader_(reader) {}

  /// The thread: runs until `stop`; ring `bell` afterwards so that it is seen.
  void run(const std::atomic<bool>& stop);
  /// Converts what came first; false, and no rules are held, when nothing is there.
  bool step();

  /// Stops the program when something was taken that was not given back, or given back as something else. Between steps.
  void check() const;

 private:
  struct Passed {
    std::uint64_t count = 0;
    ItemId last{};
    relay::Work work = relay::Work::peek;
    bool operator==(const Passed&) const = default;
    void pass(const auto& one) { *this = {.count = count + 1, .last = one.item, .work = one.work}; }
  };
  [[nodiscard]] relay::Converted convert_if_there_is_room(relay::Conversion conversion);
  void wait(const std::atomic<bool>& stop);

  Ring<relay::Conversion>& in_;
  Ring<relay::Converted>& out_;
  Wake& bell_;
  scan::RuleSetSlot& rules_;
  std::size_t reader_;
  scan::Scratch scratch_;
  Passed taken_, given_back_;
};

}  // namespace pushmail
