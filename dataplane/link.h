// One worker's link: kernel sockets, or our TCP on a DPDK port, as [link] says. The only place that knows which.
//
// Came from: main (configuration). Goes to: worker and its sessions, which see a Network and nothing else.
#pragma once

#include <memory>
#include <string>

#include "core/clock.h"
#include "core/config.h"
#include "core/result.h"
#include "dataplane/tcp/stream.h"

namespace pushmail {

class Link {
 public:
  virtual ~Link() = default;
  [[nodiscard]] virtual Network& network() = 0;
  /// Call in the thread that runs the turn, before the first poll.
  virtual void enter_thread() = 0;
  /// The port's own counters as one line of JSON; kernel sockets have none and say only their kind.
  [[nodiscard]] virtual std::string counters_json() const = 0;
};

/// Opens what [link] names. Files and sockets are opened here, so privileges may be dropped afterwards.
[[nodiscard]] Result<std::unique_ptr<Link>> open_link(const Config& config, const Clock& clock);

}  // namespace pushmail
