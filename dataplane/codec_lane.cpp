#include "dataplane/codec_lane.h"

#include <poll.h>

#include <utility>

#include "core/free_memory.h"
#include "core/wait_on.h"
#include "dataplane/relay/errors.h"

namespace pushmail {

namespace {

// The parts of a mail, their decoded forms and the message made of them, for each byte of the mail.
constexpr std::size_t room_for_each_byte = 8;

/// Without memory for a set's scratch no mail can be judged, and none may pass unjudged; and a conversion that ran out of memory midway
/// would end the process.
relay::Converted convert_if_there_is_room(relay::Conversion conversion, scan::RuleSetSlot& rules, std::size_t lane,
                                          scan::Scratch& scratch) {
  const scan::RuleSet& set = rules.take(lane);
  Result<void> ready = scratch.prepare(set);
  if (ready && !has_free_memory(room_for_each_byte * conversion.body.size())) ready = fail(relay::relay_no_room);
  if (ready) return relay::convert(std::move(conversion), {.set = &set, .scratch = &scratch});
  relay::Converted put_off;
  put_off.item = conversion.item;
  put_off.work = conversion.work;
  put_off.body = std::move(conversion.body);
  put_off.error = ready.error();
  return put_off;
}

}  // namespace

void run_codec_lane(Ring<relay::Conversion>& in, Ring<relay::Converted>& out, Wake& bell, scan::RuleSetSlot& rules, std::size_t lane,
                    const std::atomic<bool>& stop) {
  scan::Scratch scratch;
  while (!stop.load(std::memory_order_acquire)) {
    if (auto conversion = in.receive()) {
      out.send(convert_if_there_is_room(std::move(*conversion), rules, lane, scratch));
      out.flush();
      continue;
    }
    rules.leave(lane);
    const bool flushed = out.flush();
    bell.announce();
    pollfd ready{.fd = bell.fd(), .events = POLLIN, .revents = 0};
    if (in.empty() && !stop.load(std::memory_order_acquire)) wait_on({&ready, 1}, flushed ? 1000 : 1);
    bell.awake();
  }
  rules.leave(lane);
}

}  // namespace pushmail
