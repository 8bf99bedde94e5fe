// Delivery receipts: what became of a short message that we submitted.
//
// Came from: deliver_sm or data_sm that automatic.h calls a receipt. Goes to: controlplane/notify (state of a notification).
// The text form is no standard but universal (SMPP 3.4 Appendix B); TLVs 001E and 0427 win where they are present.
#pragma once

#include <array>
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
  std::string message_id;  // as written; compare with same_message_id()
  ReceiptState state = ReceiptState::unknown;
  std::string error;      // `err:`, vendor-specific, may be hex
  std::string done_date;  // YYMMDDhhmm or with seconds, in the SMSC's zone
  std::string text;
};
/// Nothing when the PDU is no receipt, or does not name a message and its state; it is no word of a phone then either (automatic.h).
[[nodiscard]] std::optional<Receipt> read_receipt(const smpp::Pdu& deliver_sm);

/// How a receipt writes the id of submit_sm_resp. Some SMSCs write one in hex and the other in decimal; case, <>, quotes and zeros in front
/// say nothing in any form.
enum class IdForm : std::uint8_t { same, response_hex, receipt_hex };
inline constexpr auto id_forms = std::to_array<IdForm>({IdForm::same, IdForm::response_hex, IdForm::receipt_hex});
inline constexpr std::array<std::string_view, 3> id_form_names{"same", "response_hex", "receipt_hex"};
[[nodiscard]] constexpr std::string_view to_string(IdForm form) { return id_form_names[static_cast<std::size_t>(form)]; }

/// Some SMSCs write 0x in front of their ids in one place and not in the other: the id without it, when digits of that base follow.
[[nodiscard]] std::string_view without_hex_mark(std::string_view id);
/// The key (core/peer_id.h) of the response that a receipt with this id is about, in this form. An id that is no number of the form's base
/// is compared as it is.
[[nodiscard]] std::string response_key(std::string_view from_receipt, IdForm form);
[[nodiscard]] bool same_message_id(std::string_view from_response, std::string_view from_receipt, IdForm form = IdForm::same);

}  // namespace pushmail::sms
