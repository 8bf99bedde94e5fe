// Hashes that old protocols name, as hexadecimal text; OpenSSL's libcrypto is seen here alone. For what is ours to choose there is
// core/siphash.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pushmail {

enum class MessageDigest : std::uint8_t { md5, sha256 };

/// Lower-case hexadecimal: 32 or 64 digits. Nothing where the library does not have the hash, as MD5 in a FIPS installation.
[[nodiscard]] std::optional<std::string> hex_digest(MessageDigest hash, std::string_view text);

}  // namespace pushmail
