// One worker's link: kernel sockets, or our TCP on a DPDK port, as [link] says. The only place that knows which.
//
// Came from: main (configuration). Goes to: worker and its sessions, which see a Network and nothing else.
#pragma once

#include <memory>

#include "core/clock.h"
#include "core/config.h"
#include "core/contract/counters/counters.h"
#include "core/result.h"
#include "dataplane/tcp/stream.h"

namespace pushmail {

class Link {
 public:
  virtual ~Link() = default;
  [[nodiscard]] virtual Network& network() = 0;
  /// Call in the thread that runs the turn, before the first poll.
  virtual void enter_thread() = 0;
  /// Sets the port's and the stack's counters, and logs when a flood begins or ends; kernel sockets have none. Once a second.
  virtual void publish(Counters& counters) = 0;
};

/// Opens what [link] names. Files and sockets are opened here, so privileges may be dropped afterwards.
[[nodiscard]] Result<std::unique_ptr<Link>> open_link(const Config& config, const Clock& clock);

}  // namespace pushmail
