#include "dataplane/tcp/sim_link.h"

#include <algorithm>

#include "core/result.h"

namespace pushmail::tcp {

namespace {
constexpr std::size_t ethernet_header_size = 14;

bool is_ipv4(ByteView frame) {
  return frame.size() > ethernet_header_size && load<std::uint16_t>(frame.data() + 12, std::endian::big) == 0x0800;
}
}  // namespace

std::size_t SimDevice::receive(std::span<Frame> into) {
  const std::size_t count = std::min(into.size(), arrived_.size());
  std::copy_n(arrived_.begin(), count, into.begin());
  arrived_.erase(arrived_.begin(), arrived_.begin() + static_cast<std::ptrdiff_t>(count));
  return count;
}

Frame SimDevice::allocate() {
  if (out_count_ >= out_max_) return {};
  if (pool_.empty()) {
    const std::uint32_t capacity = facts_.mtu + static_cast<std::uint32_t>(ethernet_header_size);
    memory_.push_back(std::make_unique<std::uint8_t[]>(capacity));
    pool_.push_back({.data = memory_.back().get(), .size = 0, .capacity = capacity, .handle = this});
  }
  Frame frame = pool_.back();
  pool_.pop_back();
  frame.size = 0;
  ++out_count_;
  return frame;
}

void SimDevice::release(const Frame& frame) {
  PM_CHECK(frame.handle == this);
  PM_CHECK(out_count_ > 0);
  --out_count_;
  pool_.push_back(frame);
}

std::size_t SimDevice::transmit(std::span<const Frame> frames) {
  const std::size_t count = std::min(frames.size(), transmit_max_);
  for (const Frame& frame : frames.first(count)) {
    if (link_.on_sent_) link_.on_sent_({side_, link_.clock_.now(), frame.bytes()});
    link_.carry(side_, frame);
    release(frame);
  }
  return count;
}

void SimDevice::inject(ByteView bytes) {
  Frame frame = allocate();
  if (!frame) return;
  frame.size = static_cast<std::uint32_t>(std::min<std::size_t>(bytes.size(), frame.capacity));
  std::copy_n(bytes.begin(), frame.size, frame.data);
  arrived_.push_back(frame);
}

SimLink::SimLink(VirtualClock& clock, std::uint64_t seed, const Impairment& impairment, const DeviceFacts& a, const DeviceFacts& b)
    : clock_(clock), random_(seed), impairment_(impairment), a_(*this, Side::a, a), b_(*this, Side::b, b) {}

void SimLink::carry(Side from, const Frame& frame) {
  const Side to = other(from);
  Instant& last = last_arrival_[static_cast<std::size_t>(to)];
  Instant at = clock_.now() + impairment_.delay;
  if (!is_ipv4(frame.bytes())) {
    last = std::max(last, at);
    return launch(to, last, Harm::none, frame);
  }
  if (random_.chance(impairment_.loss)) {
    ++lost_;
    return;
  }
  if (impairment_.jitter.ns > 0)
    at = at + Duration{static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(impairment_.jitter.ns)))};
  if (random_.chance(impairment_.reorder)) {
    at = at + Duration{static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(impairment_.reorder_delay.ns)) + 1)};
  } else {
    at = last = std::max(last, at);
  }
  if (random_.chance(impairment_.duplicate)) {
    launch(to, at + Duration{static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(impairment_.reorder_delay.ns)) + 1)},
           Harm::none, frame);
  }
  launch(to, at, random_.chance(impairment_.corrupt) ? Harm::corrupted : Harm::none, frame);
}

void SimLink::launch(Side to, Instant at, Harm harm, const Frame& frame) {
  SimDevice& receiver = device(to);
  Frame copy = receiver.allocate();
  // A frame longer than the receiver's pool takes is lost, as on a wire with a smaller MTU.
  if (!copy || frame.size > copy.capacity) {
    if (copy) receiver.release(copy);
    ++lost_;
    return;
  }
  copy.size = frame.size;
  std::copy_n(frame.data, frame.size, copy.data);
  if (harm == Harm::corrupted) {
    ++corrupted_;
    const std::uint64_t bit = random_.below((frame.size - ethernet_header_size) * 8);
    copy.data[ethernet_header_size + bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
  }
  air_.push({at, number_++, to, harm, copy});
}

std::size_t SimLink::deliver(std::size_t count) {
  std::size_t delivered = 0;
  for (; delivered < count && !air_.empty() && air_.top().at <= clock_.now(); ++delivered) {
    const Flight flight = air_.top();
    air_.pop();
    if (flight.harm == Harm::none && on_delivered_) on_delivered_({flight.to, clock_.now(), flight.frame.bytes()});
    device(flight.to).arrived_.push_back(flight.frame);
  }
  return delivered;
}

}  // namespace pushmail::tcp
