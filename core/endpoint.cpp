#include "core/endpoint.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>

#include "core/ascii.h"
#include "core/bytes.h"
#include "core/errors.h"

namespace pushmail {

namespace {
constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
}

IpAddress IpAddress::v4(std::uint32_t host_order) {
  IpAddress ip;
  std::copy(mapped_prefix.begin(), mapped_prefix.end(), ip.bytes.begin());
  store(ip.bytes.data() + 12, host_order, std::endian::big);
  return ip;
}

bool IpAddress::is_v4() const { return std::equal(mapped_prefix.begin(), mapped_prefix.end(), bytes.begin()); }

std::uint32_t IpAddress::v4() const { return load<std::uint32_t>(bytes.data() + 12, std::endian::big); }

Result<IpAddress> parse_ip(std::string_view text) {
  // What the library does not see must not stand behind what it reads.
  if (text.contains('\0')) return fail(core_bad_address, text.find('\0'));
  const std::string terminated(text);
  std::array<std::uint8_t, 4> four{};
  if (inet_pton(AF_INET, terminated.c_str(), four.data()) == 1) {
    return IpAddress::v4(load<std::uint32_t>(four.data(), std::endian::big));
  }
  IpAddress ip;
  if (inet_pton(AF_INET6, terminated.c_str(), ip.bytes.data()) == 1) return ip;
  return fail(core_bad_address);
}

bool is_host_name(std::string_view text) {
  constexpr std::size_t name_size_max = 253, label_size_max = 63;
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > name_size_max) return false;
  const auto in_label = [](char c) { return is_alphanumeric(c) || c == '-' || c == '_'; };
  std::string_view label;
  while (true) {
    const std::size_t dot = std::min(text.find('.'), text.size());
    label = text.substr(0, dot);
    if (label.empty() || label.size() > label_size_max || !std::ranges::all_of(label, in_label)) return false;
    if (label.starts_with('-') || label.ends_with('-')) return false;
    if (dot == text.size()) break;
    text.remove_prefix(dot + 1);
  }
  return !is_digits(label) && !ascii_starts_with_nocase(label, "0x");
}

bool IpNetwork::contains(const IpAddress& address) const {
  const auto whole = static_cast<std::size_t>(prefix_length / 8);
  for (std::size_t i = 0; i < whole; ++i) {
    if (ip.bytes[i] != address.bytes[i]) return false;
  }
  if (prefix_length % 8 == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff00 >> (prefix_length % 8));
  return (ip.bytes[whole] & mask) == (address.bytes[whole] & mask);
}

Result<IpNetwork> parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  PM_TRY(const IpAddress ip, parse_ip(text.substr(0, slash)));
  if (slash == std::string_view::npos) return IpNetwork{.ip = ip, .prefix_length = 128};
  const auto length = parse_number<int>(text.substr(slash + 1));
  const int most = ip.is_v4() ? 32 : 128;
  if (!length || *length < 0 || *length > most) return fail(core_bad_address, slash + 1);
  return IpNetwork{.ip = ip, .prefix_length = ip.is_v4() ? *length + 96 : *length};
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return fail(core_bad_address);
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return fail(core_bad_address, colon);
  }
  Endpoint endpoint;
  PM_TRY(endpoint.ip, parse_ip(host));
  const auto port = parse_number<std::uint16_t>(text.substr(colon + 1));
  if (!port) return fail(core_bad_address, colon + 1);
  endpoint.port = *port;
  return endpoint;
}

std::string to_string(const IpAddress& ip) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (ip.is_v4()) {
    inet_ntop(AF_INET, ip.bytes.data() + 12, text.data(), text.size());
  } else {
    inet_ntop(AF_INET6, ip.bytes.data(), text.data(), text.size());
  }
  return text.data();
}

std::string to_string(const Endpoint& endpoint) {
  return endpoint.ip.is_v4() ? fmt::format("{}:{}", to_string(endpoint.ip), endpoint.port)
                             : fmt::format("[{}]:{}", to_string(endpoint.ip), endpoint.port);
}

}  // namespace pushmail
