#include "controlplane/status/health.h"

namespace pushmail::status {

namespace {

constexpr std::size_t error_size_max = 300;

}  // namespace

void Health::fails(std::string_view reason, Timestamp now) {
  if (state_ != State::fails) ++failures_;
  enter(State::fails, now);
  error_ = reason.substr(0, error_size_max);
  error_at_ = now;
}

void Health::enter(State state, Timestamp now) {
  if (state_ == state) return;
  state_ = state;
  since_ = now;
}

}  // namespace pushmail::status
