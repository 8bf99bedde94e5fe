// What convert itself can find broken; unreadable mail comes with the rows of codec/mime.
#pragma once

#include "core/result.h"

namespace pushmail::convert {

inline constexpr ErrorInfo convert_no_sender{"convert.no_sender", "a mail needs a sender address, and the route gave none", "RFC 5322 §3.6.2", Fault::us};

}  // namespace pushmail::convert
