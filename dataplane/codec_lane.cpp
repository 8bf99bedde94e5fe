#include "dataplane/codec_lane.h"

#include <poll.h>

#include <utility>

namespace pushmail {

void run_codec_lane(Ring<relay::Conversion>& in, Ring<relay::Converted>& out, Wake& bell, const std::atomic<bool>& stop) {
  while (!stop.load(std::memory_order_acquire)) {
    if (auto conversion = in.receive()) {
      out.send(relay::convert(std::move(*conversion)));
      out.flush();
      continue;
    }
    const bool flushed = out.flush();
    bell.announce();
    pollfd ready{.fd = bell.fd(), .events = POLLIN, .revents = 0};
    if (in.empty() && !stop.load(std::memory_order_acquire)) ::poll(&ready, 1, flushed ? 1000 : 1);
    bell.awake();
  }
}

}  // namespace pushmail
