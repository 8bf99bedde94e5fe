// SipHash-2-4: a keyed hash of short inputs. Initial sequence numbers, source ports and the connection table hang on its key, so
// that nobody outside can choose tuples that collide or guess a number (RFC 6528, RFC 6056).
#pragma once

#include <array>
#include <cstdint>

#include "core/bytes.h"

namespace pushmail::tcp {

using HashKey = std::array<std::uint8_t, 16>;

[[nodiscard]] std::uint64_t siphash(const HashKey& key, ByteView bytes);

}  // namespace pushmail::tcp
