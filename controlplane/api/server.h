// HTTP over a UNIX socket in front of Api. Who may ask what is decided by the kernel's word about the other end (SO_PEERCRED,
// SO_PEERGROUPS) and by the roles that the configuration gives (roles.h). The socket has mode 0660 and the group pushmail-api, where there
// is one.
//
// Came from: pushmailctl, provisioning scripts. Goes to: Api::handle. One request at a time per connection, keep-alive allowed;
// heads above 8 KiB, bodies above 64 KiB and connections that are silent for 30 s are ended.
#pragma once

#include <expected>
#include <filesystem>
#include <functional>
#include <memory>

#include "controlplane/api/api.h"
#include "controlplane/api/roles.h"
#include "controlplane/store/durability.h"
#include "core/start_error.h"

namespace boost::asio {
class io_context;
}

namespace pushmail::api {

class Server {
 public:
  /// Replaces a socket that a killed predecessor left.
  [[nodiscard]] static std::expected<std::unique_ptr<Server>, StartError> open(boost::asio::io_context& context,
                                                                               const std::filesystem::path& path, Roles roles,
                                                                               Durability& durability, Api& api);
  /// Nobody is accepted any more, and who waits to be is told so. Connections end: at once where nothing was asked, else behind the answer.
  /// `done` runs from the event loop when the last one has gone. Destroying the server cuts those that are left.
  virtual void drain(std::function<void()> done) = 0;
  virtual ~Server() = default;
};

}  // namespace pushmail::api
