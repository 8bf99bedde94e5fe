// Round-trip time and the retransmission time-out, by RFC 6298 on the turn's clock.
//
// Deviation: the floor is 200 ms, not the 1 s of RFC 6298 (2.4), as in every widely used stack: at the round-trip times of an
// operator's network a second of silence per lost tail is what a subscriber notices.
#pragma once

#include <algorithm>

#include "core/clock.h"
#include "core/timers.h"
#include "dataplane/tcp/planted.h"

namespace pushmail::tcp {

class Rtt {
 public:
  static constexpr Duration floor = milliseconds(200);
  static constexpr Duration ceiling = timers::tcp_retransmission.most;
  static constexpr Duration initial = timers::tcp_retransmission.first;
  static constexpr Duration granularity = milliseconds(1);

  /// The time-out in force, back-off included.
  [[nodiscard]] Duration rto() const { return rto_; }
  [[nodiscard]] Duration smoothed() const { return srtt_; }
  [[nodiscard]] bool measured() const { return srtt_.ns != 0; }

  /// A round trip of a segment that was sent once (Karn). Ends a back-off (RFC 6298 §5, closing note).
  void sample(Duration rtt) {
    if (!measured()) {
      // (2.2)
      srtt_ = rtt;
      variation_ = {rtt.ns / 2};
    } else {
      // (2.3): alpha = 1/8, beta = 1/4; the variation first, with the old mean.
      const std::int64_t off = srtt_.ns > rtt.ns ? srtt_.ns - rtt.ns : rtt.ns - srtt_.ns;
      variation_ = {variation_.ns - variation_.ns / 4 + off / 4};
      srtt_ = {srtt_.ns - srtt_.ns / 8 + rtt.ns / 8};
    }
    rto_ = std::clamp(Duration{srtt_.ns + std::max(granularity.ns, 4 * variation_.ns)}, floor, ceiling);
    if (planted(Planted::rto_too_early)) rto_ = {rto_.ns / 4};
  }

  /// (5.5)
  void back_off() {
    if (planted(Planted::rto_not_doubled)) return;
    rto_ = std::min(Duration{rto_.ns * 2}, ceiling);
  }

  /// (5.7): the SYN was retransmitted, so the first data wait at least 3 s.
  void after_lost_syn() { rto_ = std::max(rto_, seconds(3)); }

 private:
  Duration srtt_{};
  Duration variation_{};
  Duration rto_ = initial;
};

}  // namespace pushmail::tcp
