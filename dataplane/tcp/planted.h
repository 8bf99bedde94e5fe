// Planted faults: the mistakes that the proof of our TCP must be able to find. In the product planted() is the constant false and
// costs nothing; with PUSHMAIL_TCP_FAULTS (target tcp_faults in tests/sim) one of them can be switched on, and tests/sim/faults
// demands that the simulation, its checker or the scripted segments notice.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace pushmail::tcp {

enum class Planted : std::uint8_t {
  none,
  checksum_unchecked,
  window_ignored,
  rto_not_doubled,
  rto_too_early,
  karn_ignored,
  fin_lost,
  future_ack_accepted,
  duplicate_delivered_twice,
  out_of_order_misplaced,
  blind_reset_accepted,
  retransmits_wrong_bytes,
  persist_missing,
  time_wait_skipped,
  window_edge_shrinks,
  isn_constant,
  mss_ignored,
  data_after_fin,
  frame_leaked,
  ack_not_sent,
  fast_retransmit_at_once,
  window_scale_ignored,
  lent_bytes_not_released,
  wrong_checksum_sent,
  unsent_acknowledged,
  cookie_unchecked,
};

inline constexpr std::array<std::string_view, 26> planted_names{
    "none",
    "checksum_unchecked",
    "window_ignored",
    "rto_not_doubled",
    "rto_too_early",
    "karn_ignored",
    "fin_lost",
    "future_ack_accepted",
    "duplicate_delivered_twice",
    "out_of_order_misplaced",
    "blind_reset_accepted",
    "retransmits_wrong_bytes",
    "persist_missing",
    "time_wait_skipped",
    "window_edge_shrinks",
    "isn_constant",
    "mss_ignored",
    "data_after_fin",
    "frame_leaked",
    "ack_not_sent",
    "fast_retransmit_at_once",
    "window_scale_ignored",
    "lent_bytes_not_released",
    "wrong_checksum_sent",
    "unsent_acknowledged",
    "cookie_unchecked",
};
static_assert(planted_names.size() == static_cast<std::size_t>(Planted::cookie_unchecked) + 1);

#ifdef PUSHMAIL_TCP_FAULTS
inline Planted planted_now = Planted::none;
[[nodiscard]] inline bool planted(Planted fault) { return planted_now == fault; }
#else
[[nodiscard]] constexpr bool planted(Planted) { return false; }
#endif

}  // namespace pushmail::tcp
