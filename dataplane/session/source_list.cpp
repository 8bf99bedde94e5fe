#include "dataplane/session/source_list.h"

#include <charconv>

#include "core/errors.h"

namespace pushmail {

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
  const std::string_view digits = text.substr(slash + 1);
  int length = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  const int most = ip.is_v4() ? 32 : 128;
  if (error != std::errc{} || end != digits.data() + digits.size() || length < 0 || length > most) {
    return fail(core_bad_address, slash + 1);
  }
  return IpNetwork{.ip = ip, .prefix_length = ip.is_v4() ? length + 96 : length};
}

bool ConnectionBudget::take(const IpAddress& source) {
  if (used_ >= limits_.all) return false;
  std::uint32_t& of_source = sources_[source];
  if (of_source >= limits_.per_source) return false;
  ++of_source;
  ++used_;
  return true;
}

void ConnectionBudget::give_back(const IpAddress& source) {
  const auto found = sources_.find(source);
  PM_CHECK(found != sources_.end() && used_ > 0);
  --used_;
  if (--found->second == 0) sources_.erase(found);
}

}  // namespace pushmail
