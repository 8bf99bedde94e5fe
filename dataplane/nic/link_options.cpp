#include "dataplane/nic/link_options.h"

#include <fmt/format.h>
#include <unistd.h>

#include "core/ascii.h"
#include "core/bytes.h"
#include "dataplane/nic/errors.h"

namespace pushmail {

namespace {

// `02:00:00:00:00:02`
Result<MacAddress> parse_mac(std::string_view text) {
  MacAddress mac{};
  if (text.size() != mac.size() * 3 - 1) return fail(nic_bad_link);
  for (std::size_t i = 0; i < mac.size(); ++i) {
    const auto byte = leading_hex_byte(text.substr(i * 3));
    if (!byte || (i + 1 < mac.size() && text[i * 3 + 2] != ':')) return fail(nic_bad_link, i * 3);
    mac[i] = *byte;
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
  const auto length = parse_number<decltype(options.prefix_length)>(std::string_view(cidr).substr(slash + 1));
  if (!length || *length > (options.address.is_v4() ? 32U : 128U)) return fail(nic_bad_link, slash + 1);
  options.prefix_length = *length;
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
