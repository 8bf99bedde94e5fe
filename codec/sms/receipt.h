// Delivery receipts: what became of a short message that we submitted.
//
// Came from: deliver_sm or data_sm that automatic.h calls a receipt. Goes to: controlplane/notify (state of a notification).
// The text form is no standard but universal (SMPP 3.4 Appendix B); TLVs 001E and 0427 win where they are present.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "codec/sms/smpp.h"

namespace pushmail::sms {

enum class ReceiptState : std::uint8_t { enroute, delivered, expired, deleted, undeliverable, accepted, unknown, rejected };
/// `DELIVRD`; the words of the receipt text.
[[nodiscard]] std::string_view word_of(ReceiptState state);
/// Whether this receipt is the last word about the message.
[[nodiscard]] bool is_final(ReceiptState state);

struct Receipt {
  std::string message_id;                // as written; compare with same_message_id()
  ReceiptState state = ReceiptState::unknown;
  std::string error;                     // `err:`, vendor-specific, may be hex
  std::string done_date;                 // YYMMDDhhmm or with seconds, in the SMSC's zone
  std::string text;
};
/// Nothing when the PDU is no receipt, or does not name a message and its state; it is no word of a phone then either (automatic.h).
[[nodiscard]] std::optional<Receipt> read_receipt(const smpp::Pdu& deliver_sm);

/// Whether a receipt's id is the one of submit_sm_resp. Some SMSCs write one in hex and the other in decimal.
enum class IdForm : std::uint8_t { same, response_hex, receipt_hex };
[[nodiscard]] bool same_message_id(std::string_view from_response, std::string_view from_receipt, IdForm form = IdForm::same);

}  // namespace pushmail::sms
