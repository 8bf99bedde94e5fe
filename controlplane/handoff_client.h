// The control plane's end of the handoff socket: connects to the data plane, keeps trying, moves bytes between socket and handoff::Peer.
//
// Came from / goes to: one worker's handoff socket and handoff::Events (Plane). The rules of the protocol are in
// core/contract/handoff/peer.h. Threads: one.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "controlplane/ports.h"
#include "controlplane/store/durability.h"
#include "core/contract/handoff/peer.h"

namespace boost::asio {
class io_context;
}

namespace pushmail {

class HandoffClient final : public DataPlanePort {
 public:
  HandoffClient(boost::asio::io_context& context, std::filesystem::path socket, Durability& durability, handoff::Events& events,
                std::function<void()> on_lost);
  ~HandoffClient() override;

  void start();
  void stop();
  void acknowledge(handoff::Receipt receipt);
  /// An owned record could not be taken over: connects anew in a few seconds, so that the other side sends it again.
  void connect_again();

  [[nodiscard]] bool is_ready() const override;
  /// Why there is no connection, or why the last one ended; empty before the first try.
  [[nodiscard]] const std::string& last_error() const;
  Sent send(handoff::Kind kind, const ItemId& item, RecordWriter record) override;

 private:
  class Connection;
  std::shared_ptr<Connection> connection_;
};

}  // namespace pushmail
