// An address on the network: IPv6, or IPv4 in the mapped form of RFC 4291 §2.5.5.2, so that both have one shape everywhere.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"

namespace pushmail {

struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const IpAddress&) const = default;

  [[nodiscard]] static IpAddress v4(std::uint32_t host_order);
  [[nodiscard]] bool is_v4() const;
  /// The IPv4 address in host order; only when is_v4().
  [[nodiscard]] std::uint32_t v4() const;
};

struct Endpoint {
  IpAddress ip;
  std::uint16_t port = 0;
  auto operator<=>(const Endpoint&) const = default;
};

/// `192.0.2.1` or `2001:db8::1`; never a name.
[[nodiscard]] Result<IpAddress> parse_ip(std::string_view text);
/// `192.0.2.1:25` or `[2001:db8::1]:25`.
[[nodiscard]] Result<Endpoint> parse_endpoint(std::string_view text);
[[nodiscard]] std::string to_string(const IpAddress& ip);
[[nodiscard]] std::string to_string(const Endpoint& endpoint);

}  // namespace pushmail
