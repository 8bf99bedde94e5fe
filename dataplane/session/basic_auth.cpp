#include "dataplane/session/basic_auth.h"

#include <array>
#include <cstdint>

#include "core/bytes.h"

namespace pushmail {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::size_t encoded_size_max = 1024;

constexpr std::array<int, 256> values = [] {
  std::array<int, 256> table{};
  table.fill(-1);
  for (std::size_t i = 0; i < alphabet.size(); ++i) table[static_cast<std::uint8_t>(alphabet[i])] = static_cast<int>(i);
  return table;
}();

std::string encode_base64(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    bits = bits << 8 | static_cast<std::uint8_t>(c);
    for (held += 8; held >= 6; held -= 6) out += alphabet[bits >> (held - 6) & 63];
  }
  if (held > 0) out += alphabet[bits << (6 - held) & 63];
  while (out.size() % 4 != 0) out += '=';
  return out;
}

/// RFC 4648 §4, padding needed: a header has one spelling only.
std::optional<std::string> decode_base64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0 || text.size() > encoded_size_max) return std::nullopt;
  const std::size_t digits = text.find_last_not_of('=') + 1;
  if (text.size() - digits > 2) return std::nullopt;
  std::string out;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text.substr(0, digits)) {
    const int value = values[static_cast<std::uint8_t>(c)];
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out += static_cast<char>(bits >> held & 0xff);
  }
  return out;
}

}  // namespace

std::string basic_authorization(const BasicCredentials& credentials) {
  return "Basic " + encode_base64(credentials.user + ":" + credentials.password);
}

std::optional<BasicCredentials> parse_basic_authorization(std::string_view value) {
  // RFC 9110 §11.1: the scheme is compared without case.
  if (!ascii_starts_with_nocase(value, "basic ")) return std::nullopt;
  const auto text = decode_base64(ascii_trim(value.substr(6)));
  if (!text) return std::nullopt;
  // RFC 7617 §2: the user has no colon, the password may.
  const std::size_t colon = text->find(':');
  if (colon == std::string::npos) return std::nullopt;
  return BasicCredentials{.user = text->substr(0, colon), .password = text->substr(colon + 1)};
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  std::uint8_t difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const char other = b.empty() ? '\0' : b[i % b.size()];
    difference = static_cast<std::uint8_t>(difference | (a[i] ^ other));
  }
  return difference == 0;
}

}  // namespace pushmail
