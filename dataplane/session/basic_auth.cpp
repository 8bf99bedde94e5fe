#include "dataplane/session/basic_auth.h"

#include <cstdint>

#include "core/base64.h"
#include "core/bytes.h"

namespace pushmail {

namespace {

constexpr std::size_t encoded_size_max = 1024;

}  // namespace

std::string basic_authorization(const BasicCredentials& credentials) {
  return "Basic " + base64_encoded(credentials.user + ":" + credentials.password);
}

std::optional<BasicCredentials> parse_basic_authorization(std::string_view value) {
  // RFC 9110 §11.1: the scheme is compared without case.
  if (!ascii_starts_with_nocase(value, "basic ")) return std::nullopt;
  const std::string_view encoded = ascii_trim(value.substr(6));
  if (encoded.size() > encoded_size_max) return std::nullopt;
  const auto text = base64_decoded(encoded);
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
