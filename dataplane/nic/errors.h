// What can go wrong with a port: always the world's or the operator's doing.
#pragma once

#include "core/result.h"

namespace pushmail {

inline constexpr ErrorInfo nic_eal_failed{"nic.eal_failed", "DPDK's environment could not be started; its own words are above", "",
                                          Fault::world};
inline constexpr ErrorInfo nic_no_port{"nic.no_port", "the port named by link.vdev or link.allow does not exist", "", Fault::world};
inline constexpr ErrorInfo nic_no_memory{"nic.no_memory", "link.memory is too small for the frame pools", "", Fault::world};
inline constexpr ErrorInfo nic_port_failed{"nic.port_failed", "the port could not be configured or started", "", Fault::world};
inline constexpr ErrorInfo nic_bad_link{"nic.bad_link",
                                        "link.address must be address/prefix, link.mac and link.gateway_mac six hex pairs (the latter with "
                                        "link.gateway), and one of link.vdev and link.allow given",
                                        "", Fault::world};

}  // namespace pushmail
