// Why a connection could not be started or a port not opened, in our own TCP.
#pragma once

#include "core/result.h"

namespace pushmail {

inline constexpr ErrorInfo tcp_no_connections{"tcp.no_connections", "the budget of connections is spent", "", Fault::us,
                                              Lasting::temporary};
inline constexpr ErrorInfo tcp_no_port{"tcp.no_port", "every local port towards this peer is in use", "RFC 6056 §3", Fault::us,
                                       Lasting::temporary};
inline constexpr ErrorInfo tcp_no_route{"tcp.no_route", "the peer is not on our network and there is no gateway", "RFC 1122 §3.3.1",
                                        Fault::world};
inline constexpr ErrorInfo tcp_not_ours{"tcp.not_ours", "the address is not this stack's", "", Fault::world};
inline constexpr ErrorInfo tcp_port_taken{"tcp.port_taken", "somebody listens on that port already", "", Fault::world};

}  // namespace pushmail
