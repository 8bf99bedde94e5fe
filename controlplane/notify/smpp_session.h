// One SMPP 3.4 session as ESME: bind_transceiver, a window of submit_sm, enquire_link, rebind with back-off, unbind.
//
//   idle -> connecting -> binding -> bound -> unbinding
//     ^________________________________|  (lost: wait, doubled up to a minute, with jitter)
//
// Came from: Notifier (texts), the SMSC (deliver_sm). Goes to: BearerEvents. A text is one or several submit_sm; it counts as sent when
// every one was answered. Invariant: deliver_sm is answered with 0 only after on_sms said that it is durable. SMPP 3.4 §2, §4, §7.2.
#pragma once

#include <memory>
#include <string>

#include "controlplane/notify/bearer.h"
#include "core/clock.h"
#include "core/endpoint.h"

namespace boost::asio {
class io_context;
}

namespace pushmail::notify {

struct SmppSettings {
  Endpoint smsc{};
  std::string system_id{};
  std::string password{};
  std::string system_type{};
  std::string source{};                // sender of our messages
  std::size_t window = 10;
  Duration enquire_link = seconds(30);
  Duration response_max = seconds(60);
  Duration throttle_pause = seconds(1);
  Duration rebind_first = seconds(1);
  Duration rebind_most = seconds(60);
};

class SmppSession final : public Bearer {
 public:
  SmppSession(boost::asio::io_context& context, const Clock& clock, SmppSettings settings, BearerEvents& events);
  ~SmppSession() override;
  SmppSession(const SmppSession&) = delete;
  SmppSession& operator=(const SmppSession&) = delete;

  void start();
  /// Unbinds; the session is over when the SMSC answers or after two seconds.
  void stop();

  [[nodiscard]] bool is_ready() const override;
  [[nodiscard]] std::size_t room() const override;
  void submit(const OutgoingSms& sms) override;
  [[nodiscard]] std::string state() const override;

 private:
  class Session;
  std::shared_ptr<Session> session_;
};

}  // namespace pushmail::notify
