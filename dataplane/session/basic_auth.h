// HTTP Basic credentials (RFC 7617): written for peers that ask for them, read and compared for peers that send them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pushmail {

struct BasicCredentials {
  std::string user;
  std::string password;
  bool operator==(const BasicCredentials&) const = default;
};

/// The value of an Authorization field: `Basic ` and base64 of user:password.
[[nodiscard]] std::string basic_authorization(const BasicCredentials& credentials);
/// Nothing when the scheme is another one, or what follows is not base64 of user:password.
[[nodiscard]] std::optional<BasicCredentials> parse_basic_authorization(std::string_view value);
/// Takes as long for a wrong secret as for the right one of the same length, so that time tells no prefix.
[[nodiscard]] bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace pushmail
