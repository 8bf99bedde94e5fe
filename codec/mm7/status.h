// What a StatusCode means for the message that it answers (TS 23.140 §10.2). The table stands beside the words, in status.cpp.
#pragma once

#include <cstdint>

namespace pushmail::mm7 {

enum class StatusClass : std::uint8_t {
  success,
  temporary,     // the same message may be taken later
  peer_trouble,  // whatever we send now, the peer does not take it
  permanent,     // this message is never taken
};

/// Of any number: an unknown code counts as the first of its thousand, and one of no thousand as 3000.
[[nodiscard]] StatusClass status_class(int code);

}  // namespace pushmail::mm7
