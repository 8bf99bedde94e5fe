// Names to addresses through c-ares on Asio: the one place that asks DNS. A literal address needs no question.
//
// Came from: mailbox hosts, MMSC hosts. Goes to: the caller, who checks every address against the egress policy and connects to one of
// those. Servers come from dns.servers, else from resolv.conf. Threads: one.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/endpoint.h"
#include "core/result.h"
#include "core/start_error.h"

namespace boost::asio {
class io_context;
}

namespace pushmail {

class Resolver {
 public:
  using Answer = std::function<void(Result<std::vector<IpAddress>>)>;
  /// The text names the server that is no address.
  [[nodiscard]] static std::expected<std::unique_ptr<Resolver>, StartError> open(boost::asio::io_context& context,
                                                                                 const std::vector<std::string>& servers);
  virtual ~Resolver() = default;
  /// Calls `answer` later, never from inside; IPv4 before IPv6 as DNS gave them, each address once.
  virtual void resolve(const std::string& host, Answer answer) = 0;
};

}  // namespace pushmail
