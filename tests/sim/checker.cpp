#include "tests/sim/checker.h"

#include <fmt/format.h>

#include <algorithm>

namespace pushmail::tcp {

namespace {
constexpr std::uint8_t fin_flag = 1, syn_flag = 2, rst_flag = 4, ack_flag = 16;
constexpr Duration rto_floor = milliseconds(200);
constexpr Duration rto_syn = seconds(1);
constexpr Duration rto_ceiling = seconds(60);
// The stack's timers tick in milliseconds: one for rounding the deadline up, one for the turn.
constexpr Duration tick_slack = milliseconds(4);

std::uint16_t read16(ByteView bytes, std::size_t at) { return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]); }
std::uint32_t read32(ByteView bytes, std::size_t at) { return static_cast<std::uint32_t>(read16(bytes, at)) << 16 | read16(bytes, at + 2); }

// Not the stack's: words in network order, one by one.
std::uint32_t add_words(ByteView bytes, std::uint32_t sum) {
  std::uint64_t wide = sum;
  std::size_t at = 0;
  for (; at + 4 <= bytes.size(); at += 4) wide += __builtin_bswap32(load<std::uint32_t>(bytes.data() + at, std::endian::little));
  if (at + 2 <= bytes.size()) {
    wide += static_cast<std::uint64_t>(read16(bytes, at));
    at += 2;
  }
  if (at < bytes.size()) wide += static_cast<std::uint64_t>(bytes[at]) << 8;
  while (wide >> 16) wide = (wide & 0xFFFF) + (wide >> 16);
  return static_cast<std::uint32_t>(wide);
}
}  // namespace

struct SegmentChecker::Wire {
  std::uint32_t seq = 0, ack = 0;
  std::uint8_t flags = 0;
  std::uint16_t window = 0;
  std::uint32_t mss = 0;
  int shift = -1;
  ByteView payload;
  [[nodiscard]] bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
  [[nodiscard]] std::int64_t length() const {
    return static_cast<std::int64_t>(payload.size()) + (has(syn_flag) ? 1 : 0) + (has(fin_flag) ? 1 : 0);
  }
};

void SegmentChecker::fail(const std::string& what) {
  if (failure_.empty()) failure_ = what + " [" + context_ + "]";
}

// False: not TCP, or broken (which is said).
bool SegmentChecker::parse(const LinkEvent& event, Wire& wire) {
  const ByteView frame = event.frame;
  if (frame.size() < 14 || read16(frame, 12) != 0x0800) return false;
  const ByteView ip = frame.subspan(14);
  context_ = fmt::format("frame of {} at {} ns", event.side == Side::a ? 'a' : 'b', event.at.ns);
  if (ip.size() < 20 || ip[0] != 0x45 || read16(ip, 2) != ip.size()) return fail("malformed IPv4 header"), false;
  if (add_words(ip.first(20), 0) != 0xFFFF) return fail("wrong IPv4 checksum"), false;
  if (ip[9] != 6) return false;
  const ByteView tcp = ip.subspan(20);
  if (tcp.size() < 20) return fail("short TCP header"), false;
  const std::size_t header = static_cast<std::size_t>(tcp[12] >> 4) * 4;
  if (header < 20 || header > tcp.size()) return fail("malformed TCP header"), false;
  const std::uint32_t pseudo = add_words(ip.subspan(12, 8), 6 + static_cast<std::uint32_t>(tcp.size()));
  if (add_words(tcp, pseudo) != 0xFFFF) return fail("wrong TCP checksum"), false;
  wire.seq = read32(tcp, 4);
  wire.ack = read32(tcp, 8);
  wire.flags = tcp[13];
  wire.window = read16(tcp, 14);
  wire.payload = tcp.subspan(header);
  for (std::size_t at = 20; at < header;) {
    if (tcp[at] == 0) break;
    if (tcp[at] == 1) {
      ++at;
      continue;
    }
    if (at + 1 >= header || tcp[at + 1] < 2 || at + tcp[at + 1] > header) return fail("malformed TCP options"), false;
    if (tcp[at] == 2) wire.mss = read16(tcp, at + 2);
    if (tcp[at] == 3) wire.shift = tcp[at + 2];
    at += tcp[at + 1];
  }
  context_ +=
      fmt::format(", seq {} ack {} flags {:02x} window {} payload {}", wire.seq, wire.ack, wire.flags, wire.window, wire.payload.size());
  return true;
}

// Everything that `side` sent is acknowledged, and everything that the other sent has arrived: its record may be gone.
bool SegmentChecker::complete(Side side) const {
  const Flow& mine = flows_[static_cast<std::size_t>(side)];
  const Flow& theirs = flows_[static_cast<std::size_t>(other(side))];
  return mine.fin >= 0 && mine.una == mine.fin + 1 && theirs.fin >= 0 && theirs.arrived == theirs.fin + 1;
}

void SegmentChecker::sent(const LinkEvent& event) {
  Wire wire;
  if (failed() || !parse(event, wire)) return;
  ++segments_;
  const auto side = static_cast<std::size_t>(event.side);
  Flow& flow = flows_[side];
  Flow& heard = flows_[1 - side];
  if (wire.has(rst_flag)) {
    if (!complete(event.side)) fail("RST although the connection is open");
    return;
  }
  if (complete(event.side)) return;  // acknowledgements of TIME-WAIT
  const bool cookie = facts_.forgetful == event.side && !flow.spoken;
  if (wire.has(syn_flag) && (!flow.begun || cookie)) {
    flow.begun = true;
    flow.iss = wire.seq;
    flow.mss = wire.mss == 0 ? 536 : wire.mss;
    flow.shift_offered = wire.shift >= 0;
    flow.shift = flow.shift_offered ? static_cast<unsigned>(wire.shift) : 0;
  }
  if (!flow.begun) return fail("a segment before the SYN");
  flow.spoken = flow.spoken || !wire.has(syn_flag);
  const std::int64_t begin = static_cast<std::int32_t>(wire.seq - flow.iss);
  const std::int64_t end = begin + wire.length();
  if (wire.length() == 0) {
    // A plain acknowledgement stands at the end of what was sent; a probe of a closed window one before the oldest byte.
    if (begin != flow.max && begin != flow.una - 1) fail("an acknowledgement with a number that is not its own");
  } else {
    if (begin > flow.max) fail("a hole in what was sent");
    if (end > flow.edge && !wire.has(syn_flag)) fail(fmt::format("beyond the announced window by {}", end - flow.edge));
    if (wire.payload.size() > heard.mss) fail("larger than the other's MSS");
    if (flow.fin >= 0 && begin + static_cast<std::int64_t>(wire.payload.size()) > flow.fin) fail("data after FIN");
    if (wire.has(fin_flag)) {
      const std::int64_t at = end - 1;
      if (flow.fin >= 0 && flow.fin != at) fail("FIN at another place than before");
      if (at < flow.max - (flow.fin >= 0 ? 1 : 0)) fail("FIN before data that was sent");
      flow.fin = at;
    }
    if (!wire.payload.empty()) {
      const ByteView stream = facts_.stream[side];
      const auto offset = static_cast<std::size_t>(begin - 1);
      if (begin < 1 || offset + wire.payload.size() > stream.size()) {
        fail("bytes that the application never sent");
      } else if (std::memcmp(stream.data() + offset, wire.payload.data(), wire.payload.size()) != 0) {
        fail("other bytes than the application's");
      }
    }
    if (begin < flow.max) {
      ++repeated_;
      // A cookie answers each SYN that comes, also a copy that the link made.
      if (!cookie) repeat(flow, begin, end, event.at);
    }
    if (flow.una == flow.max) flow.timer_from = event.at;
    flow.max = std::max(flow.max, end);
  }
  if (!wire.has(ack_flag)) return;
  const std::int64_t number = static_cast<std::int32_t>(wire.ack - heard.iss);
  const unsigned shift = wire.has(syn_flag) || !flow.shift_offered || !heard.shift_offered ? 0 : flow.shift;
  const std::int64_t edge = number + (static_cast<std::int64_t>(wire.window) << shift);
  if (number > heard.arrived) fail("acknowledges what did not arrive");
  if (number < heard.acknowledged) fail("takes an acknowledgement back");
  if (edge < heard.promised) fail(fmt::format("window edge moves left by {}", heard.promised - edge));
  const std::int64_t unit = std::int64_t{1} << shift;
  if (edge > std::max(heard.promised, heard.arrived + facts_.receive_window[side] + unit)) fail("promises more window than it has");
  heard.promised = std::max(heard.promised, edge);
  heard.acknowledged = std::max(heard.acknowledged, number);
  heard.ack_owed_at = {};
}

// RFC 6298: no average of round trips is below the shortest possible one.
Duration SegmentChecker::time_out_least(const Flow& flow) const { return flow.una == 0 ? rto_syn : std::max(rto_floor, facts_.rtt_least); }

// May [begin, end) be sent again?
void SegmentChecker::repeat(Flow& flow, std::int64_t begin, std::int64_t end, Instant at) {
  if (begin < flow.una) return fail("repeats what is acknowledged");
  const Duration least = time_out_least(flow);
  const Duration waited = at - flow.timer_from;
  const bool first_again = begin == flow.una;
  const bool third_duplicate = first_again && flow.duplicates >= 3 && flow.fast_done_at != flow.una;
  const bool next_hole = first_again && flow.recovering && flow.partial;
  // After a time-out everything that was under way may go once more, in order.
  const bool after_timeout = begin >= flow.epoch_next && begin < flow.epoch_end;
  if (third_duplicate || next_hole || after_timeout) {
    if (third_duplicate) {
      flow.fast_done_at = flow.una;
      flow.recovering = true;
      flow.recover = flow.max;
    }
    if (first_again) {
      flow.partial = false;
      flow.timeouts = 0;
    }
    if (after_timeout) flow.epoch_next = end;
    // It may as well have been a time-out, if the sender saw reasons not to believe the duplicates.
    if (first_again && waited >= least) {
      flow.epoch_next = end;
      flow.epoch_end = flow.max;
    }
    return;
  }
  if (begin != flow.una) return fail("repeats a segment that is not the first unacknowledged one");
  if (waited < least) {
    return fail(fmt::format("sent again after {} us, before its time-out and with {} duplicates", waited.us(), flow.duplicates));
  }
  if (flow.timeouts > 0) {
    const Duration gap = at - flow.timeout_at;
    const Duration twice{2 * (flow.timeouts > 1 ? flow.timeout_gap.ns : least.ns)};
    if (gap.ns + tick_slack.ns < std::min(twice.ns, rto_ceiling.ns)) {
      return fail(fmt::format("time-out not doubled: {} us after {} us", gap.us(), flow.timeout_gap.us()));
    }
    flow.timeout_gap = gap;
  }
  ++flow.timeouts;
  flow.timeout_at = flow.timer_from = at;
  flow.recovering = false;
  flow.epoch_next = end;
  flow.epoch_end = flow.max;
}

void SegmentChecker::delivered(const LinkEvent& event) {
  Wire wire;
  if (failed() || !parse(event, wire)) return;
  const auto receiver = static_cast<std::size_t>(event.side);
  Flow& flow = flows_[1 - receiver];
  Flow& mine = flows_[receiver];
  if (wire.has(rst_flag) || complete(event.side) || !flow.begun) return;
  const std::int64_t begin = static_cast<std::int32_t>(wire.seq - flow.iss);
  const std::int64_t length = wire.length();
  bool too_old = false;
  if (wire.has(ack_flag) && mine.begun && (flow.arrived > 0 || wire.has(syn_flag))) {
    const unsigned shift = wire.has(syn_flag) || !flow.shift_offered || !mine.shift_offered ? 0 : flow.shift;
    const std::int64_t number = static_cast<std::int32_t>(wire.ack - mine.iss);
    // An old segment is answered and goes no further (RFC 9293 §3.10.7.4, first), whatever it acknowledges.
    // So is one whose acknowledgement is older than anything that can still be under way (RFC 5961 §5.2).
    too_old = number < mine.una - std::max<std::int64_t>(mine.window_max, 0xFFFF);
    mine.window_max = std::max(mine.window_max, static_cast<std::int64_t>(wire.window) << shift);
    const bool old = !wire.has(syn_flag) && (length > 0 ? begin + length <= flow.arrived : begin < flow.arrived);
    acknowledge(mine, wire, old ? 0 : number, number + (static_cast<std::int64_t>(wire.window) << shift), event.at);
  }
  if (length > 0 && !too_old) {
    if (wire.has(syn_flag)) {
      flow.arrived = std::max<std::int64_t>(flow.arrived, 1);
    } else if (flow.arrived > 0) {
      arrive(flow, begin, begin + length, event.at);
    }
    if (facts_.forgetful == event.side && !mine.spoken) flow.ack_owed_at = {};
  }
}

void SegmentChecker::arrive(Flow& flow, std::int64_t begin, std::int64_t end, Instant at) {
  const bool in_order = begin <= flow.arrived && end > flow.arrived;
  // Out of order, or seen before: at once. In order: within the delay that is allowed.
  const Instant owed = in_order ? at + facts_.delayed_ack + tick_slack : at + tick_slack;
  if (flow.ack_owed_at.ns == 0 || owed < flow.ack_owed_at) flow.ack_owed_at = owed;
  begin = std::max(begin, flow.arrived);
  end = std::min(end, std::max(flow.promised, flow.arrived));
  if (begin >= end) return;
  if (begin > flow.arrived) {
    auto [island, fresh] = flow.islands.try_emplace(begin, end);
    if (!fresh) island->second = std::max(island->second, end);
    return;
  }
  flow.arrived = end;
  while (!flow.islands.empty() && flow.islands.begin()->first <= flow.arrived) {
    flow.arrived = std::max(flow.arrived, flow.islands.begin()->second);
    flow.islands.erase(flow.islands.begin());
  }
}

void SegmentChecker::acknowledge(Flow& flow, const Wire& wire, std::int64_t number, std::int64_t edge, Instant at) {
  if (number > flow.max) return;
  // A window that grew lets the first segment go again at once, with more in it: that is no time-out, and the next one is none's double.
  if (edge > flow.edge && number == flow.una) flow.timeouts = 0;
  flow.edge = std::max(flow.edge, edge);
  if (number > flow.una) {
    flow.una = number;
    flow.timer_from = at;
    flow.duplicates = 0;
    flow.timeouts = 0;
    flow.epoch_next = std::max(flow.epoch_next, number);
    if (flow.recovering) {
      flow.partial = number < flow.recover;
      flow.recovering = flow.partial;
    }
  } else if (number == flow.una && wire.length() == 0 && flow.una != flow.max) {
    ++flow.duplicates;
  }
}

void SegmentChecker::at(Instant now) {
  for (const Side side : {Side::a, Side::b}) {
    const Flow& flow = flows_[static_cast<std::size_t>(side)];
    if (flow.ack_owed_at.ns == 0 || complete(other(side)) || flow.ack_owed_at >= now) continue;
    context_ = fmt::format("bytes of {} at {} ns", side == Side::a ? 'a' : 'b', now.ns);
    fail("an acknowledgement is overdue");
  }
}

}  // namespace pushmail::tcp
