// The nonces of our own Digest challenges (RFC 7616 §3.3): made without keeping anything, known again by a secret of this run, and good for
// a while and for each count once (§3.4, nc).
//
// Only what came with the right password is kept, so a stranger costs no memory; where too many are kept, the oldest and all before it are
// forgotten, and are stale from then on.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/siphash.h"
#include "core/timers.h"

namespace pushmail {

class DigestNonces {
 public:
  static constexpr std::size_t kept_max = 4096;

  [[nodiscard]] std::string make(Instant now);
  /// Whether the nonce is ours and young, and `count` had not been used with it. Counts may overtake one another on several connections, by
  /// 63 at most. To be asked only about what came with the right password: it is used from then on.
  [[nodiscard]] bool use(std::string_view nonce, std::uint32_t count, Instant now);

 private:
  struct Used {
    Instant made;
    std::uint32_t highest = 0;
    std::uint64_t seen = 0;  // bit n: highest - n
  };
  [[nodiscard]] std::string seal_of(std::string_view head) const;

  HashKey secret_ = new_hash_key();
  std::uint64_t last_serial_ = 0;
  std::uint64_t forgotten_ = 0;         // no serial up to this one is taken that is not in used_
  std::map<std::uint64_t, Used> used_;  // by serial, so by age
};

}  // namespace pushmail
