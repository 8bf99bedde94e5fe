// How one thing does that works or does not: since when, and its last error. Fed by whoever sees it work or fail, as often as they like.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/clock.h"

namespace pushmail::status {

class Health {
 public:
  enum class State : std::uint8_t { untried, works, fails };

  void works(Timestamp now) { enter(State::works, now); }
  /// `reason` may be a stranger's words; the first 300 bytes are kept.
  void fails(std::string_view reason, Timestamp now);

  [[nodiscard]] State state() const { return state_; }
  /// When it began to do as it does; 0: untried.
  [[nodiscard]] Timestamp since() const { return since_; }
  /// The last error and when it was seen last, also of what works again.
  [[nodiscard]] const std::string& error() const { return error_; }
  [[nodiscard]] Timestamp error_at() const { return error_at_; }
  /// How often it came to fail.
  [[nodiscard]] std::uint64_t failures() const { return failures_; }

 private:
  void enter(State state, Timestamp now);

  State state_ = State::untried;
  Timestamp since_{};
  std::string error_{};
  Timestamp error_at_{};
  std::uint64_t failures_ = 0;
};

}  // namespace pushmail::status
