// Content codings of an answer's body (RFC 9110 §8.4.1). We ask for none, which forbids none (§12.5.3), and some web servers in front of an
// MMSC compress whatever they hand on.
#pragma once

#include <optional>
#include <string_view>

#include "core/bytes.h"

namespace pushmail::http {

/// The body without `codings`, the value of Content-Encoding: gzip, deflate (with zlib's header or bare), identity, one after the other.
/// Nothing when a coding is unknown, the data is broken or cut, or more than `size_max` bytes would come of it.
[[nodiscard]] std::optional<Bytes> decode_content(Bytes body, std::string_view codings, std::size_t size_max);

}  // namespace pushmail::http
