// Where a connection comes from: networks that a peer may use, and how many connections one source and all of them may hold.
#pragma once

#include <map>
#include <span>
#include <string_view>

#include "core/endpoint.h"
#include "core/limits.h"

namespace pushmail {

/// An address with a prefix length, IPv4 in mapped form (so /24 of IPv4 is /120 here).
struct IpNetwork {
  IpAddress ip;
  int prefix_length = 128;
  [[nodiscard]] bool contains(const IpAddress& address) const;
};

/// `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32` (RFC 4632 §3.1, RFC 4291 §2.3).
[[nodiscard]] Result<IpNetwork> parse_network(std::string_view text);

struct ConnectionLimits {
  std::uint32_t all = 10'000;
  std::uint32_t per_source = limits::connections_per_source_max;
};

/// Counts connections; take() is false, and counts nothing, when there is no room.
class ConnectionBudget {
 public:
  explicit ConnectionBudget(ConnectionLimits limits) : limits_(limits) {}
  [[nodiscard]] bool take(const IpAddress& source);
  void give_back(const IpAddress& source);
  [[nodiscard]] std::uint32_t used() const { return used_; }

 private:
  ConnectionLimits limits_;
  std::uint32_t used_ = 0;
  std::map<IpAddress, std::uint32_t> sources_;
};

}  // namespace pushmail
