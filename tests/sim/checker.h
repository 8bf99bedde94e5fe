// Watches every segment on the simulated link from outside the stacks, with its own parser, and knows only what the two ends have put
// on the wire. It says so when one of them did what it had no right to do, or did not do what it owed:
//   a valid checksum on everything; no byte beyond the window that the other announced, no window edge that moves left or promises more
//   than its buffer; no segment above the other's MSS; the bytes of the application and no others, also the second time; nothing after
//   FIN; nothing acknowledged that did not arrive, no acknowledgement taken back or kept back; nothing sent again before its time-out,
//   its third duplicate or its turn in a recovery, the time-out doubled; no RST while anything is open.
//
// It must be sound: where a rule leaves an end a choice, the checker takes the most generous reading.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "dataplane/tcp/sim_link.h"

namespace pushmail::tcp {

struct CheckerFacts {
  Duration rtt_least;                             // twice the link's delay
  std::array<std::uint32_t, 2> receive_window{};  // by side: what it may promise at most
  Duration delayed_ack;
  /// Who answers SYNs with cookies: knows nothing, and owes nothing, until the handshake is through.
  std::optional<Side> forgetful;
  /// The application's byte stream of a side, as far as it goes.
  std::array<ByteView, 2> stream;
};

class SegmentChecker {
 public:
  explicit SegmentChecker(const CheckerFacts& facts) : facts_(facts) {}

  void sent(const LinkEvent& event);
  void delivered(const LinkEvent& event);
  /// Whatever was owed by now.
  void at(Instant now);
  [[nodiscard]] bool failed() const { return !failure_.empty(); }
  [[nodiscard]] const std::string& failure() const { return failure_; }
  [[nodiscard]] std::uint64_t segments() const { return segments_; }
  [[nodiscard]] std::uint64_t repeated() const { return repeated_; }

 private:
  struct Wire;
  // What one side sends and the other acknowledges. Numbers are relative to the SYN, which is 0.
  struct Flow {
    bool begun = false;
    bool spoken = false;  // more than its SYN
    std::uint32_t iss = 0;
    std::int64_t una = 0;         // acknowledged, as far as the sender can know
    std::int64_t max = 0;         // sent
    std::int64_t edge = 1;        // promised by the receiver, as far as the sender can know
    std::int64_t window_max = 0;  // the largest window that the sender was given
    std::int64_t fin = -1;
    unsigned shift = 0;  // of the windows that this side announces
    bool shift_offered = false;
    std::uint32_t mss = 536;  // the largest segment that this side takes
    // The receiver of this flow.
    std::int64_t arrived = 0;  // everything before this has arrived
    std::map<std::int64_t, std::int64_t> islands;
    std::int64_t promised = 0;      // right edge that the receiver has put on the wire
    std::int64_t acknowledged = 0;  // highest number that the receiver has put on the wire
    Instant ack_owed_at;
    // When something may be sent again.
    Instant timer_from;
    unsigned duplicates = 0;
    std::int64_t fast_done_at = -1;
    bool recovering = false;
    bool partial = false;
    std::int64_t recover = 0;
    std::int64_t epoch_next = 0, epoch_end = 0;
    unsigned timeouts = 0;
    Instant timeout_at;
    Duration timeout_gap;
  };

  [[nodiscard]] bool parse(const LinkEvent& event, Wire& wire);
  [[nodiscard]] Duration time_out_least(const Flow& flow) const;
  void repeat(Flow& flow, std::int64_t begin, std::int64_t end, Instant at);
  void arrive(Flow& flow, std::int64_t begin, std::int64_t end, Instant at);
  void acknowledge(Flow& flow, const Wire& wire, std::int64_t number, std::int64_t edge, Instant at);
  [[nodiscard]] bool complete(Side side) const;
  void fail(const std::string& what);

  CheckerFacts facts_;
  std::array<Flow, 2> flows_;
  std::string failure_;
  std::string context_;
  std::uint64_t segments_ = 0;
  std::uint64_t repeated_ = 0;
};

}  // namespace pushmail::tcp
