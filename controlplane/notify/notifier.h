// Sends the SMS that wait in the store, each until the SMSC has it, and writes down that an item's phone was told (step 402).
//
// Came from: to_phone, retrieve and to_mail, which queue texts in their own transactions and call pump(). Goes to: Bearer.
// Invariant: the store alone knows what was sent. An SMS without an answer is sent again after a reconnect or restart; one with an
// answer never. Threads: one.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "controlplane/notify/bearer.h"
#include "controlplane/store/store.h"
#include "core/clock.h"

namespace pushmail::notify {

class Notifier final : public BearerEvents {
 public:
  /// What a phone said goes to `on_message`.
  using OnMessage = std::function<Taken(const IncomingSms&)>;
  Notifier(Store& store, const Clock& clock, OnMessage on_message) : store_(store), clock_(clock), on_message_(std::move(on_message)) {}

  /// The bearer and the notifier know each other; the bearer comes second.
  void use(Bearer& bearer) { bearer_ = &bearer; }
  /// Offers what waits and is due. Call after a text was queued, and now and then.
  void pump();

  void on_bearer_ready() override;
  void on_bearer_lost(std::string_view reason) override;
  void on_sms_sent(std::int64_t id, std::string_view smsc_id) override;
  void on_sms_refused(std::int64_t id, std::string_view reason) override;
  void on_sms_deferred(std::int64_t id, std::string_view reason) override;
  Taken on_sms(const IncomingSms& message) override;
  void on_sms_receipt(std::string_view phone, std::string_view smsc_id, std::string_view word) override;

 private:
  void settle(std::int64_t id, const std::function<Result<void>(Sms&)>& write);
  [[nodiscard]] Result<void> refuse(Sms& sms, std::string_view reason);

  Store& store_;
  const Clock& clock_;
  OnMessage on_message_;
  Bearer* bearer_ = nullptr;
  std::map<std::int64_t, Sms> flying_;   // submitted on this connection, not answered yet
};

}  // namespace pushmail::notify
