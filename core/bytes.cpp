#include "core/bytes.h"

#include "core/ascii.h"

namespace pushmail {

std::string to_hex(ByteView bytes) {
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    hex.push_back(hex_digits[byte >> 4U]);
    hex.push_back(hex_digits[byte & 0x0FU]);
  }
  return hex;
}

Bytes from_hex(std::string_view hex) {
  Bytes bytes;
  if (hex.size() % 2 != 0) return bytes;
  bytes.reserve(hex.size() / 2);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const auto byte = leading_hex_byte(hex.substr(i, 2));
    if (!byte) return {};
    bytes.push_back(*byte);
  }
  return bytes;
}

}  // namespace pushmail
