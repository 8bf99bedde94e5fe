#include "controlplane/binding/egress.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "core/errors.h"

namespace pushmail {

namespace {

// RFC 6890 and its registries: what is not globally reachable, and what embeds an IPv4 address.
constexpr auto special = std::to_array<std::string_view>({
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
    "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "fc00::/7", "fe80::/10", "ff00::/8",
});

const std::vector<Network>& special_networks() {
  static const std::vector<Network> networks = [] {
    std::vector<Network> parsed;
    for (const std::string_view text : special) parsed.push_back(parse_network(text).value());
    return parsed;
  }();
  return networks;
}

}  // namespace

bool Network::holds(const IpAddress& ip) const {
  const unsigned whole = prefix / 8;
  if (!std::equal(base.bytes.begin(), base.bytes.begin() + whole, ip.bytes.begin())) return false;
  const unsigned rest = prefix % 8;
  if (rest == 0) return true;
  const unsigned mask = (0xffU << (8 - rest)) & 0xffU;
  return (base.bytes[whole] & mask) == (ip.bytes[whole] & mask);
}

Result<Network> parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  PM_TRY(const IpAddress base, parse_ip(text.substr(0, slash)));
  // IPv4 lives in ::ffff:0:0/96, so its prefix counts from there.
  const unsigned before = base.is_v4() ? 96 : 0;
  unsigned prefix = 128 - before;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
    if (code != std::errc() || end != digits.data() + digits.size() || prefix > 128 - before) return fail(core_bad_address, slash + 1);
  }
  return Network{base, before + prefix};
}

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
  const auto holds = [&](const Network& network) { return network.holds(ip); };
  if (std::any_of(allowed_.begin(), allowed_.end(), holds)) return true;
  return std::none_of(special_networks().begin(), special_networks().end(), holds);
}

}  // namespace pushmail
