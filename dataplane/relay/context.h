// What every part of the relay stands on and no item changes. One of each relay; the parts read it, Relay alone writes it.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/contract/counters/counters.h"
#include "dataplane/relay/idempotence.h"
#include "dataplane/relay/peer_table.h"
#include "dataplane/relay/ports.h"
#include "dataplane/relay/settings.h"
#include "dataplane/session/fault_points.h"

namespace pushmail::relay {

struct Context {
  Settings settings;
  Ports ports;
  const Clock& clock;
  Counters& counters;
  FaultPoints faults;
  Instant now;            // of the turn
  bool draining = false;  // the control plane said so; until this process ends
  bool stopping = false;  // this process ends: nothing is sent any more
  PeerTable peers{};

  /// Why no new message is taken now; empty when one is.
  [[nodiscard]] std::string_view refusal() const { return draining ? "the data plane is being drained" : ports.journal.refusal(); }
  /// What counts as a phone in the Sender of this peer (sender.h); the usual form where the peer is not in the table.
  [[nodiscard]] std::span<const std::string> sender_forms_of(std::string_view peer) const {
    static const PeerProfile unknown;
    const PeerEntry* profile = peers.find(peer);
    return profile == nullptr ? unknown.texts("sender_forms") : profile->texts("sender_forms");
  }
  [[nodiscard]] ItemId new_item() const { return new_item_id(clock.wall(), node_and_worker(settings.node, settings.worker)); }
  /// A repeat comes by any connection, and so to any worker: one of them remembers each request, and the others bring it there. False: it
  /// is another's, and has gone there.
  [[nodiscard]] bool is_ours(const DigestKey& key, Ticket ticket, Mm7Inbound& inbound) const {
    const WorkerIndex owner = owner_of_request(key, settings.workers);
    if (owner == settings.worker) return true;
    PM_CHECK(ports.workers != nullptr && ticket.worker == settings.worker);
    ports.workers->pass(owner, ticket, std::move(inbound));
    return false;
  }
};

}  // namespace pushmail::relay
