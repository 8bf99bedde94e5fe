#include "dataplane/session/refusal_log.h"

#include <utility>

#include "core/log.h"

namespace pushmail {

void RefusalLog::note(const IpAddress& source, std::string_view reason, Instant now) {
  const IpAddress group = source_group(source);
  if (!of_source_.take(group.bytes, now) || !lines_.take(std::string_view{}, now)) {
    ++unwritten_;
    return;
  }
  log_warning(event_)
      .text("source", to_string(group))
      .text("reason", reason)
      .number("refused_since_last_line", std::exchange(unwritten_, 0));
}

}  // namespace pushmail
