// A control plane without sockets: the real flows over a store in memory, a mailbox that always answers, and phones that ask.
//
// The store outlives it, as a disk does: a restart is a new ControlSide over the same store.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "controlplane/store/row_words.h"
#include "core/clock.h"
#include "core/contract/handoff/peer.h"
#include "dataplane/tcp/sim_link.h"
#include "tests/sim/edge/schedule.h"

namespace pushmail {
class Store;
}

namespace pushmail::edge {

/// One mail or message as the store knows it.
struct Known {
  std::string item;
  std::string transaction_id;
  std::string subject;
  std::string state;
  std::string reason;
  std::string history;  // the events, in order
  bool to_phone = false;
  bool duplicate_possible = false;
};

[[nodiscard]] std::unique_ptr<Store> open_memory_store();

class ControlSide {
 public:
  struct Setup {
    Store& store;
    Schedule& schedule;
    const Clock& clock;
    std::uint64_t seed;
    bool deduplicates = false;  // what the peer's profile says
  };
  [[nodiscard]] static std::unique_ptr<ControlSide> start(const Setup& setup);
  virtual ~ControlSide() = default;

  /// Two phones: `ask` for the one, `push` for the other. Once for a store.
  virtual void bind_phones() = 0;
  /// A mail for the phone that asks, or for the one that is pushed to, comes into its mailbox.
  virtual void new_mail(Policy policy, std::uint32_t number) = 0;
  /// The phone that asks looks at its messages and asks for one that waits, or again for one it asked for before.
  virtual void phone_asks() = 0;
  virtual void tick() = 0;

  [[nodiscard]] virtual handoff::Peer& peer() = 0;
  virtual void handoff_lost() = 0;
  [[nodiscard]] virtual std::vector<Known> known() const = 0;
};

inline constexpr std::string_view asking_phone = "15550100002", pushed_phone = "15550100003", service_number = "5000";
inline constexpr std::uint16_t mmsc_port = 8080, smart_host_port = 2525;
inline constexpr std::string_view peers_address = "198.18.0.1";

}  // namespace pushmail::edge
