// Who has which address on our network (RFC 826), with the patience of RFC 1122 §2.3.2: one question a second, a bound on entries.
//
// Came from: ARP packets. Goes to: every frame's destination. An entry once known is kept and asked again when it is old, so that a
// link that was down for a while goes on where it stopped.
#pragma once

#include <optional>
#include <vector>

#include "core/clock.h"
#include "dataplane/nic/frame.h"

namespace pushmail::tcp {

class Neighbours {
 public:
  static constexpr std::size_t entry_count_max = 1024;
  static constexpr std::uint32_t ask_count_max = 10;
  static constexpr Duration ask_interval = seconds(1);
  static constexpr Duration fresh_for = seconds(30);

  /// The address to send to, if known. Notes that somebody wants it, so that due() asks.
  [[nodiscard]] std::optional<MacAddress> find(std::uint32_t ip, Instant now);
  /// An ARP packet said so. `may_add`: it was sent to us; others only correct what we know.
  enum class Learn : std::uint8_t { may_add, known_only };
  void learn(std::uint32_t ip, const MacAddress& mac, Learn mode, Instant now);

  struct Turn {
    std::vector<std::uint32_t> ask;
    std::vector<std::uint32_t> given_up;  // ask_count_max questions without answer
  };
  [[nodiscard]] Turn due(Instant now);
  /// When due() has something to do; {0}: never.
  [[nodiscard]] Instant next_deadline() const;
  [[nodiscard]] std::size_t count() const { return entries_.size(); }

 private:
  struct Entry {
    std::uint32_t ip = 0;
    MacAddress mac{};
    bool known = false;
    bool wanted = false;
    std::uint32_t ask_count = 0;
    Instant confirmed_at;
    Instant ask_at;
  };
  [[nodiscard]] Entry* entry_of(std::uint32_t ip);
  Entry& add(std::uint32_t ip);

  std::vector<Entry> entries_;
};

}  // namespace pushmail::tcp
