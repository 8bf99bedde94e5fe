#include "core/wait_on.h"

#include <cerrno>

#include "core/clock.h"
#include "core/log.h"
#include "core/log_pace.h"

namespace pushmail {

namespace {

constexpr int pause_ms = 10;

}  // namespace

void wait_on(std::span<pollfd> fds, int timeout_ms) {
  if (::poll(fds.data(), fds.size(), timeout_ms) >= 0) return;
  const int error = errno;
  for (pollfd& fd : fds) fd.revents = 0;
  if (error == EINTR) return;
  thread_local LogPace lines;
  if (const std::uint64_t failures = lines.count(SystemClock().now(), error); failures > 0)
    log_error("wait_failed").number("failures", static_cast<std::int64_t>(failures)).os_error(error);
  ::poll(nullptr, 0, pause_ms);
}

}  // namespace pushmail
