// Where the control plane may connect to on behalf of a subscriber: public addresses, and the networks an operator names.
//
// A subscriber chooses the mailbox host, so without this rule he could aim us at our own network (SSRF). The address that was checked
// is the address that is connected to; names are resolved once.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <vector>

#include "core/endpoint.h"

namespace pushmail {

class EgressPolicy {
 public:
  EgressPolicy() = default;
  /// The text names the entry that is no network.
  [[nodiscard]] static std::expected<EgressPolicy, std::string> from(std::span<const std::string> allowed);
  [[nodiscard]] bool allows(const IpAddress& ip) const;

 private:
  std::vector<IpNetwork> allowed_;
};

}  // namespace pushmail
