// Whether the other end of a connection still answers, asked only when somebody else wants its place.
//
// Nothing is sent to find out: an end that has read all we wrote, or said something since the last look, answers. One that has left
// something unread and said nothing for timers::handoff_silence does not: it is stopped, or hangs. A process that has ended is no case
// of this: its socket is closed.
#pragma once

#include <cstdint>

#include "core/clock.h"
#include "core/timers.h"

namespace pushmail::handoff {

class Silence {
 public:
  /// Whether it answers. `has_unread`: it has not read all that we wrote; `said`: how many bytes came from it so far.
  [[nodiscard]] bool answers(Instant now, bool has_unread, std::uint64_t said) {
    if (!has_unread || !lasts_ || said != said_) {
      lasts_ = has_unread;
      since_ = now;
      said_ = said;
      return true;
    }
    return now - since_ < timers::handoff_silence;
  }

 private:
  bool lasts_ = false;
  Instant since_{};
  std::uint64_t said_ = 0;
};

}  // namespace pushmail::handoff
