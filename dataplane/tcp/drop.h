// Why the stack threw something away: one row for each reason, with the counter that shows it (`pushmailctl worker show`). Its name and
// meaning stand in the counters' own table.
//
// Came from: wire.cpp (what is wrong with a frame) and the stack (which budget is spent). Goes to: StackCounters.
#pragma once

#include <array>
#include <cstdint>

#include "core/contract/counters/counters.h"

namespace pushmail::tcp {

enum class Drop : std::uint8_t {
  short_frame,
  not_for_us,
  other_protocol,
  bad_ip_header,
  bad_ip_checksum,
  fragment,
  bad_source,
  bad_tcp_header,
  bad_tcp_checksum,
  bad_arp,
  no_frame,
  no_neighbour,
  backlog,
  connections_spent,
  cookie_refused,
  receive_memory,
  receive_blocks,
  count,
};

struct DropRow {
  Drop drop;
  Counter counter;
};

inline constexpr std::array<DropRow, static_cast<std::size_t>(Drop::count)> drop_rows{{
    {Drop::short_frame, Counter::tcp_drop_short_frame},
    {Drop::not_for_us, Counter::tcp_drop_not_ours},
    {Drop::other_protocol, Counter::tcp_drop_other_protocol},
    {Drop::bad_ip_header, Counter::tcp_drop_bad_ip_header},
    {Drop::bad_ip_checksum, Counter::tcp_drop_bad_ip_checksum},
    {Drop::fragment, Counter::tcp_drop_fragment},
    {Drop::bad_source, Counter::tcp_drop_bad_source},
    {Drop::bad_tcp_header, Counter::tcp_drop_bad_tcp_header},
    {Drop::bad_tcp_checksum, Counter::tcp_drop_bad_tcp_checksum},
    {Drop::bad_arp, Counter::tcp_drop_bad_arp},
    {Drop::no_frame, Counter::tcp_drop_no_frame},
    {Drop::no_neighbour, Counter::tcp_drop_no_neighbour},
    {Drop::backlog, Counter::tcp_drop_backlog},
    {Drop::connections_spent, Counter::tcp_drop_connections_spent},
    {Drop::cookie_refused, Counter::tcp_drop_cookie_refused},
    {Drop::receive_memory, Counter::tcp_drop_receive_memory},
    {Drop::receive_blocks, Counter::tcp_drop_receive_blocks},
}};

namespace detail {
constexpr bool drop_rows_are_in_order() {
  for (std::size_t i = 0; i < drop_rows.size(); ++i) {
    if (drop_rows[i].drop != static_cast<Drop>(i)) return false;
    for (std::size_t j = 0; j < i; ++j) {
      if (drop_rows[j].counter == drop_rows[i].counter) return false;
    }
  }
  return true;
}
}  // namespace detail
static_assert(detail::drop_rows_are_in_order(), "one row per reason, in the order of the enum, each with a counter of its own");

}  // namespace pushmail::tcp
