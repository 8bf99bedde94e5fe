#include "core/ascii.h"

namespace pushmail {

std::string percent_decoded(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  append_percent_decoded(decoded, text);
  return decoded;
}

std::string percent_encoded(std::string_view text) {
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    if (is_alphanumeric(c) || c == '-' || c == '_' || c == '.') {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<std::uint8_t>(c);
    encoded += {'%', upper_hex_digits[byte >> 4U], upper_hex_digits[byte & 15U]};
  }
  return encoded;
}

}  // namespace pushmail
