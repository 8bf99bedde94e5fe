// The rules that the relay itself can find broken.
#pragma once

#include "core/result.h"

namespace pushmail::relay {

inline constexpr ErrorInfo relay_not_deliver{"relay.not_deliver", "the journaled body is no DeliverReq", "", Fault::us};
inline constexpr ErrorInfo relay_no_room{"relay.no_room", "there is no memory to convert a message in", "", Fault::world,
                                         Lasting::temporary};
inline constexpr ErrorInfo relay_bad_route{"relay.bad_route", "the route answer lacks a usable address", "", Fault::us};

}  // namespace pushmail::relay
