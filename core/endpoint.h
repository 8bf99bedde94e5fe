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

/// `192.0.2.1` or `2001:db8::1`; never a name. IPv4 is four decimal numbers without leading zeros: what inet_aton reads beside that
/// (`0177.0.0.1`, `0x7f.1`, `127.1`) means different hosts to different readers.
[[nodiscard]] Result<IpAddress> parse_ip(std::string_view text);
/// A name that may be looked up: letters, digits, hyphens in labels of 1 to 63 (RFC 1123 §2.1), the last one no number, decimal or 0x: that
/// would be an address to some resolvers (RFC 3696 §2).
[[nodiscard]] bool is_host_name(std::string_view text);
/// `192.0.2.1:25` or `[2001:db8::1]:25`.
[[nodiscard]] Result<Endpoint> parse_endpoint(std::string_view text);
[[nodiscard]] std::string to_string(const IpAddress& ip);

/// An address with a prefix length, IPv4 in mapped form (so /24 of IPv4 is /120 here).
struct IpNetwork {
  IpAddress ip;
  int prefix_length = 128;
  auto operator<=>(const IpNetwork&) const = default;
  [[nodiscard]] bool contains(const IpAddress& address) const;
  /// Every address of its family: such a list keeps nobody out.
  [[nodiscard]] bool is_everybody() const { return prefix_length == 0 || (ip.is_v4() && prefix_length <= 96); }
};
/// `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32` (RFC 4632 §3.1, RFC 4291 §2.3).
[[nodiscard]] Result<IpNetwork> parse_network(std::string_view text);

[[nodiscard]] std::string to_string(const Endpoint& endpoint);

}  // namespace pushmail
