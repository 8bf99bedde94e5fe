// What one line of the log costs the thread that logs it, the writer's thread aside; road.log_share is made of it.
//
//   perf_log LINES        prints {"cpu_us":X}, X being the thread's CPU time for a line; the lines go to stderr
#include <fmt/format.h>
#include <time.h>

#include <cstdlib>

#include "core/ids.h"
#include "core/log.h"
#include "core/log_writer.h"

namespace pushmail {
namespace {

constexpr int lines_max = 512;  // so many fit into the ring at once: none is dropped

double cpu_us() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

int run(int lines) {
  log_start("data", LogLevel::info, LogPersons::hashed);
  LogWriter writer;
  const TraceId trace = new_trace_id();
  const ItemId item = new_item_id(SystemClock().wall(), 1);
  double spent = 0;
  for (int done = 0; done < lines; done += lines_max) {
    const double before = cpu_us();
    for (int i = 0; i < lines_max; ++i) {
      log_info("outcome").item(item).trace(trace).peer("mmsc").text("state", "submitted").text("reason", "");
    }
    spent += cpu_us() - before;
    log_flush();
  }
  if (writer.dropped() != 0) return 74;
  const int written = (lines + lines_max - 1) / lines_max * lines_max;
  fmt::print("{{\"cpu_us\":{:.3f}}}\n", spent / written);
  return 0;
}

}  // namespace
}  // namespace pushmail

int main(int argc, char** argv) {
  if (argc != 2) return 64;
  return pushmail::run(static_cast<int>(std::strtol(argv[1], nullptr, 10)));
}
