// The [link] table read into what EAL, the port and the stack need. Addresses are static: no DHCP.
#pragma once

#include <cstdint>

#include "core/config.h"
#include "core/endpoint.h"
#include "core/result.h"
#include "dataplane/nic/eal.h"
#include "dataplane/nic/port.h"

namespace pushmail {

struct LinkOptions {
  EalOptions eal;
  PortOptions port;
  IpAddress address;
  std::uint32_t prefix_length = 0;
  IpAddress gateway;         // all zero: none
  MacAddress gateway_mac{};  // all zero: ARP finds it
};

/// Only for link.kind = "dpdk".
[[nodiscard]] Result<LinkOptions> read_link_options(const Config& config);

}  // namespace pushmail
