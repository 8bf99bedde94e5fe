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

}  // namespace

void CodecLane::run(const std::atomic<bool>& stop) {
  while (!stop.load(std::memory_order_acquire)) {
    if (!step()) wait(stop);
  }
  rules_.leave(reader_);
}

bool CodecLane::step() {
  auto conversion = in_.receive();
  if (!conversion) {
    rules_.leave(reader_);
    return false;
  }
  taken_.pass(*conversion);
  relay::Converted converted = convert_if_there_is_room(std::move(*conversion));
  given_back_.pass(converted);
  out_.send(std::move(converted));
  out_.flush();
  return true;
}

void CodecLane::wait(const std::atomic<bool>& stop) {
  const bool flushed = out_.flush();
  bell_.announce();
  pollfd ready{.fd = bell_.fd(), .events = POLLIN, .revents = 0};
  if (in_.empty() && !stop.load(std::memory_order_acquire)) wait_on({&ready, 1}, flushed ? 1000 : 1);
  bell_.awake();
}

/// Without memory for a set's scratch no mail can be judged, and none may pass unjudged; and a conversion that ran out of memory midway
/// would end the process.
relay::Converted CodecLane::convert_if_there_is_room(relay::Conversion conversion) {
  const scan::RuleSet& set = rules_.take(reader_);
  Result<void> ready = scratch_.prepare(set);
  if (ready && !has_free_memory(room_for_each_byte * conversion.body.size())) ready = fail(relay::relay_no_room);
  if (ready) return relay::convert(std::move(conversion), {.set = &set, .scratch = &scratch_});
  relay::Converted put_off;
  put_off.item = conversion.item;
  put_off.work = conversion.work;
  put_off.body = std::move(conversion.body);
  put_off.error = ready.error();
  return put_off;
}

void CodecLane::check() const { PM_CHECK(taken_ == given_back_); }

}  // namespace pushmail
