// One seed: both planes, an MMSC, a mail server, phones and mailboxes in virtual time. For a while peers misbehave, processes are killed
// and the planes lose each other; then everything behaves, and what pushmail believes is compared with what the peers really got:
//
//   - an item called submitted, reported or delivered was taken by the peer;
//   - what the peer took twice is marked as a possible duplicate;
//   - every mail and every acknowledged message of a phone arrived, or was refused by the peer's own word;
//   - nothing is left under way, and the data plane's memory is empty.
#pragma once

#include <cstdint>
#include <string>

namespace pushmail::edge {

struct Plan {
  std::uint64_t seed = 1;
  bool verbose = false;
};

struct Result {
  std::string failure;         // empty: everything held
  std::uint64_t mails = 0;     // to phones
  std::uint64_t messages = 0;  // from the phone, acknowledged
  std::uint64_t seen = 0;      // SubmitReqs and mails that came in whole at a peer
  std::uint64_t twice = 0;     // taken more than once, marked
  std::uint64_t kills = 0;
  std::uint64_t cuts = 0;  // of the planes' connection
  double seconds = 0;      // of virtual time
};

[[nodiscard]] Result simulate(const Plan& plan);

}  // namespace pushmail::edge
