#include "dataplane/codec_lane.h"

#include <poll.h>

#include <utility>

namespace pushmail {

namespace {

/// Without memory for a set's scratch no mail can be judged, and none may pass unjudged.
relay::ContentRules present_rules(scan::RuleSetSlot& rules, std::size_t lane, scan::Scratch& scratch) {
  const scan::RuleSet& set = rules.take(lane);
  const auto prepared = scratch.prepare(set);
  PM_CHECK(prepared.has_value());
  return {.set = &set, .scratch = &scratch};
}

}  // namespace

void run_codec_lane(Ring<relay::Conversion>& in, Ring<relay::Converted>& out, Wake& bell, scan::RuleSetSlot& rules, std::size_t lane, const std::atomic<bool>& stop) {
  scan::Scratch scratch;
  while (!stop.load(std::memory_order_acquire)) {
    if (auto conversion = in.receive()) {
      out.send(relay::convert(std::move(*conversion), present_rules(rules, lane, scratch)));
      out.flush();
      continue;
    }
    rules.leave(lane);
    const bool flushed = out.flush();
    bell.announce();
    pollfd ready{.fd = bell.fd(), .events = POLLIN, .revents = 0};
    if (in.empty() && !stop.load(std::memory_order_acquire)) ::poll(&ready, 1, flushed ? 1000 : 1);
    bell.awake();
  }
  rules.leave(lane);
}

}  // namespace pushmail
