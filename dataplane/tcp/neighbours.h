// Who has which address on our network (RFC 826), with the patience of RFC 1122 §2.3.2: one question a second for an address, a bound on
// entries and on open questions.
//
//              other_mac                grew_old, other_mac                unanswered
//   ASKED ------------------> KNOWN --------------------------> CHECKED ----------------> SEARCHED
//     | unanswered              ^ ^            same_mac            |                          |
//     v                         | +--------------------------------+                          |
//   (gone)                      +-------------------------------------------------------------+
//                                        same_mac, other_mac (the new owner), unanswered (kept: D-8)
//   FIXED: from the configuration; nothing changes it.
//
// Whose word counts: an ARP packet that nobody asked for does not change the MAC of a known neighbour. It only makes us ask the MAC that we
// have, by unicast (RFC 1122 §2.3.2.1 (2)), and as long as that one answers it stays. When it is silent all are asked, and then the answer
// is believed: so a gateway that moves to another machine (gratuitous ARP, RFC 5227 §3) is found within seconds, and one that lives
// cannot be displaced by saying so. Against somebody on the same wire who silences the gateway, only a fixed entry helps.
//
// Came from: ARP packets. Goes to: every frame's destination.
#pragma once

#include <array>
#include <expected>
#include <list>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/clock.h"
#include "core/result.h"
#include "core/timers.h"
#include "core/transition_table.h"
#include "dataplane/nic/frame.h"

namespace pushmail::tcp {

enum class NeighbourState : std::uint8_t { asked, known, checked, searched, fixed };
enum class NeighbourEvent : std::uint8_t {
  same_mac,    // ARP from this address with the MAC that we have
  other_mac,   // with another one, or the first
  grew_old,    // used, and not confirmed for a while
  unanswered,  // all questions of this state
};

inline constexpr std::array<std::string_view, 5> neighbour_state_names{"asked", "known", "checked", "searched", "fixed"};
inline constexpr std::array<std::string_view, 4> neighbour_event_names{"same_mac", "other_mac", "grew_old", "unanswered"};

struct NeighbourRow {
  NeighbourState from;
  NeighbourEvent event;
  NeighbourState to;
};

inline constexpr std::array<NeighbourRow, 12> neighbour_rows{{
    {NeighbourState::asked, NeighbourEvent::other_mac, NeighbourState::known},
    {NeighbourState::known, NeighbourEvent::same_mac, NeighbourState::known},
    {NeighbourState::known, NeighbourEvent::other_mac, NeighbourState::checked},
    {NeighbourState::known, NeighbourEvent::grew_old, NeighbourState::checked},
    {NeighbourState::checked, NeighbourEvent::same_mac, NeighbourState::known},
    {NeighbourState::checked, NeighbourEvent::other_mac, NeighbourState::checked},
    {NeighbourState::checked, NeighbourEvent::unanswered, NeighbourState::searched},
    {NeighbourState::searched, NeighbourEvent::same_mac, NeighbourState::known},
    {NeighbourState::searched, NeighbourEvent::other_mac, NeighbourState::known},
    {NeighbourState::searched, NeighbourEvent::unanswered, NeighbourState::known},
    {NeighbourState::fixed, NeighbourEvent::same_mac, NeighbourState::fixed},
    {NeighbourState::fixed, NeighbourEvent::other_mac, NeighbourState::fixed},
    // asked, unanswered: the entry goes.
}};

static_assert(no_pair_twice(neighbour_rows));
// fixed is a beginning of its own, and the last of the states.
static_assert(all_reached(neighbour_rows, NeighbourState::asked, neighbour_state_names.size() - 1));

[[nodiscard]] constexpr NeighbourState next_state(NeighbourState from, NeighbourEvent event) {
  if (const auto next = next_of(neighbour_rows, from, event)) return *next;
  check_failed("the neighbours' table has no such row", "dataplane/tcp/neighbours.h", __LINE__);
}

class Neighbours {
 public:
  /// Addresses with a MAC; above, the one that was used longest ago goes.
  static constexpr std::size_t known_count_max = 1024;
  /// Addresses that are being asked for: for connections of ours, and as many again for strangers' segments.
  static constexpr std::size_t asked_count_max = 128;
  static constexpr Duration ask_interval = timers::neighbour_ask;
  static constexpr Duration fresh_for = timers::neighbour_fresh;

  /// For whom a MAC is wanted. A stranger's segment may carry any source address, so its questions have a place of their own, a short
  /// life, and never push ours out: at most asked_count_max new ones a second.
  enum class Asker : std::uint8_t { us, stranger };
  enum class NoMac : std::uint8_t {
    asked,    // due() asks; learn() or given_up tells the rest
    refused,  // nobody asks: too many questions are open
  };
  [[nodiscard]] std::expected<MacAddress, NoMac> find(std::uint32_t ip, Asker asker, Instant now);

  /// This address has this MAC, whatever ARP says.
  void fix(std::uint32_t ip, const MacAddress& mac);

  /// An ARP packet said so. `may_add`: it was sent to us; others only speak of those whom we know.
  enum class Learn : std::uint8_t { may_add, known_only };
  enum class Learned : std::uint8_t {
    nothing_new,
    reachable,     // whoever waits for this address can send
    not_believed,  // another MAC than the one that is in use
  };
  Learned learn(std::uint32_t ip, const MacAddress& mac, Learn mode, Instant now);

  struct Question {
    std::uint32_t ip = 0;
    std::optional<MacAddress> to;  // none: everybody
  };
  struct Turn {
    std::vector<Question> ask;
    std::vector<std::uint32_t> given_up;  // all questions without answer, or evicted
    std::size_t evicted_count = 0;
  };
  [[nodiscard]] Turn due(Instant now);
  /// Not after the moment at which due() has something to do; {0}: never.
  [[nodiscard]] Instant next_deadline() const { return next_ask_; }
  [[nodiscard]] std::size_t count() const { return index_.size(); }

 private:
  struct Entry {
    std::uint32_t ip = 0;
    NeighbourState state = NeighbourState::asked;
    MacAddress mac{};
    Asker asker = Asker::us;
    std::uint32_t ask_count = 0;
    Instant added_at;
    Instant used_at;
    Instant confirmed_at;
    Instant ask_at;
  };
  using List = std::list<Entry>;

  [[nodiscard]] List& asked_by(Asker asker) { return asker == Asker::us ? asked_by_us_ : asked_by_strangers_; }
  [[nodiscard]] static std::uint32_t ask_count_max(const Entry& entry);
  void add_known(std::uint32_t ip, const MacAddress& mac, Instant now);
  void ask(Entry& entry, Instant now);
  void run(List& list, Turn& turn, Instant now);

  List known_;                             // used longest ago first, roughly: the place is renewed once a second
  List asked_by_us_, asked_by_strangers_;  // oldest first
  std::unordered_map<std::uint32_t, List::iterator> index_;
  std::vector<std::uint32_t> evicted_;
  Instant next_ask_;
};

}  // namespace pushmail::tcp
