// Says in the log that strangers are refused, without letting them write the log: one line a minute for each source, and so many in all.
#pragma once

#include <string_view>

#include "core/budget.h"

namespace pushmail {

class RefusalLog {
 public:
  /// `event` is a literal.
  explicit RefusalLog(std::string_view event) : event_(event) {}
  void note(const IpAddress& source, std::string_view reason, Instant now);

 private:
  std::string_view event_;
  Budget of_source_{{.count = 1, .window = seconds(60)}, 4096};
  Budget lines_{{.count = 60, .window = seconds(60)}, 8};
  std::int64_t unwritten_ = 0;
};

}  // namespace pushmail
