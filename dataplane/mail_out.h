// SMTP out behind the relay's OutgoingPort.
//
// Came from: relay (MailOrder). Goes to: SmtpClient, and back as on_mail_result: one reply for each recipient, the one that decided.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/relay/relay.h"
#include "dataplane/session/smtp_client.h"

namespace pushmail {

class MailOut final : SmtpClientEvents {
 public:
  /// `starttls` given: no mail goes without. `login` given: none goes to its host without.
  MailOut(Network& network, const std::string& domain, const Clock& clock, FaultPoints faults, StreamCover* starttls = nullptr,
          std::optional<SmtpLogin> login = std::nullopt);

  /// Before anything else: who hears of results.
  void set_relay(relay::Relay& relay) { relay_ = &relay; }
  void send(const relay::MailOrder& order);
  void tick(Instant now);
  /// What waits goes back as not sent, at once; what is with a host gets its answer, and then the connections end.
  void drain() { client_.drain(); }
  [[nodiscard]] std::size_t connection_count() const { return client_.connection_count(); }
  [[nodiscard]] bool has_work() const { return !refused_.empty() || client_.has_work(); }

 private:
  struct Sending {
    ItemId item;
    std::size_t recipient_count;
  };
  void on_smtp_result(std::uint64_t mail, SmtpResult result) override;

  relay::Relay* relay_ = nullptr;
  std::map<std::uint64_t, Sending> sending_;
  std::vector<std::pair<Sending, Error>> refused_;  // told at the next tick, never from inside send()
  SmtpClient client_;
};

/// What the relay hears: RCPT's reply where that was a refusal, else the reply that decided the mail.
[[nodiscard]] relay::MailResult replies_of(const SmtpResult& result, std::size_t recipient_count);

}  // namespace pushmail
