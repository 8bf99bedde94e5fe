// SYN cookies (RFC 4987 §3.6): while the budget of half-open connections is spent, a SYN costs no memory. All that must be remembered
// stands in our initial sequence number, and comes back in the ACK that completes the handshake:
//
//   31 30 | 29 .. 27 | 26 ........................................ 0
//   period  MSS row    tag: SipHash of tuple, peer's number, period, MSS row
//
// What has no room is lost: the window scale (both windows stay at 64 KiB; the peer is not offered one), and an MSS is rounded down to
// a row. A tag is guessed once in 2^27 segments. If the completing ACK is lost and the peer waits for us to speak first, nobody sends
// again; that is the price of a cookie, paid only in a flood.
//
// Came from: on_listen, with the budget spent. Goes to: on_cookie, which makes the connection. Failure: no MSS, the segment is dropped.
#pragma once

#include <array>
#include <optional>

#include "core/clock.h"
#include "core/siphash.h"
#include "core/timers.h"
#include "dataplane/tcp/seq.h"

namespace pushmail::tcp {

class SynCookies {
 public:
  static constexpr Duration period = timers::syn_cookie;
  /// A cookie is good in the period in which it was made and this many more.
  static constexpr std::uint64_t age_max = 2;
  /// The last is Ethernet's; a larger one counts as that.
  static constexpr std::array<std::uint16_t, 8> mss_rows{48, 216, 536, 1220, 1360, 1400, 1440, 1460};

  explicit SynCookies(const HashKey& key) : key_(key) {}

  /// Our initial sequence number for a SYN of `tuple_hash` that began with `peer_first`.
  [[nodiscard]] Seq make(std::uint64_t tuple_hash, Seq peer_first, std::uint16_t mss, Instant now);
  /// The MSS of a cookie that we made and that is not too old.
  [[nodiscard]] std::optional<std::uint16_t> mss_of(Seq cookie, std::uint64_t tuple_hash, Seq peer_first, Instant now) const;
  /// Cookies are out that may still come back.
  [[nodiscard]] bool active(Instant now) const { return made_ && period_of(now) - last_period_ <= age_max; }

 private:
  [[nodiscard]] static std::uint64_t period_of(Instant now) { return static_cast<std::uint64_t>(now.ns / period.ns); }
  [[nodiscard]] std::uint32_t tag(std::uint64_t tuple_hash, Seq peer_first, std::uint64_t in_period, std::uint32_t row) const;

  HashKey key_;
  std::uint64_t last_period_ = 0;
  bool made_ = false;
};

}  // namespace pushmail::tcp
