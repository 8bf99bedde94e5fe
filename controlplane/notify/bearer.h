// The seam to whatever carries notices to phones: an SMSC by SMPP now, an SMS gateway's HTTP interface or a push gateway later. Which
// kinds there are, and how each is made from its [bearer.NAME], says bearer_kinds.h.
//
// Came from: Notifier (texts of the store). Goes to: the SMSC; its words come back through BearerEvents. Threads: one.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "codec/wap/numbering.h"
#include "core/bytes.h"
#include "core/msisdn.h"

namespace pushmail::notify {

/// Content for the push client of a phone, as a push PDU carries it (WAP-230 §8.2.4.1).
struct PushContent {
  std::string media_type{};
  Bytes body{};

  bool operator==(const PushContent&) const = default;
};

/// What a notice is; the order is that of OutgoingNotice::content.
enum class NoticeForm : std::uint8_t { text, push };

struct OutgoingNotice {
  std::int64_t id = 0;  // of the store's row
  Msisdn to{};
  std::variant<std::string, PushContent> content{};

  [[nodiscard]] NoticeForm form() const { return static_cast<NoticeForm>(content.index()); }
  /// Of a text.
  [[nodiscard]] const std::string& text() const { return std::get<std::string>(content); }
};

/// How much of a message is there.
enum class Extent : std::uint8_t {
  whole,
  beginning,   // the rest may still come: obeyed where it is clear, and answered never
  incomplete,  // the rest did not come
};

/// A short message from a phone.
struct IncomingSms {
  std::string source{};  // as the SMSC wrote it
  wap::NumberType source_type = wap::NumberType::unknown;
  std::string destination{};
  std::string text{};
  Extent extent = Extent::whole;
  std::string_view
      automatic_sign{};  // what shows that no person wrote it (codec/sms/automatic.h): never answered; empty: a person may have
};

/// A receipt as the SMSC wrote it. Some leave source and destination as they were in our submit_sm.
struct SmsReceipt {
  std::string source{};
  wap::NumberType source_type = wap::NumberType::unknown;
  std::string destination{};
  wap::NumberType destination_type = wap::NumberType::unknown;
  std::string smsc_id{};
  std::string word{};  // DELIVRD, EXPIRED ...
};

/// later: the SMSC shall send it again. rest: of a beginning, that nothing in it could be obeyed yet.
enum class Taken : std::uint8_t { yes, later, rest };

/// Of each message that was submitted, one of sent, refused, deferred, in_doubt comes, or the bearer is lost.
class BearerEvents {
 public:
  virtual ~BearerEvents() = default;
  /// The bearer takes messages from now on.
  virtual void on_bearer_ready() = 0;
  /// Nothing more comes about what was submitted. `maybe_sent`: ids of those without an answer of which a part or all may have left; the
  /// others never did.
  virtual void on_bearer_lost(std::string_view reason, std::span<const std::int64_t> maybe_sent) = 0;
  /// `smsc_ids`: of each part that the text was cut into, as far as the SMSC gave one.
  virtual void on_sent(std::int64_t id, const std::vector<std::string>& smsc_ids) = 0;
  /// What the SMSC calls parts of a message that is not sent as a whole: before it is refused, in doubt or lost, or after it.
  virtual void on_parts(std::int64_t id, const std::vector<std::string>& smsc_ids) = 0;
  /// The SMSC will never take it.
  virtual void on_refused(std::int64_t id, std::string_view reason) = 0;
  /// The SMSC does not take it now: submit it again, later each time.
  virtual void on_deferred(std::int64_t id, std::string_view reason) = 0;
  /// The SMSC has a part of it and keeps putting off the rest, or answers others and not this one: the phone may show it or not.
  virtual void on_in_doubt(std::int64_t id, std::string_view reason) = 0;
  /// `yes` only when what the phone said is durable.
  virtual Taken on_sms(const IncomingSms& message) = 0;
  /// What became of a message we sent.
  virtual void on_receipt(const SmsReceipt& receipt) = 0;
};

class Bearer {
 public:
  virtual ~Bearer() = default;
  [[nodiscard]] virtual bool takes(NoticeForm form) const { return form == NoticeForm::text; }
  [[nodiscard]] virtual bool is_ready() const = 0;
  /// How many more messages it takes now; so many rows are read at once (one without a bound says 100, as SMPP's window is at most 1,000).
  [[nodiscard]] virtual std::size_t room() const = 0;
  /// Of a form that it takes. Never calls back from within.
  virtual void submit(const OutgoingNotice& notice) = 0;
  /// From now on it may call its events.
  virtual void start() = 0;
  /// Ends in good order what it has open.
  virtual void stop() = 0;
  /// For `pushmailctl status`, as the next two are.
  [[nodiscard]] virtual std::string state() const = 0;
  /// Where it leads: `192.0.2.1:2775`.
  [[nodiscard]] virtual std::string address() const = 0;
  /// Why it is not ready, or was not last; empty: it always was.
  [[nodiscard]] virtual std::string last_error() const = 0;
};

}  // namespace pushmail::notify
