// What the stack counts, and under which name the world sees it. Every number here is exported: a new one needs a row, or this does
// not compile.
//
// Came from: the stack. Goes to: the counters file, once a second (dataplane/link.cpp).
#pragma once

#include "dataplane/tcp/drop.h"

namespace pushmail::tcp {

/// What happened so far. Every frame that came in is counted once as received, and once more by reason when it was thrown away.
struct StackCounters {
  std::uint64_t frames_in = 0;
  std::uint64_t frames_out = 0;
  std::uint64_t segments_in = 0;
  std::uint64_t segments_out = 0;
  std::uint64_t retransmissions = 0;
  std::uint64_t timeouts = 0;
  std::uint64_t fast_retransmits = 0;
  std::uint64_t probes = 0;
  std::uint64_t out_of_order = 0;
  std::uint64_t out_of_order_discarded = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t challenges = 0;
  std::uint64_t resets_in = 0;
  std::uint64_t resets_out = 0;
  std::uint64_t accepted = 0;
  std::uint64_t opened = 0;
  std::uint64_t half_open_expired = 0;
  std::uint64_t cookies_sent = 0;
  std::uint64_t cookies_accepted = 0;
  std::uint64_t arp_claims = 0;
  std::uint64_t arp_evicted = 0;
  std::array<std::uint64_t, drop_rows.size()> drops{};

  [[nodiscard]] std::uint64_t& of(Drop drop) { return drops[static_cast<std::size_t>(drop)]; }
  [[nodiscard]] std::uint64_t of(Drop drop) const { return drops[static_cast<std::size_t>(drop)]; }
};

struct StackCounterRow {
  std::uint64_t StackCounters::* value;
  Counter counter;
};

inline constexpr auto stack_counter_rows = std::to_array<StackCounterRow>({
    {&StackCounters::frames_in, Counter::tcp_frames_in},
    {&StackCounters::frames_out, Counter::tcp_frames_out},
    {&StackCounters::segments_in, Counter::tcp_segments_in},
    {&StackCounters::segments_out, Counter::tcp_segments_out},
    {&StackCounters::retransmissions, Counter::tcp_retransmissions},
    {&StackCounters::timeouts, Counter::tcp_timeouts},
    {&StackCounters::fast_retransmits, Counter::tcp_fast_retransmits},
    {&StackCounters::probes, Counter::tcp_probes},
    {&StackCounters::out_of_order, Counter::tcp_out_of_order},
    {&StackCounters::out_of_order_discarded, Counter::tcp_out_of_order_discarded},
    {&StackCounters::duplicates, Counter::tcp_duplicates},
    {&StackCounters::challenges, Counter::tcp_challenges},
    {&StackCounters::resets_in, Counter::tcp_resets_in},
    {&StackCounters::resets_out, Counter::tcp_resets_out},
    {&StackCounters::accepted, Counter::tcp_accepted},
    {&StackCounters::opened, Counter::tcp_opened},
    {&StackCounters::half_open_expired, Counter::tcp_half_open_expired},
    {&StackCounters::cookies_sent, Counter::tcp_cookies_sent},
    {&StackCounters::cookies_accepted, Counter::tcp_cookies_accepted},
    {&StackCounters::arp_claims, Counter::tcp_arp_claims},
    {&StackCounters::arp_evicted, Counter::tcp_arp_evicted},
});
static_assert(sizeof(StackCounters) == (stack_counter_rows.size() + drop_rows.size()) * sizeof(std::uint64_t), "every number has a row");

}  // namespace pushmail::tcp
