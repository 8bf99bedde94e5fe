#include "core/free_memory.h"

#include <sys/mman.h>

#include <cerrno>

#include "core/clock.h"
#include "core/log.h"
#include "core/log_pace.h"

namespace pushmail {

bool has_free_memory(std::size_t size) {
  // As the allocator gets it for what is large. Nothing is touched, so it costs no page.
  void* probe = ::mmap(nullptr, size + memory_kept, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (probe == MAP_FAILED) {
    const int error = errno;
    thread_local LogPace lines;
    if (const std::uint64_t failures = lines.count(SystemClock().now(), error); failures > 0)
      log_error("memory_short")
          .number("wanted", static_cast<std::int64_t>(size))
          .number("failures", static_cast<std::int64_t>(failures))
          .os_error(error);
    return false;
  }
  ::munmap(probe, size + memory_kept);
  return true;
}

}  // namespace pushmail
