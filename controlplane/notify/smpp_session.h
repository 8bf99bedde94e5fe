// SmppProtocol on a TCP socket of Asio, by TLS where that is configured, with one timer for its deadline; where the SMSC lets no session go
// both ways, a second one that receives, which lives as long as the first one needs it.
//
// Came from: Notifier (texts). Goes to: the SMSC, BearerEvents. Threads: one, the io_context's.
#pragma once

#include <memory>
#include <string>

#include "controlplane/notify/bearer.h"
#include "controlplane/notify/smpp_protocol.h"
#include "controlplane/store/durability.h"
#include "core/clock.h"

namespace boost::asio {
class io_context;
}

namespace pushmail::notify {

class SmppSession final : public Bearer {
 public:
  SmppSession(boost::asio::io_context& context, const Clock& clock, SmppSettings settings, Durability& durability, BearerEvents& events);
  ~SmppSession() override;
  SmppSession(const SmppSession&) = delete;
  SmppSession& operator=(const SmppSession&) = delete;

  void start() override;
  /// Unbinds; the session is over when the SMSC answers or after two seconds.
  void stop() override;

  [[nodiscard]] bool is_ready() const override;
  [[nodiscard]] std::size_t room() const override;
  void submit(const OutgoingNotice& notice) override;
  [[nodiscard]] std::string state() const override;
  [[nodiscard]] std::string address() const override;
  /// Why the session that sends ended last, or that there was none yet.
  [[nodiscard]] std::string last_error() const override;

 private:
  class Socket;
  class ReceiverEvents;
  void follow();

  boost::asio::io_context& context_;
  const Clock& clock_;
  const SmppSettings settings_;
  Durability& durability_;
  std::unique_ptr<ReceiverEvents> receiver_events_;
  std::shared_ptr<Socket> socket_;
  std::shared_ptr<Socket> receiver_;  // beside a transmitter
};

}  // namespace pushmail::notify
