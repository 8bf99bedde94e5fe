// Waiting for descriptors in a loop that must not spin when the wait itself fails.
#pragma once

#include <poll.h>

#include <span>

namespace pushmail {

/// poll(2). After a failure no descriptor is ready; one that is no signal is logged, once a minute at most for each thread, and costs a
/// short pause. `timeout_ms` below 0: without end.
void wait_on(std::span<pollfd> fds, int timeout_ms);

}  // namespace pushmail
