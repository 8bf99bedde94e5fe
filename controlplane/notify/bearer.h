// The seam to whatever carries short messages: SMPP now, an SMS gateway's HTTP interface later.
//
// Came from: Notifier (texts of the store). Goes to: the SMSC; its words come back through BearerEvents. Threads: one.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec/wap/numbering.h"
#include "core/clock.h"
#include "core/msisdn.h"

namespace pushmail::notify {

struct OutgoingSms {
  std::int64_t id = 0;  // of the store's row
  Msisdn to{};
  std::string text{};
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

/// An SMSC answers within it; what it has not answered by then holds nothing else up.

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
  virtual void on_sms_sent(std::int64_t id, const std::vector<std::string>& smsc_ids) = 0;
  /// What the SMSC calls parts of a message that is not sent as a whole: before it is refused, in doubt or lost, or after it.
  virtual void on_sms_parts(std::int64_t id, const std::vector<std::string>& smsc_ids) = 0;
  /// The SMSC will never take it.
  virtual void on_sms_refused(std::int64_t id, std::string_view reason) = 0;
  /// The SMSC does not take it now: submit it again, later each time.
  virtual void on_sms_deferred(std::int64_t id, std::string_view reason) = 0;
  /// The SMSC has a part of it and keeps putting off the rest, or answers others and not this one: the phone may show it or not.
  virtual void on_sms_in_doubt(std::int64_t id, std::string_view reason) = 0;
  /// `yes` only when what the phone said is durable.
  virtual Taken on_sms(const IncomingSms& message) = 0;
  /// What became of a message we sent.
  virtual void on_sms_receipt(const SmsReceipt& receipt) = 0;
};

class Bearer {
 public:
  virtual ~Bearer() = default;
  [[nodiscard]] virtual bool is_ready() const = 0;
  /// How many more messages it takes now.
  [[nodiscard]] virtual std::size_t room() const = 0;
  /// Never calls back from within.
  virtual void submit(const OutgoingSms& sms) = 0;
  /// For `pushmailctl status`.
  [[nodiscard]] virtual std::string state() const = 0;
};

}  // namespace pushmail::notify
