#include "core/descriptors.h"

#include <sys/resource.h>

#include <cerrno>

#include "core/log.h"

namespace pushmail {

std::uint64_t raise_descriptor_limit(std::uint64_t wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    log_error("descriptors_unknown").os_error(errno);
    return 0;
  }
  const rlimit most{limit.rlim_max, limit.rlim_max};
  if (limit.rlim_cur != limit.rlim_max && setrlimit(RLIMIT_NOFILE, &most) == 0) limit = most;
  const auto now = static_cast<std::uint64_t>(limit.rlim_cur);
  LogEvent(now < wanted ? LogLevel::warning : LogLevel::info, now < wanted ? "descriptors_few" : "descriptors")
      .number("limit", static_cast<std::int64_t>(now))
      .number("wanted", static_cast<std::int64_t>(wanted));
  return now;
}

}  // namespace pushmail
