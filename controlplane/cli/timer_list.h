// `timer list`: the waits of both planes as core/timers.h has them, for people or as JSON.
#pragma once

#include <ostream>

namespace pushmail::cli {

void print_timers(std::ostream& out, bool as_json);

}  // namespace pushmail::cli
