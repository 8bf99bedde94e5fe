#include "controlplane/binding/egress.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace pushmail {

namespace {

// RFC 6890 and its registries: what is not globally reachable, and what embeds an IPv4 address.
constexpr auto special = std::to_array<std::string_view>({
    "0.0.0.0/8",    "10.0.0.0/8",     "100.64.0.0/10",  "127.0.0.0/8",    "169.254.0.0/16",  "172.16.0.0/12",  "192.0.0.0/24",
    "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",  "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",
    "240.0.0.0/4",  "::/96",          "64:ff9b::/96",   "64:ff9b:1::/48", "100::/64",        "2001::/23",      "2001:db8::/32",
    "2002::/16",    "fc00::/7",       "fe80::/10",      "ff00::/8",
});

const std::vector<IpNetwork>& special_networks() {
  static const std::vector<IpNetwork> networks = [] {
    std::vector<IpNetwork> parsed;
    for (const std::string_view text : special) parsed.push_back(parse_network(text).value());
    return parsed;
  }();
  return networks;
}

}  // namespace

std::expected<EgressPolicy, std::string> EgressPolicy::from(std::span<const std::string> allowed) {
  EgressPolicy policy;
  for (const std::string& text : allowed) {
    const auto network = parse_network(text);
    if (!network) return std::unexpected(text + ": not a network like 10.0.0.0/8");
    policy.allowed_.push_back(*network);
  }
  return policy;
}

bool EgressPolicy::allows(const IpAddress& ip) const {
  const auto holds = [&](const IpNetwork& network) { return network.contains(ip); };
  if (std::any_of(allowed_.begin(), allowed_.end(), holds)) return true;
  return std::none_of(special_networks().begin(), special_networks().end(), holds);
}

}  // namespace pushmail
