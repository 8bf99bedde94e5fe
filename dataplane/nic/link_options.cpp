#include "dataplane/nic/link_options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>

#include "core/bytes.h"
#include "dataplane/nic/errors.h"

namespace pushmail {

namespace {

// `02:00:00:00:00:02`
Result<MacAddress> parse_mac(std::string_view text) {
  MacAddress mac{};
  if (text.size() != mac.size() * 3 - 1) return fail(nic_bad_link);
  for (std::size_t i = 0; i < mac.size(); ++i) {
    const Bytes byte = from_hex(text.substr(i * 3, 2));
    if (byte.size() != 1 || (i + 1 < mac.size() && text[i * 3 + 2] != ':')) return fail(nic_bad_link, i * 3);
    mac[i] = byte[0];
  }
  return mac;
}

}  // namespace

Result<LinkOptions> read_link_options(const Config& config) {
  LinkOptions options;
  const std::string cidr = config.text("link.address");
  const std::size_t slash = cidr.find('/');
  if (slash == std::string::npos) return fail(nic_bad_link);
  PM_TRY(options.address, parse_ip(std::string_view(cidr).substr(0, slash)));
  const auto [end, error] = std::from_chars(cidr.data() + slash + 1, cidr.data() + cidr.size(), options.prefix_length);
  if (error != std::errc{} || end != cidr.data() + cidr.size() || options.prefix_length > (options.address.is_v4() ? 32U : 128U)) {
    return fail(nic_bad_link, slash + 1);
  }
  if (config.has("link.gateway")) {
    PM_TRY(options.gateway, parse_ip(config.text("link.gateway")));
  }
  if (config.has("link.gateway_mac")) {
    PM_TRY(options.gateway_mac, parse_mac(config.text("link.gateway_mac")));
    // A group address, or one for a gateway that is not there, is a mistake of whoever wrote it.
    if (options.gateway == IpAddress{} || (options.gateway_mac[0] & 1) != 0) return fail(nic_bad_link);
  }
  if (config.has("link.mac")) {
    PM_TRY(options.port.mac, parse_mac(config.text("link.mac")));
  }
  options.port.mtu = static_cast<std::uint32_t>(config.number("link.mtu"));

  options.eal.vdev = config.text("link.vdev");
  options.eal.allow = config.text("link.allow");
  if (options.eal.vdev.empty() == options.eal.allow.empty()) return fail(nic_bad_link);
  options.port.name = options.eal.vdev.empty() ? options.eal.allow : options.eal.vdev.substr(0, options.eal.vdev.find(','));
  options.eal.huge_pages = config.flag("link.huge_pages");
  options.eal.memory_size = config.size("link.memory");
  options.eal.file_prefix = fmt::format("pushmail{}", getpid());
  return options;
}

}  // namespace pushmail
